package strict

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// ErrNotImplemented is the error of a handler that is not implemented yet.
var ErrNotImplemented error = &notImplemented

var notImplemented = Problem{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "The server does not implement this operation yet."}

// LeftOut returns the Serve function of an operation without generated code: clients get 501, and the log gets the reason.
func LeftOut(reason string) func(x *Exchange) error {
	p := notImplemented
	p.Cause = errors.New(reason)
	return func(*Exchange) error { return &p }
}

const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = time.Minute
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 20 * time.Second
)

// ListenAndServe serves h until ctx is done. It then stops accepting requests, waits for those in flight, and returns nil.
// It logs its address; an empty port or the port 0 picks a free one.
func ListenAndServe(ctx context.Context, address string, h http.Handler, log *slog.Logger) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("another program listens on %s; stop it, or choose another address: %w", address, err)
	}
	if err != nil {
		return fmt.Errorf("listening on %s: %w", address, err)
	}
	server := &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), MaxHeaderBytes: 64 << 10,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
	log.Info("serving", "url", "http://"+listener.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err = server.Shutdown(drain)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	log.Info("drained")
	return err
}
