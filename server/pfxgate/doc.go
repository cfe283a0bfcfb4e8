// Package pfxgate holds the requests and responses of an HTTP API against its OpenAPI contract, as net/http middleware for
// gateways and servers: what `pfxrd gateway` does, in front of any [http.Handler].
//
//	gate, err := pfxgate.New(pfxgate.Config{})
//	if err != nil {
//		return err
//	}
//	defer gate.Close()
//	server := http.Server{Addr: ":8080", Handler: gate.Handler(app), ReadTimeout: 10 * time.Second}
//
// That is our own contract. [Config] takes any OpenAPI document as Spec, which is compiled once, and generated code
// as Contract, which decodes too. The next handler gets the request that was checked and nothing else: the
// URL is rebuilt, the body is the bytes that were read, decompressed and without Content-Encoding, and header fields with
// an underscore in their names are gone. A request that may not pass is refused in the form that [Config.Errors] names, a
// response that may not becomes a 502 in the same form. What is only watched passes as it came.
//
// # The gate stands outermost
//
// Whatever looks at the URL before the gate decides by one that nobody has checked, and the path values that a router in
// front has cut out of it stay with the request. So the gate goes around the router, not behind it: Handler(mux), around the
// chi.Router instead of in its Use, around the *echo.Echo. Log lines and recovery from panics may stand in front. CORS is
// [Config.CORSOrigins], or stands behind: the preflights of the contract's methods pass, and the gate answers other OPTIONS.
// What the contract does not have, such as probes, needs a listener of its own, or [Config.Unknown].
//
// # Your own contract
//
// Generate the models with oapi-codegen and the checks with validategen, and build them in; TestOwnContract does:
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
// It forwards nothing, limits no rate and no time, and reads no file: who builds it in does, and calls [Gate.Replace] when
// a file has changed. It checks the status, media type and body of responses, not their header fields. A response that
// could be refused is held until it is complete, so it cannot stream, unless the contract describes it as a stream, such as
// text/event-stream: the policy can set the responses of other operations to monitor. A handler may take over the connection,
// as WebSockets do, where its response is not held or the contract describes the status 101 for the operation; what is said
// over it then is not checked. Nothing is guessed: a handler that leaves its Content-Type to net/http has none.
package pfxgate
