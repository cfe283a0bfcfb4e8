// Package sample makes values that satisfy schemas, for a mock server and for tests:
//
//	maker := sample.New(schema)
//	value, ok := maker.Make(ctx, rand.New(rand.NewPCG(1, 2)), schema, sample.Options{})
//
// What Make returns is valid: package validate has checked it. A value is guided by the schema and then checked, part by
// part; what does not fit is made again in another way, a bounded number of times. Make reports false if it finds no value:
// the schema may have none, or one that it does not think of.
//
// A schema that contains itself is entered once, and left out, if it is optional, where it would be entered again.
package sample
