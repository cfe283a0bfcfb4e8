// Package mock responds like an API that does not exist yet, from its OpenAPI document. It runs behind a gate of package
// gateway, which refuses what the document does not allow, so the rules and the words are those of `pfxrd gateway`:
//
//	m, err := mock.New(ctx, mock.Config{Document: document})
//	http.Serve(listener, gate.Handler(m))
//
// # Which response
//
// The response is the lowest 2xx that the operation describes, else 2XX as 200, else default as 200, else the first one. Its
// body has the media type that Accept prefers, or JSON without a preference; 406 if Accept covers none.
//
// The body is the first valid example of the media type, else an example of the schema, else a value that package sample
// generates from the schema and the examples and defaults of its parts. That value is the same each time, and on each run
// with the same seed. Header fields of the response get values in the same way. An invalid example is logged, and sent only
// if a request names it.
//
// Prefer (RFC 7240) selects another response, as with Prism:
//
//   - code=404 selects the response with that status, or 404 if the document does not have it.
//   - example=page selects the example of that name, and example=default the value of the keyword example; 404 if there is
//     none.
//   - dynamic=true selects a new random value generated from the schema, without examples.
//
// # Where Prism differs
//
//   - An invalid request gets the gateway's refusal with 400. Prism sends 422, or the response that the document describes for
//     it.
//   - Paths are below those of the document's servers; Prism ignores the servers' paths.
//   - Generated values are random words and numbers for the seed; Prism sends "string" and 0 unless they are dynamic.
//   - A query parameter or a media type that the document does not have is refused. Prism ignores the parameter, and reads any
//     kind of JSON as JSON.
//   - GET implies HEAD and OPTIONS (RFC 9110 §9.1, §9.3.7); for Prism the document must have them.
//
// scripts/prism compares the two.
//
// # State
//
// With Config.Stateful, a path with POST, and the same path followed by one parameter, are a collection and its objects.
// POST creates an object. The mock generates what only a server knows: the key, and missing required and readOnly members.
// GET, PUT, PATCH and DELETE then act on the object. GET of the collection lists all objects on one page, whatever its
// parameters are. PATCH is a merge patch (RFC 7396), or a JSON Patch (RFC 6902) if the document has that media type. Only
// what the document allows as the response of GET is stored. If the document describes ETag or If-Match, objects have entity
// tags, and If-Match and If-None-Match are evaluated. A request with one of the preferences above bypasses the state.
//
// Objects are in memory, at most Config.MaxObjects and 64 MiB together. Beyond that, POST gets 507.
package mock
