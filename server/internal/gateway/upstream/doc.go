// Package upstream forwards requests over pooled connections, and the responses back:
//
//	next, err := upstream.New(upstream.Config{URL: "http://127.0.0.1:9000", Fail: writeError})
//	http.Serve(listener, next)
//
// It knows no contract. It writes its own framing in both directions, so that neither side can smuggle a message past the
// other. It drops hop-by-hop fields, and Forwarded and X-Forwarded-* fields from clients (RFC 9110 §7.6, RFC 9112 §11.2).
// Responses with ambiguous framing are rejected.
//
// Each piece of a body is forwarded as it arrives, with its own deadline, in both directions. So are interim responses, and
// trailers that are meaningful as such (RFC 9110 §6.5.1).
//
// A failed request returns an [Error], whose Kind says what is known of the outcome.
//
// There is one upstream: a URL or a Unix socket. For balancing and routing between services put Caddy or nginx in front or
// behind. HTTP/2 uses net/http's transport.
//
// For HTTP/1.1 it replaces [net/http/httputil.ReverseProxy], whose transport passes each request between two goroutines.
// Here one goroutine writes the request and reads the response, each in one system call if they fit.
package upstream
