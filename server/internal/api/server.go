// Package api is the HTTP face of the domain: the thin handlers that fill in the generated interface, what Microsoft Graph asks
// of every request, and the one place where an error becomes a response. Package strict does the rest.
//
// It knows neither how requests are stored nor how tokens are verified:
//
//	handler, err := api.New(api.Config{Service: service, Verifier: verifier})
//	http.Serve(listener, handler)
package api

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxhandler"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/batch"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/throttle"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// Config holds the parts and settings of an API server.
type Config struct {
	// Service executes the operations. Required.
	Service *pfx.Service
	// Verifier verifies the tokens of requests. Required: nothing is served without it.
	Verifier auth.TokenVerifier
	// Licensed reports whether a tenant has an active Intune licence; nil means that all have.
	Licensed func(tenant edm.Guid) bool
	// Writes bounds how often callers may write; nil does not.
	Writes *throttle.Writes
	// InFlight bounds the requests that are in flight, from when their body was read until their response is known.
	// LongResponses bounds the responses above 32 KiB that are being written. Either both are nil, which is no bound, or none.
	InFlight, LongResponses *throttle.Limiter
	// Log gets one line for each request; nil discards them.
	Log *slog.Logger
	// Done is told of each request when it is over: its operation ("" for none), the status of the response, and why it was
	// refused: the error's code, or Overload. Nil means nobody is.
	Done func(operation string, status int, reason string, took time.Duration)
	// Tracer makes a span of each request, within the client's trace; nil makes none.
	Tracer trace.Tracer
	// PublicURL is the scheme and the authority of addresses in responses, without a slash at the end. If it is empty, they
	// are those of the request, which differ from the client's behind a proxy that terminates TLS.
	PublicURL string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// New returns the handler of the API. It serves every path, those that do not exist included.
func New(c Config) (*Server, error) {
	if c.Service == nil || c.Verifier == nil {
		return nil, errors.New("building the API: Service and Verifier are required")
	}
	if (c.InFlight == nil) != (c.LongResponses == nil) {
		return nil, errors.New("building the API: InFlight and LongResponses go together")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Done == nil {
		c.Done = func(string, int, string, time.Duration) {}
	}
	s := &Server{config: c}
	operations := pfxhandler.Operations(&handlers{c.Service, s})
	for i := range operations {
		operations[i].Serve = c.limited(operations[i].Serve)
		if operations[i].ID == batch.OperationID {
			operations[i].Serve = wordedAsBatch(operations[i].Serve)
		}
	}
	var err error
	s.handler, err = strict.New(operations, strict.Config{
		BasePath: graph.BasePath, MaxBody: graph.MaxBody, MaxHeader: graph.MaxHeader,
		Authorize: c.authorize, Negotiate: negotiate, Problem: problemOf, Form: writeError,
		Log: c.Log, Attrs: attrs, Done: c.done, Tracer: c.Tracer, Now: c.Now,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Server is the handler of the API. It is safe for concurrent use.
type Server struct {
	config  Config
	handler *strict.Handler
}

// ServeHTTP responds to every request, whether or not its path exists.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := s.newCall(w, r)
	graph.CanonicalAddress(r.URL) // one address for each object; the router sees only that
	s.handler.Serve(&x.Exchange, w, r)
}

// Refuse refuses a request without looking at it, with the status 412, 429 or 503, in the form of ServeHTTP. The response has
// Retry-After, in whole seconds, if retryAfter is positive.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request, status int, retryAfter time.Duration) {
	s.Reject(w, r, graph.Refusal(status, retryAfter))
}

// Reject refuses a request with an error without looking at it, in the form of ServeHTTP.
func (s *Server) Reject(w http.ResponseWriter, r *http.Request, err error) {
	s.handler.Refuse(&s.newCall(w, r).Exchange, w, r, err)
}
