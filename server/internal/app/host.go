package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/pfxrecryption/pfxrecryption/server/internal/conns"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// The limits of each connection.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 15 * time.Second
	idleTimeout       = 60 * time.Second
	stallTimeout      = 15 * time.Second // replaces idleTimeout while connections are scarce, see ConnectionLimits
	maxHeaderBytes    = 64 << 10         // the API itself returns 431 above 16 KiB
	drainTimeout      = 20 * time.Second
)

// ballastBytes are never touched, so they take no memory, but the garbage collector counts them as live. It runs when the
// live heap has doubled; with a few MB that was every tenth of a second under load. A higher GC percentage would also
// multiply the hundreds of MB of many slow readers.
const ballastBytes = 32 << 20

// host opens listeners, serves and drains them. serve, gateway and mock share it.
type host struct {
	log        *slog.Logger
	metrics    *prometheus.Registry
	drainDelay time.Duration
	limits     ConnectionLimits
	serving    []serving // the first is the public one
	draining   atomic.Bool
	sleep      func(time.Duration)
	ballast    []byte
	clientAuth tls.ClientAuthType // of the public listener

	certificate *certificate // nil without TLS
	reloads     *reloads
	hangups     chan os.Signal
	files       []string // see onReload
	reload      func(ctx context.Context, always bool)
}

type serving struct {
	server   *http.Server
	listener net.Listener
}

func newHost(log *slog.Logger, drainDelay time.Duration) *host {
	h := &host{
		log: log, metrics: prometheus.NewRegistry(), drainDelay: drainDelay, sleep: time.Sleep, ballast: make([]byte, ballastBytes),
		hangups: make(chan os.Signal, 1),
	}
	signal.Notify(h.hangups, syscall.SIGHUP) // from the start: SIGHUP must not end a starting program
	h.reloads = newReloads(h.metrics)
	h.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return h
}

// open listens on address, with TLS and HTTP/2 if a certificate is given. It returns the server, still without a handler,
// and its URL.
func (h *host) open(address, certFile, keyFile string) (*http.Server, string, error) {
	if err := h.loadCertificate(certFile, keyFile); err != nil {
		return nil, "", err
	}
	inner, err := listen("--listen", address)
	if err != nil {
		return nil, "", err
	}
	limited := conns.Limit(inner, h.limits.config())
	h.showConnections(limited)
	server := h.newServer(nil)
	server.ConnState, server.ConnContext = limited.SetState, limited.Context
	server.HTTP2 = &http.HTTP2Config{WriteByteTimeout: writeTimeout}
	l, scheme := net.Listener(limited), "http://"
	if h.certificate != nil {
		l, scheme = tls.NewListener(limited, &tls.Config{
			NextProtos: []string{"h2", "http/1.1"}, ClientAuth: h.clientAuth, GetCertificate: h.certificate.get,
		}), "https://"
	}
	h.serving = append(h.serving, serving{server, l})
	return server, scheme + l.Addr().String(), nil
}

// listen listens on the address of a flag. Its error says what to do about a port in use.
func listen(name, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s %s: another program listens there; stop it, or choose another address with %[1]s", name, address)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

// loadCertificate loads the certificate, if one is given, and schedules its reloads.
func (h *host) loadCertificate(certFile, keyFile string) error {
	if certFile == "" {
		return nil
	}
	c := &certificate{certFile: certFile, keyFile: keyFile}
	if _, err := c.load(time.Now()); err != nil {
		return err
	}
	if time.Now().After(c.expiry()) {
		h.log.Warn("the certificate of --tls-cert has expired", "on", c.expiry().UTC().Format(time.RFC3339))
	}
	h.certificate, h.files = c, append(h.files, certFile, keyFile)
	h.reloads.count("certificate", nil)
	h.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: metricsNamespace, Name: "certificate_expiry_timestamp_seconds", Help: "When the certificate of --tls-cert expires.",
	}, func() float64 { return float64(c.expiry().Unix()) }))
	return nil
}

