package cors

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Handler lets the pages that p names read the responses of next, and responds to preflights with the operations' methods
// and fields. It does so for any path, so that a page can read the error of an unknown path.
func (p *Policy) Handler(next http.Handler, operations []*validate.Operation, log *slog.Logger) http.Handler {
	methods, allowed, exposed := describe(operations)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["Origin"]) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		h, origin := w.Header(), p.Allowed(r)
		h["Vary"] = []string{"Origin"}
		if origin != "" {
			h["Access-Control-Allow-Origin"], h["Access-Control-Expose-Headers"] = []string{origin}, exposed
		}
		if AskedMethod(r) == "" {
			next.ServeHTTP(w, r)
			return
		}
		if origin != "" {
			h["Access-Control-Allow-Methods"], h["Access-Control-Allow-Headers"] = methods, allowed
			h["Access-Control-Max-Age"] = []string{MaxAge}
		}
		w.WriteHeader(http.StatusNoContent)
		log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("method", r.Method), slog.Int("status", http.StatusNoContent))
	})
}

// describe lists the methods, the request header fields and the response header fields, each as a header field's values.
func describe(operations []*validate.Operation) (methods, allowed, exposed []string) {
	verbs := []string{http.MethodHead, http.MethodOptions}
	var sent, read []string
	for _, op := range operations {
		verbs = append(verbs, op.Method)
		sent = append(sent, op.Headers()...)
		for i := range op.Responses {
			for _, h := range op.Responses[i].Headers {
				read = append(read, h.Name)
			}
		}
	}
	slices.Sort(verbs)
	return []string{strings.Join(slices.Compact(verbs), ", ")}, []string{AllowedFields(sent)}, []string{ExposedFields(read)}
}
