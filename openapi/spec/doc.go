// Package spec reads OpenAPI 3.0 and 3.1 documents and determines their meaning, once for all packages that validate. The
// result is operations and schemas of package validate, which have no OpenAPI versions, references or directions.
//
//	document, err := spec.Load(ctx, data, spec.Options{})
//	for _, spot := range document.Spots {
//		log.Printf("cannot be checked: %s: %s", spot.Pointer, spot.Reason)
//	}
//	faults := document.Operations[0].Request[0].Schema.Check(ctx, body)
//
// The package does not depend on HTTP messages or Go types.
//
// # What is rejected
//
// Load rejects input that is not an OpenAPI 3.0 or 3.1 document: malformed JSON or YAML, duplicate members, paths that are
// not objects. Everything else that cannot be checked is listed in Spots with its place: an unresolvable reference, an
// unsupported pattern, an invalid value of a keyword, another dialect of JSON Schema, objects in XML, a parameter without a
// text form. The rest of the document is in effect. A part of a schema that cannot be checked accepts every value. Below
// not, if, oneOf and maxContains, accepting a value can reject the whole; these keywords are then ignored, too.
//
// Common mistakes with only one meaning are read as they are meant, with a warning: exclusiveMinimum and lists of types in the
// form of the other version, required with true or false, a mapping without a target. A member that is null counts as absent,
// except for const, default, type and examples: YAML makes null of a name without a value.
//
// Warnings also lists what is not checked: unknown extensions, formats and keywords, and paths that no request can have. With
// Options.Consult it also has the mistakes that kin-openapi finds.
//
// # References
//
// $ref can lead to any place of the document: by JSON Pointer and, in 3.1, by $anchor, $id and $dynamicRef. It can lead to
// files in Options.Folder and below, but never to a URL or out of that folder. In 3.0 the siblings of $ref are ignored; in
// 3.1 both apply. "#/…" in a component with an $id is resolved in the component first, then in the file.
//
// A schema that refers to itself for the same value is cut at the second entry. A parent may have a oneOf of children whose
// allOf has the parent: each child then has the parent without its alternatives. A cycle without a meaning, such as not of
// itself, is a spot.
//
// # Schemas
//
//   - nullable of 3.0 adds null to the type next to it and is ignored without a type. An enum without null still rejects
//     null, and so does a schema of allOf. In 3.1 nullable is unknown.
//   - The keywords that 3.1 added are ignored in 3.0.
//   - A request must not have a readOnly member, a response no writeOnly member, even if its value is null. A required or
//     dependentRequired that applies to the same value does not require such a member. Below not and if, readOnly and
//     writeOnly are ignored.
//   - A discriminator with a mapping selects the alternative, unlike in JSON Schema. Its values are those of the mapping,
//     the strings that an alternative allows for the member, and the names of components. Without a mapping it only selects
//     whose faults to report.
//   - allOf is merged into the schema that has it if the meaning stays the same.
//   - x-maxBytes, x-ignore-members, x-ignore-maxDepth and x-odata-option, and the formats edm-…, always apply.
//
// # Operations
//
// An operation without an operationId, or with a duplicate one, is named by its method and path. The path parameters are
// those of the template; one without a description accepts any value. Accept, Content-Type and Authorization cannot be
// parameters. Callbacks, links and webhooks are not read.
//
// Examples and defaults do not affect validation. With Options.Examples the document keeps them: see
// [Document.BodyExamples].
//
// Loading takes time linear in the size of the document. There are limits for what a small document can multiply to by
// aliases, cycles and dynamic scopes. All files of a document together have at most 64 MiB and about a million values, and
// an object or array has at most 32,768.
package spec
