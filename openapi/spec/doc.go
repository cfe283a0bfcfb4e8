// Package spec reads OpenAPI 3.0 and 3.1 documents. It decides what a document means, once for all that validate by it: the
// operations and schemas of package validate, in which nothing of OpenAPI's versions, references or directions is left.
//
//	document, err := spec.Load(ctx, data, spec.Options{})
//
// The package knows no HTTP and no Go types.
package spec
