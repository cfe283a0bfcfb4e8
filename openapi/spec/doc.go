// Package spec reads OpenAPI 3.0 and 3.1 documents. It decides what a document means, once for all that validate by it: the
// result is operations and schemas of package validate, without versions, references or directions of OpenAPI.
//
//	document, err := spec.Load(ctx, data, spec.Options{})
//	for _, spot := range document.Spots {
//		log.Printf("cannot be judged: %s: %s", spot.Pointer, spot.Reason)
//	}
//	faults := document.Operations[0].Request[0].Schema.Check(ctx, body)
//
// The package knows no HTTP messages and no Go types.
//
// # What is refused
//
// Load refuses what is not an OpenAPI 3.0 or 3.1 document: malformed JSON or YAML, duplicate members, paths that are not
// objects. Anything else that cannot be judged is in Spots, at its place: a reference that leads nowhere, a pattern that
// cannot be matched, a keyword whose value is invalid, another dialect of JSON Schema, objects in XML, a parameter that has
// no text. The rest of the document counts. A part of a schema that cannot be judged takes every value. Below not, if,
// oneOf and maxContains that would refuse values, so these keywords then do not count either.
//
// What nothing checks is in Warnings: unknown extensions, formats and keywords, paths that no request can have. If
// Options.Consult is set, so are the mistakes that kin-openapi finds.
//
// # References
//
// $ref leads to any place of the document: by JSON Pointer and, in 3.1, by $anchor, $id and $dynamicRef. It leads to other
// files if Options.Folder is set, and never to a URL or out of that folder. In 3.0 the siblings of $ref are ignored; in 3.1
// both count. "#/…" in a component with an $id is looked up in the component first, then in the file.
//
// A schema that leads back to itself for the same value is cut where it is entered again. A parent whose oneOf has children
// whose allOf has the parent works: each child has the parent without its alternatives. What has no meaning, such as not of
// itself, is a spot.
//
// # Schemas
//
//   - nullable of 3.0 adds null to the type next to it. An enum without null still refuses null, and so does a schema of
//     allOf. Without a type it says nothing. In 3.1 it is unknown.
//   - The keywords of 3.1 say nothing in 3.0.
//   - A readOnly member has no place in a request, a writeOnly member none in a response, even if its value is null. No
//     required or dependentRequired that applies to the same value asks for such a member. Below not and if nothing is
//     hidden.
//   - A discriminator with a mapping decides among the alternatives, which JSON Schema would not let it do; its values are
//     those of the mapping, the strings that an alternative allows the member to be, and the names of components.
//     Without a mapping it says only whose faults to report.
//   - allOf is merged into the schema that holds it where the meaning stays the same.
//   - x-maxBytes, x-ignore-members, x-ignore-maxDepth and x-odata-option, and the formats edm-…, always count.
//
// # Operations
//
// An operation without an operationId, or with one that another has, is named by its method and path. The path parameters
// are those of the template; one that is not described may have any value. Accept, Content-Type and Authorization cannot be
// parameters. Callbacks, links and webhooks are not read.
//
// Examples and defaults make no verdict. With Options.Examples the document keeps them: see [Document.BodyExamples].
//
// The time that a document takes is linear in its size. What small documents can multiply to, by aliases, circles and
// dynamic scopes, is bounded. The files of a document have at most 64 MiB and about a million values together, and 32,768 in
// one object or array.
package spec
