package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pfxrecryption/pfxrecryption/server/internal/api"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pester"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/sqlite"
)

// Every limit that the server puts on a connection.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 15 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 64 << 10 // the API itself answers 431 from 16 KiB on
	drainTimeout      = 20 * time.Second
)

// Server is a server whose listeners are open: it answers from the call of Run on.
type Server struct {
	// URL is where the API's base path begins, such as http://127.0.0.1:8080.
	URL string
	// AdminURL is where the probes are, or "" if there are none.
	AdminURL string
	// Issuer is the development issuer, or nil.
	Issuer *auth.Issuer

	log      *slog.Logger
	store    pfx.Store
	verifier *auth.Verifier
	serving  []serving // the API first
	draining atomic.Bool
}

type serving struct {
	server   *http.Server
	listener net.Listener
}

// Open opens the store, loads the seed and opens the listeners. Without an error, the caller must call Run.
func Open(ctx context.Context, c Config, log *slog.Logger) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Server{log: log}
	if err := s.open(ctx, &c); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// open looks at all that can be wrong with the configuration before it touches the store.
func (s *Server) open(ctx context.Context, c *Config) error {
	listener, err := c.listen()
	if err != nil {
		return err
	}
	s.URL = "http://" + listener.Addr().String()
	if c.TLSCert != "" {
		s.URL = "https://" + listener.Addr().String()
	}
	server := s.newServer(nil)
	s.serving = append(s.serving, serving{server, listener})
	if err := s.trust(c); err != nil {
		return err
	}
	if err := s.openProbes(c.AdminListen); err != nil {
		return err
	}
	if s.store, err = sqlite.Open(ctx, sqlite.Config{Path: strings.TrimPrefix(c.Store, "sqlite:"), Log: s.log}); err != nil {
		s.store = nil // not an interface that holds a nil pointer
		return err
	}
	if err := c.seed(ctx, s.store); err != nil {
		return err
	}
	server.Handler, err = s.handler(c)
	return err
}

func (c *Config) listen() (net.Listener, error) {
	config := &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("loading --tls-cert and --tls-key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	if c.TLSCert != "" {
		return tls.NewListener(l, config), nil
	}
	return l, nil
}

// trust builds what verifies tokens and, with --dev, what issues them. The verifier finds the development issuer's keys
// as it finds any other's: by discovery over HTTP.
func (s *Server) trust(c *Config) error {
	config := auth.Config{Issuers: c.Issuer, Audiences: c.Audience, Log: s.log}
	if c.Dev {
		issuer, err := auth.NewIssuer(s.URL, nil)
		if err != nil {
			return err
		}
		s.Issuer = issuer
		config.Issuers = append(slices.Clone(c.Issuer), issuer.Template())
		config.Audiences = append(slices.Clone(c.Audience), auth.DefaultAudience)
		s.log.Warn("the development issuer gives a token to anybody who asks")
	}
	verifier, err := auth.New(config)
	s.verifier = verifier
	return err
}

func (s *Server) handler(c *Config) (http.Handler, error) {
	server, err := api.New(api.Config{
		Service:  &pfx.Service{Store: s.store, RequireCondition: c.RequireIfMatch},
		Verifier: s.verifier,
		Licensed: c.isLicensed,
		Log:      s.log,

		PublicURL: c.PublicURL,
	})
	if err != nil || s.Issuer == nil {
		return server, err
	}
	handler := http.Handler(server)
	if c.Pester > 0 {
		handler = pester.New(pester.Config{Percent: c.Pester, Faults: c.Faults, Seed: c.FaultSeed, Refuse: server.Refuse, Log: s.log}, handler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/dev/") {
			s.Issuer.ServeHTTP(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	}), nil
}

func (s *Server) openProbes(address string) error {
	if address == "" {
		return nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listening for probes: %w", err)
	}
	s.AdminURL = "http://" + l.Addr().String()
	s.serving = append(s.serving, serving{s.newServer(s.probes()), l})
	return nil
}

// probes answers /healthz while the process lives and /readyz while it should get requests.
func (s *Server) probes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.draining.Load():
			http.Error(w, "draining", http.StatusServiceUnavailable)
		case s.store.Ready(r.Context()) != nil:
			http.Error(w, "the store is not ready", http.StatusServiceUnavailable)
		case s.verifier.Ready(r.Context()) != nil:
			http.Error(w, "the keys of an issuer cannot be read", http.StatusServiceUnavailable)
		default:
			fmt.Fprintln(w, "ok")
		}
	})
	return mux
}

func (s *Server) newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:                      handler,
		ReadHeaderTimeout:            readHeaderTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		DisableGeneralOptionsHandler: true, // OPTIONS * is an unknown route like any other
		ErrorLog:                     slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

// Run serves until ctx is done or a listener fails, then drains: readiness goes first, then the listeners; what is under
// way may finish within drainTimeout; then the store closes.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, r := range s.serving {
		g.Go(func() error {
			if err := r.server.Serve(r.listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serving %s: %w", r.listener.Addr(), err)
			}
			return nil
		})
	}
	g.Go(func() error {
		<-ctx.Done()
		return s.drain(context.WithoutCancel(ctx))
	})
	return errors.Join(g.Wait(), s.close())
}

func (s *Server) drain(ctx context.Context) error {
	s.draining.Store(true)
	s.log.Info("draining", "timeout", drainTimeout.String())
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for _, r := range s.serving {
		if err := r.server.Shutdown(ctx); err != nil {
			return fmt.Errorf("draining %s: %w", r.listener.Addr(), errors.Join(err, r.server.Close()))
		}
	}
	s.log.Info("drained")
	return nil
}

// close releases what open has opened, after or instead of Run.
func (s *Server) close() error {
	var errs []error
	for _, r := range s.serving {
		if err := r.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.verifier != nil {
		s.verifier.Close()
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}
