// Package mock answers for an API that does not exist yet, from its OpenAPI document. It stands behind a gate of package
// gateway, which refuses what the document does not allow, so that the rules and the words are those of `pfxrd gateway`:
//
//	m, err := mock.New(ctx, mock.Config{Document: document})
//	http.Serve(listener, gate.Handler(m))
//
// # Which response
//
// The response is the lowest 2xx that the operation describes, else 2XX as 200, else default as 200, else the first one. Its
// body is of the media type that Accept prefers, JSON if there is no preference; 406 if Accept covers none.
//
// The body is the first valid example of the media type, else an example of the schema, else a value that package sample
// makes from the schema, with the examples and defaults of its parts: the same one each time, and on each run with the
// same seed. Header fields that the response describes have values in the same way. An invalid example is logged and sent
// only if a request asks for it by name.
//
// Prefer (RFC 7240) asks for another response, as it does with Prism:
//
//   - code=404 asks for the response with the status; the status is 404 if the document does not have it.
//   - example=page asks for the example of that name, and example=default for that of the keyword example; the status is 404
//     if there is none.
//   - dynamic=true asks for another random value made from the schema, without examples.
//
// # Where Prism differs
//
//   - A request that breaks the contract is refused as the gateway does, with 400; Prism says 422, or sends the response that
//     the document describes for it.
//   - Paths are below those of the document's servers; Prism leaves them out.
//   - Values made from a schema are random words and numbers for the seed; Prism sends "string" and 0 unless they are dynamic.
//   - A query parameter or a media type that the document does not have is refused. Prism ignores the one, and takes JSON for
//     any kind of JSON.
//   - GET brings HEAD and OPTIONS along (RFC 9110 §9.1, §9.3.7); with Prism the document must have them.
//
// scripts/prism compares the two.
//
// # State
//
// With Config.Stateful, a path with POST, and the same path followed by one parameter, are a collection and its objects. POST
// creates an object, with what only the server can know made from the schema: its key, required and readOnly members. GET,
// PUT, PATCH and DELETE then act on it. GET of the collection lists all objects on one page, whatever its parameters say.
// PATCH is a merge patch (RFC 7396), and a JSON Patch (RFC 6902) where the document has the media type. Nothing is stored
// that the document does not allow as the response of GET. If the document describes ETag or If-Match, objects have entity tags, and If-Match and If-None-Match
// count. A request with one of the preferences above is answered without the state.
//
// Objects are in memory, at most Config.MaxObjects and 64 MiB together: beyond that, POST is 507.
package mock
