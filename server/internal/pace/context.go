package pace

import (
	"context"
	"net/http"
)

// Context returns a context that ends only when the client has left. Over HTTP/1.1 that cannot be known: a client may close
// its side of the connection after a request and wait for the response (RFC 9112 §9.6). But net/http cancels the request's
// context then, and also after ReadTimeout.
func Context(r *http.Request) context.Context {
	if r.ProtoMajor > 1 {
		return r.Context()
	}
	return context.WithoutCancel(r.Context())
}
