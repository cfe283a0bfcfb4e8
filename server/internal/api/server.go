// Package api is the HTTP face of the domain: the thin handlers that fill in the generated interface, what Microsoft Graph asks
// of every request, and the one place where an error becomes an answer. Package strict does the rest.
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
	"github.com/pfxrecryption/pfxrecryption/server/internal/batch"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/throttle"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// Config says what an API server is made of.
type Config struct {
	// Service answers the operations. Required.
	Service *pfx.Service
	// Verifier says whose token it is. Required: there is no way to serve without it.
	Verifier Verifier
	// Licensed reports whether a tenant has an active Intune licence; nil means that all have.
	Licensed func(tenant edm.Guid) bool
	// Writes bounds how often callers may write; nil does not.
	Writes *throttle.Writes
	// Places bounds how much is under way at once, from when a request was read to when its answer is known, and Answers
	// how many answers longer than 32 KiB are being written. Both or none are nil, and then nothing is bounded.
	Places, Answers *throttle.Places
	// Log gets one line for each request; nil discards them.
	Log *slog.Logger
	// Done is told of each request when it is over: its operation ("" for none), the status of the response, and why it was
	// refused: the error's code, or Overload. Nil means nobody is.
	Done func(operation string, status int, reason string, took time.Duration)
	// Tracer makes a span of each request, within the client's trace; nil makes none.
	Tracer trace.Tracer
	// PublicURL is the scheme and the authority of the addresses in answers, without a slash at the end. Empty means those
	// by which the caller has reached the server, which are others behind a proxy that ends TLS.
	PublicURL string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// New returns the handler of the API. It serves every path, those that do not exist included.
func New(c Config) (*Server, error) {
	if c.Service == nil || c.Verifier == nil {
		return nil, errors.New("building the API: Service and Verifier are required")
	}
	if (c.Places == nil) != (c.Answers == nil) {
		return nil, errors.New("building the API: Places and Answers go together")
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
		operations[i].Serve = c.inPlace(operations[i].Serve)
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

// ServeHTTP answers every request, whether or not its path exists.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := s.newExchange(w, r)
	graph.CanonicalAddress(r.URL) // one address for each object; the router sees only that
	s.handler.Serve(&x.Exchange, w, r)
}

// Refuse answers a request as ServeHTTP does, but with a status that it has not earned: 412, 429 or 503. Nothing of it
// is looked at. The answer has Retry-After, in whole seconds, if retryAfter is positive.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request, status int, retryAfter time.Duration) {
	s.Reject(w, r, graph.Refusal(status, retryAfter))
}

// Reject answers a request as ServeHTTP does, but with an error. Nothing of the request is looked at.
func (s *Server) Reject(w http.ResponseWriter, r *http.Request, err error) {
	s.handler.Refuse(&s.newExchange(w, r).Exchange, w, r, err)
}
