// Package validate checks the bytes of requests and responses against an OpenAPI contract. It is the runtime of the code
// that validategen writes, and it runs the same contract in process: package spec turns a document into the values of
// this package.
//
// JSON is I-JSON (RFC 7493) and nothing else: UTF-8 without a byte order mark, no member twice, no lone surrogate, one
// value and nothing after it. Names match exactly, numbers are compared without rounding, and a default is never filled
// in.
package validate
