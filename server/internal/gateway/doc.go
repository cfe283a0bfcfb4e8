// Package gateway holds requests and responses against a contract on their way to and from whoever answers them, and
// passes on what was checked and nothing else:
//
//	gate, err := gateway.New(gateway.Config{Contract: gateway.Builtin()})
//	http.Serve(listener, gate.Handler(next))
//
// A request is checked in the order in which the server checks it, and refused in the same words: header fields 431, route
// 404 and 405, Connection 400, token 401 and 403 if tokens are checked here, media types 406 and 415, size 413, parameters
// and body 400. What is forwarded is made anew from what was checked: the path from the matched template and the values of
// its parameters, the query from the declared names, the body without its coding. A path that some readers resolve or split
// differently leads nowhere. A body that the operation does not have is refused; the built-in contract ignores it, as the
// server does. Header fields that some readers take for others stay behind, unless the document declares them. OPTIONS of a
// path of the contract is answered here, from the contract. A response is held until it is complete and checked, and becomes
// a 502 that tells nothing of it.
//
// Package traffic remembers the last hour, and what enforcing would have refused of what passed; package view shows it.
//
// Package policy says what becomes of each kind of violation. Whatever is not enforced passes as it came, target and body.
// No policy touches what a token is worth, nor the framing of messages: a check that only watches protects nothing.
//
// The package knows neither where requests go (package upstream, or any handler) nor how a contract checks: the operations
// of every package that validategen writes, and those that package spec reads from a document, are the same to it.
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
