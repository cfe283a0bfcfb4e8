// Package strictecho mounts the handler of package strict on echo:
//
//	e := echo.New()
//	e.Use(middleware.CORS())
//	strictecho.Mount(e, handler)
//	e.GET("/healthz", healthy)
//
// Routes of the program win; the handler gets every other path below the base path, with each method. Middleware of e finds
// the document's path in [echo.Context.Path] after the handler has returned. A method of the StrictServerInterface gets the
// echo.Context from [Context].
package strictecho

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// Mount mounts h on e for the paths below the base path of h.
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

// Context returns echo's context for a handler's context. echo reuses it after the handler has returned.
func Context(ctx context.Context) echo.Context { return strict.From(ctx).State.(echo.Context) }
