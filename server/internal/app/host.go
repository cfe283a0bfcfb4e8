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

// Every limit that a host puts on a connection.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 15 * time.Second
	idleTimeout       = 60 * time.Second
	stallTimeout      = 15 * time.Second // instead of idleTimeout while connections are scarce, see ConnectionLimits
	maxHeaderBytes    = 64 << 10         // the API itself answers 431 from 16 KiB on
	drainTimeout      = 20 * time.Second
)

// ballastBytes are never touched, so that they take no memory, but they count as live: the collector runs when what is
// live has doubled, and next to a few MB that was every tenth of a second under load. A higher percentage instead would
// also multiply the hundreds of MB of many slow readers.
const ballastBytes = 32 << 20

// host serves on listeners, and drains them: what serve and gateway share.
type host struct {
	log        *slog.Logger
	metrics    *prometheus.Registry
	drainDelay time.Duration
	limits     ConnectionLimits
	serving    []serving // the first is what callers reach
	draining   atomic.Bool
	sleep      func(time.Duration)
	ballast    []byte
	clientAuth tls.ClientAuthType // of the listener that callers reach

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
	signal.Notify(h.hangups, syscall.SIGHUP) // from the start: it must not end a program that is about to serve
	h.reloads = newReloads(h.metrics)
	h.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return h
}

// open listens on address, with TLS and HTTP/2 if there is a certificate, and returns the server, which has no handler
// yet, and its URL.
func (h *host) open(address, certFile, keyFile string) (*http.Server, string, error) {
	if err := h.loadCertificate(certFile, keyFile); err != nil {
		return nil, "", err
	}
	inner, err := net.Listen("tcp", address)
	if err != nil {
		return nil, "", fmt.Errorf("listening: %w", err)
	}
	limited := conns.Limit(inner, h.limits.config())
	h.showConnections(limited)
	server := h.newServer(nil)
	server.ConnState = limited.SetState
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

// loadCertificate reads the certificate, if there is one, which is then reloaded.
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

// site is what a host shows on its admin listener in addition to the probes.
type site interface {
	Register(mux *http.ServeMux)
	// Close ends responses that would last as long as the process.
	Close()
}

// openAdmin serves /healthz while the process lives, /readyz while it should get requests, /metrics, sites, and with debug
// /debug/pprof/, and returns where. notReady says why there should be no requests; "" if there should.
func (h *host) openAdmin(address string, debug bool, notReady func(context.Context) string, sites ...site) (string, error) {
	if address == "" {
		return "", nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", fmt.Errorf("listening for probes: %w", err)
	}
	if !isLoopback(l.Addr().String()) {
		h.log.Warn("the admin listener is open to other machines, and asks nobody who they are: let a firewall or a network policy guard it",
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
		server.WriteTimeout = 0 // what happens is sent as it happens
	}
	if debug {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
		server.WriteTimeout = 0 // a profile takes as long as whoever wants it says
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
		DisableGeneralOptionsHandler: true, // OPTIONS * is an unknown route like any other
		ErrorLog:                     slog.NewLogLogger(h.log.Handler(), slog.LevelWarn),
	}
}

// serve serves until ctx is done or a listener fails, then drains: readiness goes first, then, after drainDelay, the
// listeners; what is under way may finish within drainTimeout. Until it drains it reloads files.
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

// lastAnswers tells callers that a response is the last one of its connection (RFC 9112 §9.6): where the framing of the
// request is in doubt, and for every response once the host drains. Without that, Shutdown closes a connection as soon as it
// is idle, and a request that is on its way gets no response.
func (h *host) lastAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.draining.Load() || graph.EndsConnection(r) {
			w.Header()["Connection"] = connectionClose
		}
		next.ServeHTTP(w, r)
	})
}

var connectionClose = []string{"close"}

// drain goes on to serve for drainDelay, in which balancers see that the host is not ready and callers move off their
// connections.
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
