// Package graph has the rules of Microsoft Graph's wire that hold for every request, whoever answers it: how an error
// looks, how a request is named, what the media types, the address and the length of a body may be.
package graph

// BasePath is where the contract's paths begin.
const BasePath = "/beta"

// MaxBody is the length of a request's body in bytes, before and after decompression.
const MaxBody = 64 << 10
