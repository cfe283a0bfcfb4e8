// Package graph has Microsoft Graph's rules for every request, whichever handler serves it: the form of errors, the ids of
// requests, and the allowed media types, addresses and sizes of bodies.
package graph

// BasePath is the prefix of the contract's paths.
const BasePath = "/beta"

// MaxBody is the largest request body in bytes, before and after decompression.
const MaxBody = 64 << 10
