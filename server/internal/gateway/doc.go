// Package gateway holds requests and responses against a contract on their way to and from whoever answers them, and
// passes on what was checked and nothing else:
//
//	gate, err := gateway.New(gateway.Config{Contract: gateway.Builtin()})
//	http.Serve(listener, gate.Handler(next))
//
// A request is checked in the order in which the server checks it, and refused in the same words: header fields 431, route
// 404 and 405, Connection 400, token 401 and 403 if tokens are checked here, media types 406 and 415, size 413, parameters
// and body 400. What is forwarded is made anew from what was checked: the path from the matched template and the values of
// its parameters, the query from the declared names, the body without its coding, the media type in its normal form, the
// cookies in one line. A path that some readers resolve or split differently leads nowhere. A body that the operation does
// not have is refused; the built-in contract ignores it, as the server does. Header fields that some readers take for others
// stay behind, unless the document declares them. OPTIONS of a path of the contract is answered here, from the contract.
//
// A response is held until it is complete and checked, and becomes a 502 that tells nothing of it. It is checked without its
// codings (gzip, deflate, br, zstd), and passed on as it was checked: without them, with an ETag that is weak. Of a part
// (206) nothing is judged. In the built-in contract's bodies, the upstream's addresses become the caller's; package upstream
// does so in header fields.
//
// Package traffic remembers the last hour, and what enforcing would have refused of what passed; package view shows it.
//
// Package stream knows the media types of streams, such as text/event-stream. A stream that the contract describes is never
// held: its status and header are checked, its messages are not, and it is counted in unchecked_total. A response that is
// held has no interim responses and no trailers: nobody checks them. A connection may change to another protocol, such as
// WebSocket, where the response is not held or the contract describes the status 101 for the operation; the request is checked
// as any other, the content of the tunnel is not.
//
// A batch of the built-in contract (POST /$batch) is taken apart: each of its requests passes the gate and goes to the upstream
// as if it had come alone, and the upstream gets no batch. No policy changes that. Of another document, an operation that is
// called $batch is not judged (501), and a path that ends in $batch and that the contract does not have never passes.
//
// Budget bounds the bytes that all exchanges hold together. Beyond it, a request that must be checked is 503 and a response
// 502; what is only watched passes and is counted in unchecked_total. A check that only watches never waits for its turn.
//
// A browser's preflight for a method of the document goes to the upstream, with the path and the query that were checked and
// without credentials; with [CORS] it is answered here, like any other OPTIONS.
//
// Package form says how the gateway's own responses look. For the built-in contract they are Microsoft Graph's errors, and
// the text above speaks of its words; for any other contract they are problem details (RFC 9457).
//
// Package policy says what becomes of each kind of violation. Whatever is not enforced passes as it came, target and body.
// No policy touches what a token is worth, nor the framing of messages: a check that only watches protects nothing.
//
// # What no policy changes
//
//   - A request line that HTTP does not allow is 400: an authority that is no host with a port (RFC 9110 §7.2), a space, # or
//     a byte beyond ASCII in the target (RFC 9112 §3.2), a method that is no token (RFC 9110 §9.1).
//   - A method in other letter case than the operation's is 405.
//   - HTTP/1.0 and bodies in chunks end the connection (RFC 9112 §6.1).
//   - Where tokens are checked: all of a security requirement is needed, and one of the alternatives. A token that is there
//     must hold even where another alternative does, since it is forwarded. A path that some readers take for another
//     operation's, such as /users/EXPORT next to /users/export, needs the permissions of both. Fields that override the
//     method or the target stay behind.
//
// Keys, Basic credentials and client certificates are looked for and not verified. Without a verifier tokens pass as they
// are, and a key that is missing is the violation credentials.
//
// The package knows neither where requests go (package upstream, or any handler) nor how a contract checks: the operations
// of every package that validategen writes, and those that package spec reads from a document, are the same to it.
//
// # The access log
//
// One line for each request, at its end: method, operation, the path's template (of an unknown path the path itself, without
// the query, at most 200 bytes), status, verdict, the number of violations, bytes of both bodies, durations, the upstream and
// the time until it answered, the caller's address, the application of a verified token, and the request's ids. It holds no
// token, no body, no query and no value of a parameter. The verdicts:
//
//   - passed: the request and its response broke no rule.
//   - watched: they passed and broke a rule that is not enforced.
//   - answered: the gateway answered OPTIONS from the contract.
//   - refused: the request or its response was.
//   - failed: the upstream gave no whole response.
//
// # Traces
//
// With a tracer (--otlp-endpoint) each request is a span within the caller's trace (W3C Trace Context), called by its method
// and the path's template, and its way to the upstream is another below it, whose context the upstream gets.
//
// # Limits
//
// Each limit is a violation of the kind size, so that a policy decides what becomes of what is above it.
//
//   - The header fields of a request, 16 KiB together (--max-header): 431. Where it is not enforced, four times as much pass.
//   - The body of a request, before and after decompression, 1 MiB, and 64 KiB for the built-in contract (--max-request): 413.
//   - The body of a response that is checked, 8 MiB (--max-response): 502 where responses are enforced, otherwise it passes
//     and counts as not checked.
//
// # What a document describes and the gateway cannot judge
//
// A request for it is the violation not-judged: enforced it is 501, otherwise it passes and is counted. --check lists the
// places.
//
// # Where other gateways differ
//
//   - A body that the operation does not describe is refused: OpenAPI says nothing of it, and what is forwarded is what was
//     checked.
//   - Text that is checked is UTF-8 or ASCII: 415 for text/plain; charset=iso-8859-1.
//   - A path with ? or # matches no request (RFC 3986 §3.3). It is a warning and does not keep the document out.
//   - A request's body has at most 1 MiB, or what --max-request says, even where the document allows more.
//   - A response of 206, 304, 412 or 416 to GET or HEAD is no violation where the document does not have it: HTTP gives these
//     to any reading (RFC 9110 §13 and §14).
package gateway
