// Package api is the HTTP face of the domain: the chain of checks that every request passes, the thin handlers that fill
// in the generated interface, and the one place where an error becomes an answer.
//
// With gen/pfxserver it is the only package that knows echo. It knows neither how requests are stored nor how tokens
// are verified:
//
//	handler, err := api.New(api.Config{Service: service, Verifier: verifier})
//	http.Serve(listener, handler)
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxserver"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/throttle"
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
	e := echo.New()
	e.Binder, e.HTTPErrorHandler = binder{}, keepError
	chains := make(map[string][]echo.MiddlewareFunc, len(pfxvalid.Operations))
	for _, op := range pfxvalid.Operations {
		chains[op.ID] = []echo.MiddlewareFunc{c.operationChain(op)}
	}
	contextOf := func(ec echo.Context) context.Context { return exchangeBehind(ec) }
	pfxserver.RegisterHandlersWithOptions(e, pfxserver.NewStrictHandler(&handlers{c.Service}, contextOf), pfxserver.RegisterHandlersOptions{
		BaseURL: graph.BasePath, OperationMiddlewares: chains,
	})
	if err := closeRoutes(e, len(chains)); err != nil {
		return nil, err
	}
	s := &Server{c, e}
	s.addMethods()
	return s, nil
}

// Server is the handler of the API. It is safe for concurrent use.
type Server struct {
	config Config
	routes *echo.Echo
}

// addMethods adds the methods that the contract leaves to HTTP: HEAD, wherever there is GET, and OPTIONS.
func (s *Server) addMethods() {
	methods := make(map[string][]string)
	patchTypes := make(map[string][]string)
	for _, op := range pfxvalid.Operations {
		methods[op.Path] = append(methods[op.Path], op.Method)
		if op.Method == http.MethodPatch {
			patchTypes[op.Path] = op.RequestTypes()
		}
	}
	for path, list := range methods {
		route := graph.BasePath + strings.ReplaceAll(strings.ReplaceAll(path, "{", ":"), "}", "")
		if slices.Contains(list, http.MethodGet) {
			list = append(list, http.MethodHead)
			s.routes.HEAD(route, s.head)
		}
		list = append(list, http.MethodOptions)
		slices.Sort(list)
		s.routes.OPTIONS(route, options(list, patchTypes[path]))
	}
}

// head answers as GET does; net/http leaves the body out (RFC 9110 §9.3.2).
func (s *Server) head(c echo.Context) error {
	get := *c.Request()
	get.Method = http.MethodGet
	s.routes.ServeHTTP(exchangeBehind(c), &get)
	return nil
}

// options answers with the methods of a resource, and with the media types that its PATCH takes (RFC 5789 §3.1).
func options(methods, patchTypes []string) echo.HandlerFunc {
	allow, accept := strings.Join(methods, ", "), strings.Join(patchTypes, ", ")
	return func(c echo.Context) error {
		h := c.Response().Header()
		h["Allow"] = []string{allow}
		if accept != "" {
			h["Accept-Patch"] = []string{accept}
		}
		return c.NoContent(http.StatusNoContent)
	}
}

// closeRoutes makes a path parameter stand for one segment that is not empty: echo's last parameter takes the rest of
// the path, slashes included, and nothing too.
func closeRoutes(e *echo.Echo, operations int) error {
	routes := e.Routes()
	if len(routes) != operations {
		return fmt.Errorf("registering routes: the contract has %d operations, the server %d", operations, len(routes))
	}
	for _, r := range routes {
		// Where routes go on below this one they close themselves: a wildcard beside them would hide their 405.
		if !slices.ContainsFunc(routes, func(other *echo.Route) bool { return strings.HasPrefix(other.Path, r.Path+"/") }) {
			e.RouteNotFound(r.Path+"/*", echo.NotFoundHandler)
		}
		for i := range r.Path {
			if strings.HasPrefix(r.Path[i:], "/:") {
				e.RouteNotFound(r.Path[:i+1], echo.NotFoundHandler)
			}
		}
	}
	return nil
}
