// Package openapi is the contract: openapi.yaml, written by hand, from which the rest of the repository is generated.
package openapi

import "embed"

// Document is openapi.yaml, byte for byte.
//
//go:embed openapi.yaml
var Document []byte

// UpdateRequestExample is the example request of the documentation page in its CRLF form, 574 bytes.
//
//go:embed examples/update-request.json
var UpdateRequestExample []byte

// UpdateResponseExample is the example response of the documentation page with the key "sample".
//
//go:embed examples/update-response.json
var UpdateResponseExample []byte

// Examples are the files that the document refers to, under the names that it has for them.
//
//go:embed examples
var Examples embed.FS
