package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/api"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pester"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/throttle"
)

// queueTime is how long a request waits for its turn.
const queueTime = 100 * time.Millisecond

// Server is a server whose listeners are open: it answers from the call of Run on.
type Server struct {
	// URL is where the API's base path begins, such as http://127.0.0.1:8080.
	URL string
	// AdminURL is where the probes are, or "" if there are none.
	AdminURL string
	// Issuer is the development issuer, or nil.
	Issuer *auth.Issuer

	host     *host
	log      *slog.Logger
	store    pfx.Store
	verifier *auth.Verifier
}

// Open opens the store, loads the seed and opens the listeners. Without an error, the caller must call Run.
func Open(ctx context.Context, c Config, log *slog.Logger) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Server{host: newHost(log, c.DrainDelay), log: log}
	if err := s.open(ctx, &c); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// open looks at all that can be wrong with the configuration before it touches the store.
func (s *Server) open(ctx context.Context, c *Config) error {
	server, url, err := s.host.open(c.Listen, c.TLSCert, c.TLSKey)
	if err != nil {
		return err
	}
	s.URL = url
	if err := s.trust(c); err != nil {
		return err
	}
	if s.AdminURL, err = s.host.openAdmin(c.AdminListen, c.Debug, s.notReady); err != nil {
		return err
	}
	store, err := openStore(ctx, storeConfig{DSN: c.Store, Index: c.Index, Audit: c.Audit.mode()}, s.log)
	if err != nil {
		return err
	}
	s.store = store
	if err := c.seed(ctx, s.store); err != nil {
		return err
	}
	server.Handler, err = s.handler(c)
	return err
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
	config := api.Config{
		Service:  &pfx.Service{Store: s.store, RequireCondition: c.RequireIfMatch},
		Verifier: s.verifier,
		Licensed: c.isLicensed,
		Log:      s.log,

		PublicURL: c.PublicURL,
	}
	if c.Throttle == "graph" {
		var err error
		if config.Writes, err = throttle.NewWrites(throttle.Graph); err != nil {
			return nil, err
		}
	}
	if c.MaxInFlight > 0 {
		config.Places = throttle.NewPlaces(c.MaxInFlight, queueTime)
		config.Answers = throttle.NewPlaces(c.MaxInFlight, queueTime)
	}
	server, err := api.New(config)
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

// notReady says why the server should get no requests.
func (s *Server) notReady(ctx context.Context) string {
	if err := s.store.Ready(ctx); err != nil {
		return "the store is not ready" + reason(err)
	}
	switch {
	case s.verifier.Ready(ctx) != nil:
		return "the keys of an issuer cannot be read"
	}
	return ""
}

// reason returns what a client may know of a store's error, or "".
func reason(err error) string {
	if e, ok := errors.AsType[*pfx.Error](err); ok && e.Msg != "" {
		return ": " + e.Msg
	}
	return ""
}

// Run serves until ctx is done or a listener fails, then drains; then the store closes.
func (s *Server) Run(ctx context.Context) error { return errors.Join(s.host.serve(ctx), s.close()) }

// close releases what open has opened, after or instead of Run.
func (s *Server) close() error {
	errs := []error{s.host.close()}
	if s.verifier != nil {
		s.verifier.Close()
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}
