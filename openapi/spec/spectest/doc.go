// Package spectest generates random OpenAPI documents and bodies for them, for tests of programs that read such documents.
//
//	source := spectest.Seed(1)
//	document := spectest.NewDocument(source, spectest.Options{})
//	body := spectest.NewBody(source, document)
//
// Documents are small and have few names and values, so that their rules often concern the same place. Bodies follow the
// schema: most satisfy it except in one place. [Minimize] reduces a document and a body for which a test fails.
//
// Documents avoid what OpenAPI leaves undefined: schemas that lead back to themselves for the same value, members that are
// hidden in one place and required in another, alternatives of a discriminator that share a value.
package spectest
