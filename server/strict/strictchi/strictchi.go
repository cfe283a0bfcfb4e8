// Package strictchi mounts the handler of package strict on chi:
//
//	r := chi.NewRouter()
//	r.Use(middleware.Compress(5))
//	strictchi.Mount(r, handler)
//	r.Get("/healthz", healthy)
//
// Routes of the program's own that are more specific come first; every other path below the base path is the handler's.
// Middleware of r finds the path of the document in [chi.Context.RoutePattern] when the handler has returned. chi itself refuses
// methods that it does not know, without a body: [chi.RegisterMethod] makes them known.
package strictchi

import (
	"cmp"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// Mount has r, which is no part of another router, give the requests below the base path of h to h.
func Mount(r chi.Router, h *strict.Handler) {
	r.Mount(cmp.Or(h.BasePath(), "/"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := new(strict.Exchange)
		h.Serve(x, w, r)
		if route := chi.RouteContext(r.Context()); route != nil && x.Pattern() != "" {
			route.RoutePatterns = []string{x.Pattern()}
		}
	}))
}
