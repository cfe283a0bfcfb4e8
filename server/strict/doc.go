// Package strict serves an API from its OpenAPI document. It connects the code of oapi-codegen and validategen to a router.
// A project has a document, an implementation of oapi-codegen's StrictServerInterface, and a few lines:
//
//	go tool oapi-codegen -config api.yaml openapi.yaml    # models: true, strict-server: true, std-http-server: true
//	go run github.com/pfxrecryption/pfxrecryption/openapi/validategen \
//		-spec openapi.yaml -models ./api -package apivalid -o ./apivalid -server ./apiserver
//
//	handler, err := apiserver.New(todos{}, strict.Config{Log: slog.Default()})
//	if err != nil {
//		return err
//	}
//	return strict.ListenAndServe(ctx, ":8080", handler, slog.Default())
//
// The command scripts/newapi writes all of this from the document.
//
// Nothing that the document forbids reaches the implementation: generated code checks and decodes parameters and bodies in
// one pass. Merge patches (application/merge-patch+json) are ordinary bodies; with nullable-type: true in oapi-codegen's
// output-options, the models distinguish an absent member from null.
//
// # What a request passes
//
// In this order: a valid request line (400) and header fields within bounds (431); a path and a method of the document (404,
// 405 with Allow); [Config.Authorize], if the operation has security requirements (401, 403); Accept and Content-Type (406,
// 415 with Accept-Patch, Accept-Post or Accept); the body within bounds, decompressed if it is gzip (413, 408); its
// parameters, then its body (400); then the method of the implementation. HEAD is served as GET, and OPTIONS with Allow. A
// path parameter matches a nonempty segment or a part of one; a slash in a value is percent-encoded.
//
// # Handlers
//
// A method's context is the [Exchange]: [From] returns it, with the request, the operation, the request's id and the
// principal. If the method returns a [*Problem] as its error, that is the response. Any other error is 500, or 503 if a
// context has ended; it is logged on one line, and its text is never sent:
//
//	return nil, &strict.Problem{Status: http.StatusNotFound, Message: "There is no such todo."}
//
// A panic is 500 too. If the response had begun, the connection is closed, so that no client takes it for complete.
//
// # Errors
//
// Problems are application/problem+json (RFC 9457), with an entry for each fault. For your own style, write one function:
//
//	strict.Config{Form: func(buf []byte, x *strict.Exchange, p *strict.Problem) ([]byte, string) {
//		return fmt.Appendf(buf, `{"message": %q}`, p.Message), "application/json"
//	}}
//
// # Routers
//
// The handler finds the operations itself, so that it serves the same with every router. It is an [net/http.Handler], and
// [Handler.Mount] mounts it on a [net/http.ServeMux]; packages strictecho and strictchi mount it on echo and chi. Middleware
// of the router runs in front, and finds the document's path where the router keeps it.
//
// # What it does not do
//
// A handler has no timeouts: [ListenAndServe] sets them, or your own [net/http.Server]. Rate limits and CORS are left to
// middleware. Bodies are held in memory, including multipart ones. Responses are not checked: package pfxgate does that, in
// front of any handler.
package strict
