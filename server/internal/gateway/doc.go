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
// differently leads nowhere; a body that the operation does not have, and header fields that some readers take for others,
// stay behind. OPTIONS of a path of the contract is answered here, from the contract. A response is held until it is complete and checked, and becomes a 502 that tells nothing of
// it.
//
// Package policy says what becomes of each kind of violation. Whatever is not enforced passes as it came, target and body.
// No policy touches what a token is worth, nor the framing of messages: a check that only watches protects nothing.
//
// The package knows neither where requests go (package upstream, or any handler) nor how a contract checks: the operations
// of every package that validategen writes, and those that package openapi makes of a document, are the same to it.
package gateway
