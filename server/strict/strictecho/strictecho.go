// Package strictecho mounts the handler of package strict on echo:
//
//	e := echo.New()
//	e.Use(middleware.CORS())
//	strictecho.Mount(e, handler)
//	e.GET("/healthz", healthy)
//
// Routes of the program's own come first; every other path below the base path is the handler's, with each method. Middleware of
// e finds the path of the document in [echo.Context.Path] when the handler has returned. A method of the StrictServerInterface
// finds the echo.Context by [Context].
package strictecho

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// Mount has e give the requests below the base path of h to h.
func Mount(e *echo.Echo, h *strict.Handler) {
	serve := func(c echo.Context) error {
		x := &strict.Exchange{State: c}
		h.Serve(x, c.Response(), c.Request())
		if pattern := x.Pattern(); pattern != "" {
			c.SetPath(pattern)
		}
		return nil
	}
	if h.BasePath() != "" {
		e.RouteNotFound(h.BasePath(), serve)
	}
	e.RouteNotFound(h.BasePath()+"/*", serve)
}

// Context returns echo's context of the request that a handler's context belongs to.
func Context(ctx context.Context) echo.Context { return strict.From(ctx).State.(echo.Context) }
