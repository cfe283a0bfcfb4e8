// Package strictchi mounts the handler of package strict on chi:
//
//	r := chi.NewRouter()
//	r.Use(middleware.Compress(5))
//	strictchi.Mount(r, handler)
//	r.Get("/healthz", healthy)
//
// More specific routes of the program win; the handler gets every other path below the base path. Middleware of r finds the
// document's path in [chi.Context.RoutePattern] after the handler has returned. chi itself rejects unknown methods without a
// body; [chi.RegisterMethod] adds methods.
package strictchi

import (
	"cmp"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// Mount mounts h on r for the paths below the base path of h. r must not be part of another router.
func Mount(r chi.Router, h *strict.Handler) {
	r.Mount(cmp.Or(h.BasePath(), "/"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := new(strict.Exchange)
		h.Serve(x, w, r)
		if route := chi.RouteContext(r.Context()); route != nil && x.Pattern() != "" {
			route.RoutePatterns = []string{x.Pattern()}
		}
	}))
}
