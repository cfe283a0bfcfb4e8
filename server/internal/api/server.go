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
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxserver"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// BasePath is where the contract's paths begin.
const BasePath = "/beta"

// maxHeader is the length of all header fields together in bytes: names, values, and four bytes for each line.
const maxHeader = 16 << 10

// Config says what an API server is made of.
type Config struct {
	// Service answers the operations. Required.
	Service *pfx.Service
	// Verifier says whose token it is. Required: there is no way to serve without it.
	Verifier Verifier
	// Licensed reports whether a tenant has an active Intune licence; nil means that all have.
	Licensed func(tenant edm.Guid) bool
	// Log gets one line for each request; nil discards them.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// New returns the handler of the API. It serves every path, those that do not exist included.
func New(c Config) (http.Handler, error) {
	if c.Service == nil || c.Verifier == nil {
		return nil, errors.New("building the API: Service and Verifier are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	e := echo.New()
	e.Binder, e.HTTPErrorHandler = binder{}, keepError
	chains := make(map[string][]echo.MiddlewareFunc, len(pfxvalid.Operations))
	for i := range pfxvalid.Operations {
		op := &pfxvalid.Operations[i]
		chains[op.ID] = []echo.MiddlewareFunc{c.operationChain(op)}
	}
	contextOf := func(ec echo.Context) context.Context { return exchangeBehind(ec) }
	pfxserver.RegisterHandlersWithOptions(e, pfxserver.NewStrictHandler(&handlers{c.Service}, contextOf), pfxserver.RegisterHandlersOptions{
		BaseURL: BasePath, OperationMiddlewares: chains,
	})
	if err := closeRoutes(e, len(chains)); err != nil {
		return nil, err
	}
	return &server{c, e}, nil
}

// server is the handler of the API.
type server struct {
	Config
	routes *echo.Echo
}

// closeRoutes makes a path parameter stand for one segment that is not empty: echo's last parameter takes the rest of
// the path, slashes included, and nothing too.
func closeRoutes(e *echo.Echo, operations int) error {
	routes := e.Routes()
	if len(routes) != operations {
		return fmt.Errorf("registering routes: the contract has %d operations, the server %d", operations, len(routes))
	}
	for _, r := range routes {
		e.RouteNotFound(r.Path+"/*", echo.NotFoundHandler)
		for i := range r.Path {
			if strings.HasPrefix(r.Path[i:], "/:") {
				e.RouteNotFound(r.Path[:i+1], echo.NotFoundHandler)
			}
		}
	}
	return nil
}
