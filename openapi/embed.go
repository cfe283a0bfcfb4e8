// Package openapi embeds the contract, openapi.yaml. It is written by hand, and the rest of the repository is generated from
// it.
package openapi

import "embed"

// Document is openapi.yaml, byte for byte.
//
//go:embed openapi.yaml
var Document []byte

// UpdateRequestExample is the example request of Microsoft's page with CRLF line ends, 574 bytes.
//
//go:embed examples/update-request.json
var UpdateRequestExample []byte

// UpdateResponseExample is the example response of Microsoft's page with the key "sample".
//
//go:embed examples/update-response.json
var UpdateResponseExample []byte

// Examples are the files that the document refers to, under the names that it uses.
//
//go:embed examples
var Examples embed.FS
