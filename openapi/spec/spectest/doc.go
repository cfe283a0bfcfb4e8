// Package spectest draws OpenAPI documents and bodies for them at random, for tests of whoever reads such documents.
//
//	source := spectest.Seed(1)
//	document := spectest.NewDocument(source, spectest.Options{})
//	body := spectest.NewBody(source, document)
//
// Documents are small, and of few names and values, so that what they say meets in the same place. Bodies are guided by the
// schema: most satisfy it but for one place. What [Minimize] returns is the part of a document, or of a body, that a test
// still fails for.
//
// What OpenAPI leaves open is not drawn: a schema that leads back to itself for the same value, members that are hidden in
// one place and required in another, alternatives of a discriminator that have a value in common.
package spectest
