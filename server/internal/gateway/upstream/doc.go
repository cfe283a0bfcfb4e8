// Package upstream forwards requests over HTTP/1.1 connections that it keeps, and the answers back:
//
//	next, err := upstream.New(upstream.Config{URL: "http://127.0.0.1:9000", Fail: writeError})
//	http.Serve(listener, next)
//
// It knows no contract. What it sends and what it answers has framing of its own, so that neither side can smuggle a
// message past the other: hop-by-hop fields, and client-sent Forwarded and X-Forwarded-* fields stay behind
// (RFC 9110 §7.6, RFC 9112 §11.2). Responses with ambiguous framing are rejected.
//
// Each piece of a body goes on when it comes, with a deadline of its own, in both directions; so do interim responses, and
// trailers that have a meaning there (RFC 9110 §6.5.1).
//
// A request that fails is an [Error], whose Kind says what is known of the outcome.
//
// It takes the place of [net/http/httputil.ReverseProxy], whose transport hands each request to two goroutines and back:
// one goroutine writes a request and reads its answer, in one system call each where they fit.
package upstream
