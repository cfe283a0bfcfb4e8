package graph

// BasePath is the prefix of the contract's paths.
const BasePath = "/beta"

// MaxBody is the largest request body in bytes, before and after decompression.
const MaxBody = 64 << 10
