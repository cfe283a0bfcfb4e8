package pace

import (
	"context"
	"net/http"
)

// Context returns a context that ends only if the caller has left. Over HTTP/1.1 nobody knows: a caller may close its side
// of the connection behind a request and wait for the response (RFC 9112 §9.6), but net/http cancels the request's context
// then, as it does when ReadTimeout is over.
func Context(r *http.Request) context.Context {
	if r.ProtoMajor > 1 {
		return r.Context()
	}
	return context.WithoutCancel(r.Context())
}
