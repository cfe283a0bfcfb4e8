package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/api"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/faultinject"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/throttle"
)

// queueTime is how long a request waits while the server is at its limit.
const queueTime = 100 * time.Millisecond

// Server is a server with open listeners. It serves once Run is called.
type Server struct {
	// URL is the address of the server without the base path, such as http://127.0.0.1:8080.
	URL string
	// AdminURL is the address of the probes, or "".
	AdminURL string
	// Issuer is the development issuer, or nil.
	Issuer *auth.Issuer

	config   Config
	host     *host
	log      *slog.Logger
	store    pfx.Store
	verifier *auth.Verifier
	issuers  []string // in effect, without the development issuer
	metrics  *metrics
	tracing  *sdktrace.TracerProvider // nil for none
}

// Open opens the store, loads the seed and opens the listeners. Unless it returns an error, the caller must call Run.
func Open(ctx context.Context, c Config, log *slog.Logger) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Server{config: c, host: newHost(log, c.DrainDelay), log: log}
	s.host.limits = c.ConnectionLimits
	s.metrics = newMetrics(s.host.metrics)
	if err := s.open(ctx, &c); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// open checks the whole configuration before it touches the store.
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
	if s.tracing, err = openTracing(ctx, "pfxrd", "", s.log); err != nil {
		return err
	}
	store, err := openStore(ctx, storeConfig{DSN: c.Store, Index: c.Index, Audit: c.Audit.mode()}, s.log)
	if err != nil {
		return err
	}
	tracer := newStoreTracer(tracerOf(s.tracing), c.Store)
	s.store = &measuredStore{store, s.metrics, tracer}
	s.metrics.watchStore(store, s.host.metrics, tracer)
	if err := c.seed(ctx, s.store); err != nil {
		return err
	}
	handler, err := s.handler(c)
	if err != nil {
		return err
	}
	server.Handler = s.metrics.count(handler)
	return nil
}

// trust builds the verifier of tokens and, with --dev, the issuer. The verifier gets the development issuer's key within the
// process: over TLS it would have to trust a certificate that no public authority can sign.
func (s *Server) trust(c *Config) error {
	issuers, err := c.issuers()
	if err != nil {
		return err
	}
	config := auth.Config{Issuers: issuers, Audiences: c.Audience, Log: s.log, Checked: s.metrics.checked, Fetched: s.metrics.fetched}
	if c.Dev {
		if s.Issuer, err = auth.NewIssuer(s.URL, nil); err != nil {
			return err
		}
		config.Local = s.Issuer
		s.log.Warn("the development issuer gives a token to any client")
	}
	if s.verifier, err = auth.New(config); err != nil {
		return err
	}
	s.issuers = issuers
	s.host.onReload(s.reloadIssuers, c.IssuerFile)
	return nil
}

func (s *Server) handler(c *Config) (http.Handler, error) {
	config := api.Config{
		Service:  &pfx.Service{Store: s.store, RequireCondition: c.RequireIfMatch},
		Verifier: s.verifier,
		Licensed: c.isLicensed,
		Log:      s.log,

		Done:      s.metrics.done,
		Tracer:    tracerOf(s.tracing),
		PublicURL: c.PublicURL,
	}
	if c.Throttle == "graph" {
		var err error
		if config.Writes, err = throttle.NewWrites(throttle.Graph); err != nil {
			return nil, err
		}
	}
	if c.MaxInFlight > 0 {
		config.InFlight = throttle.NewLimiter(c.MaxInFlight, queueTime)
		config.LongResponses = throttle.NewLimiter(c.MaxInFlight, queueTime)
	}
	server, err := api.New(config)
	if err != nil {
		return nil, err
	}
	handler := http.Handler(server)
	if c.Pester > 0 {
		handler = faultinject.New(faultinject.Config{Percent: c.Pester, Faults: c.Faults, Seed: c.FaultSeed, Refuse: server.Refuse, Log: s.log}, handler)
	}
	if c.Docs {
		site, err := c.pages(s.log)
		if err != nil {
			return nil, err
		}
		handler = site.Handler(handler)
	}
	if s.Issuer != nil {
		handler = &development{api: handler, refuse: server.Reject, issuer: s.Issuer, public: hostOf(c.PublicURL), any: c.AnyHost}
	}
	if pages := c.cors(); pages.Enabled() {
		handler = pages.Handler(handler, pfxvalid.Operations, s.log)
	}
	return handler, nil
}

// notReady returns why the server should get no requests, or "".
func (s *Server) notReady(ctx context.Context) string {
	if err := s.store.Ready(ctx); err != nil {
		return "the store is not ready" + reason(err)
	}
	if s.verifier.Ready(ctx) != nil {
		return "an issuer's keys cannot be read"
	}
	return ""
}

// reason returns the part of a store's error that clients may see, or "".
func reason(err error) string {
	if e, ok := errors.AsType[*pfx.Error](err); ok && e.Msg != "" {
		return ": " + e.Msg
	}
	return ""
}

// Run serves until ctx is done or a listener fails, then drains and closes the store.
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
	closeTracing(s.tracing, s.log)
	return errors.Join(errs...)
}
