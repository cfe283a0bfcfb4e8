// Package sample generates values that satisfy schemas, for a mock server and for tests:
//
//	maker := sample.New(schema)
//	value, ok := maker.Make(ctx, rand.New(rand.NewPCG(1, 2)), schema, sample.Options{})
//
// Package validate has checked what Make returns. Each part is generated from the schema and then checked; an invalid part
// is generated again in another way, a bounded number of times. Make returns false if it finds no value: the schema may
// allow none, or only values that this package does not generate.
//
// A recursive schema is entered once. Where it would be entered again, an optional member is omitted.
package sample
