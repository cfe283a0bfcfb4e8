// Package pfxgate validates the requests and responses of an HTTP API against its OpenAPI contract. It is net/http
// middleware for gateways and servers: it does what `pfxrd gateway` does, in front of any [http.Handler].
//
//	gate, err := pfxgate.New(pfxgate.Config{})
//	if err != nil {
//		return err
//	}
//	defer gate.Close()
//	server := http.Server{Addr: ":8080", Handler: gate.Handler(app), ReadTimeout: 10 * time.Second}
//
// This example uses the built-in contract. In [Config], Spec takes any OpenAPI document, which is compiled once, and
// Contract takes generated code, which also decodes.
//
// The next handler gets only what was checked: the URL is rebuilt, the body is the bytes that were read, decompressed and
// without Content-Encoding, and header fields with an underscore in their names are removed. A request that is not allowed
// is refused in the form that [Config.Errors] names; a response that is not allowed becomes a 502 in the same form. What is
// only watched is forwarded unchanged.
//
// # Put the gate outermost
//
// A handler in front of the gate decides by an unchecked URL, and the path values that a router in front extracts from it
// stay with the request. So wrap the router in the gate, not the other way round: Handler(mux), around the chi.Router
// instead of in its Use, around the *echo.Echo. Access logs and recovery from panics may be in front. For CORS, use
// [Config.CORSOrigins] or a handler behind the gate: preflights of the contract's methods pass, and the gate responds to
// other OPTIONS. Paths outside the contract, such as probes, need their own listener, or [Config.Unknown].
//
// # Your own contract
//
// Generate the models with oapi-codegen and the checks with validategen, and build them in, as TestOwnContract does:
//
//	go tool oapi-codegen -config models.yaml openapi.yaml
//	go run github.com/pfxrecryption/pfxrecryption/openapi/validategen \
//		-spec openapi.yaml -models ./api -package apivalid -o ./apivalid
//
//	gate, err := pfxgate.New(pfxgate.Config{Contract: &pfxgate.Contract{
//		Operations: apivalid.Operations,
//		BasePath:   "/v1",
//	}})
//
// # What it does not do
//
// It forwards nothing, limits neither rate nor time, and reads no files. The program does that, and calls [Gate.Replace]
// when a file has changed. It checks the status, media type and body of responses, not their header fields.
//
// A response that might be refused is held until it is complete, so it cannot stream. Exceptions are responses that the
// contract describes as a stream, such as text/event-stream, and operations whose responses the policy sets to monitor. A
// handler may take over the connection, as WebSockets do, if its response is not held or the contract describes the status
// 101 for the operation. The content of that connection is not checked. A handler must set Content-Type: the type that
// net/http would guess is not used.
package pfxgate
