// Package gateway validates requests and responses against a contract, and forwards only what it has checked:
//
//	gate, err := gateway.New(gateway.Config{Contract: gateway.Builtin()})
//	http.Serve(listener, gate.Handler(next))
//
// A request is checked in the same order as in the server, and refused in the same words: header fields 431, route 404 and
// 405, Connection 400, token 401 and 403 if tokens are checked here, media types 406 and 415, size 413, parameters and body
// 400.
//
// The forwarded request is rebuilt from what was checked: the path from the matched template and its parameter values, the
// query from the declared names, the body without its coding, the media type in normal form, and the cookies in one line. A
// path that some servers resolve or split differently matches no route. A body that the operation does not describe is
// refused; the built-in contract ignores it, as the server does. Header fields that some servers confuse with others are
// removed, unless the document declares them. The gateway itself responds to OPTIONS for a path of the contract.
//
// A response is held until it is complete and checked. If it is refused, the client gets a 502 that reveals nothing of it.
// It is checked without its codings (gzip, deflate, br, zstd) and forwarded without them, with a weak ETag. A partial
// response (206) is not checked. In bodies of the built-in contract, the upstream's addresses are replaced by the gateway's;
// package upstream does the same in header fields.
//
// Package traffic records the last hour, and what enforcing would have refused; package view shows it.
//
// Package stream lists the media types of streams, such as text/event-stream. A stream that the contract describes is never
// held: its status and header are checked, its messages are not, and it is counted in unchecked_total. A held response has
// no interim responses and no trailers, because they would be unchecked. A connection may switch to another protocol, such
// as WebSocket, if the response is not held or if the contract describes the status 101 for the operation. The request is
// then checked, the content of the tunnel is not.
//
// A batch of the built-in contract (POST /$batch) is split: each of its requests passes the gate and goes to the upstream as
// if it had been sent alone. The upstream never gets a batch. No policy changes that. In other documents, an operation
// called $batch cannot be judged (501). A path that ends in $batch and is not in the contract is always refused.
//
// Budget bounds the bytes that all exchanges hold together. Beyond it, a request that must be checked gets 503 and a
// response becomes 502. What is only watched passes and is counted in unchecked_total. A check in monitor mode never waits
// for a slot.
//
// A browser's preflight for a method of the document goes to the upstream, with the checked path and query and without
// credentials. With [CORS] the gateway responds to it, as to any other OPTIONS.
//
// Package form defines the format of the gateway's own responses. For the built-in contract they are Microsoft Graph's
// errors, with the words above. For any other contract they are problem details (RFC 9457).
//
// Package policy says what happens on each kind of violation. What is not enforced is forwarded unchanged, target and body.
// No policy weakens the check of tokens or the framing of messages, because a check that only watches protects nothing.
//
// # What no policy changes
//
//   - A request line that HTTP does not allow is 400: an authority that is not a host with a port (RFC 9110 §7.2), a space, # or
//     a non-ASCII byte in the target (RFC 9112 §3.2), a method that is not a token (RFC 9110 §9.1).
//   - A method that differs from the operation's only in case is 405.
//   - HTTP/1.0 requests and chunked bodies end the connection (RFC 9112 §6.1).
//   - If tokens are checked, a request must satisfy one alternative of the security requirements, and all of that alternative. A
//     token that is present must be valid even if another alternative is satisfied, because it is forwarded. A path that some
//     servers take for another operation's, such as /users/EXPORT next to /users/export, needs the permissions of both. Fields that
//     override the method or the target are removed.
//
// Keys, Basic credentials and client certificates must be present, but are not verified. Without a verifier tokens are not
// checked, and a missing key is the violation credentials.
//
// The package knows neither where requests go (package upstream, or any handler) nor how a contract checks. It treats the
// operations of packages that validategen writes and those that package spec reads from a document alike.
//
// # The access log
//
// The gateway writes one line for each request, at its end: method, operation, path template (the path itself if no route
// matches, without the query, at most 200 bytes), status, verdict, number of violations, bytes of both bodies, durations,
// the upstream and the time until its response began, the client's address, the application of a verified token, and the
// request's ids. The line contains no token, body, query or parameter value. The verdicts are:
//
//   - passed: the request and its response broke no rule.
//   - watched: they passed, but broke a rule that is not enforced.
//   - answered: the gateway responded to OPTIONS from the contract.
//   - refused: the request or its response was refused.
//   - failed: the upstream gave no complete response.
//
// # Traces
//
// With a tracer (--otlp-endpoint) each request is a span in the client's trace (W3C Trace Context), named by its method and
// path template. Its way to the upstream is a child span, whose context is sent to the upstream.
//
// # Limits
//
// A breach of a limit is a violation of the kind size, so a policy decides what happens.
//
//   - The header fields of a request, 16 KiB together (--max-header): 431. If this is not enforced, four times as much passes.
//   - The body of a request, before and after decompression, 1 MiB, and 64 KiB for the built-in contract (--max-request): 413.
//   - The body of a response that is checked, 8 MiB (--max-response): 502 if responses are enforced; otherwise it passes and is
//     counted as unchecked.
//
// # What the gateway cannot judge
//
// A request to which such a part of the document applies is the violation not-judged. If it is enforced it gets 501,
// otherwise it passes and is counted. --check lists these parts.
//
// # Where other gateways differ
//
//   - A body that the operation does not describe is refused. OpenAPI says nothing about it, and only what was checked is
//     forwarded.
//   - Text must be UTF-8 or ASCII to be checked: 415 for text/plain; charset=iso-8859-1.
//   - A path with ? or # in the document matches no request (RFC 3986 §3.3). That is a warning; the document still loads.
//   - A request's body has at most 1 MiB, or --max-request, even if the document allows more.
//   - A response of 206, 304, 412 or 416 to GET or HEAD is no violation even if the document lacks it: HTTP gives these to any
//     retrieval (RFC 9110 §13 and §14).
package gateway