// site adds pages to the admin listener.
type site interface {
	Register(mux *http.ServeMux)
	// Close ends endless responses.
	Close()
}

// openAdmin serves /healthz, /readyz, /metrics and the sites, and /debug/pprof/ if debug is true. It returns the URL.
// notReady returns why the process should get no requests, or "".
func (h *host) openAdmin(address string, debug bool, notReady func(context.Context) string, sites ...site) (string, error) {
	if address == "" {
		return "", nil
	}
	l, err := listen("--admin-listen", address)
	if err != nil {
		return "", err
	}
	if !isLoopback(l.Addr().String()) {
		h.log.Warn("the admin listener is open to other machines without authentication: protect it with a firewall or a network policy",
			"address", l.Addr().String(), "debug", debug)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		why := "draining"
		if !h.draining.Load() {
			why = notReady(r.Context())
		}
		if why != "" {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.metrics, promhttp.HandlerOpts{}))
	server := h.newServer(mux)
	for _, s := range sites {
		s.Register(mux)
		server.RegisterOnShutdown(s.Close)
	}
	if len(sites) > 0 {
		server.WriteTimeout = 0 // it streams events
	}
	if debug {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
		server.WriteTimeout = 0 // the client chooses how long a profile takes
	}
	h.serving = append(h.serving, serving{server, l})
	return "http://" + l.Addr().String(), nil
}

func (h *host) newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:                      handler,
		ReadHeaderTimeout:            readHeaderTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		DisableGeneralOptionsHandler: true, // OPTIONS * is an unknown route
		ErrorLog:                     slog.NewLogLogger(h.log.Handler(), slog.LevelWarn),
	}
}

// serve serves until ctx is done or a listener fails, then drains. /readyz fails first; after drainDelay the listeners
// close, and requests in flight may finish within drainTimeout. Until then it reloads files.
func (h *host) serve(ctx context.Context) error {
	defer runtime.KeepAlive(h.ballast)
	watching, stop := context.WithCancel(ctx)
	watcher := watch(h.log, h.files...)
	var watched sync.WaitGroup
	watched.Go(func() { h.watch(watching, watcher) })
	defer watched.Wait()
	defer stop()
	return h.serveAndDrain(ctx)
}

func (h *host) serveAndDrain(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, r := range h.serving {
		r.server.Handler = h.lastAnswers(r.server.Handler)
		g.Go(func() error {
			if err := r.server.Serve(r.listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serving %s: %w", r.listener.Addr(), err)
			}
			return nil
		})
	}
	g.Go(func() error {
		<-ctx.Done()
		return h.drain(context.WithoutCancel(ctx))
	})
	return g.Wait()
}

// lastAnswers announces the last response of a connection (RFC 9112 §9.6): if the framing of the request is ambiguous, and
// for every response while the host drains. Otherwise Shutdown would close a connection as soon as it is idle, and a request
// in transit would get no response.
func (h *host) lastAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.draining.Load() || graph.EndsConnection(r) {
			w.Header()["Connection"] = connectionClose
		}
		next.ServeHTTP(w, r)
	})
}

var connectionClose = []string{"close"}

// drain keeps serving for drainDelay, so that load balancers notice and clients leave their connections.
func (h *host) drain(ctx context.Context) error {
	h.draining.Store(true)
	h.log.Info("draining", "delay", h.drainDelay.String(), "timeout", drainTimeout.String())
	h.sleep(h.drainDelay) // a second signal ends the process
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for _, r := range h.serving {
		if err := r.server.Shutdown(ctx); err != nil {
			return fmt.Errorf("draining %s: %w", r.listener.Addr(), errors.Join(err, r.server.Close()))
		}
	}
	h.log.Info("drained")
	return nil
}

// close closes the listeners, after or instead of serve.
func (h *host) close() error {
	signal.Stop(h.hangups)
	var errs []error
	for _, r := range h.serving {
		if err := r.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
