// Package validate checks the bytes of requests and responses against an OpenAPI contract. It is the runtime of the code
// that validategen generates, and can also check by a contract directly: package spec turns a document into values of this
// package.
//
// JSON must be I-JSON (RFC 7493): UTF-8 without a byte order mark, no duplicate members, no lone surrogates, one value with
// nothing after it. Names are case-sensitive, numbers are compared without rounding, and defaults are never filled in.
package validate
