// Package contract has the contract in the form for the peers.
package contract

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pfxrecryption/pfxrecryption/openapi"
)

// Text is the contract for peers: our own formats are replaced by the closest standard ones. The patterns remain, so a peer
// that supports both performs the same checks.
func Text() []byte {
	text := bytes.ReplaceAll(openapi.Document, []byte("format: edm-int32"), []byte("format: int32"))
	return bytes.ReplaceAll(text, []byte("format: edm-datetimeoffset"), []byte("format: date-time"))
}

// Parsed returns the document as read by kin-openapi.
func Parsed() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(Text())
	if err != nil {
		return nil, fmt.Errorf("loading the contract: %w", err)
	}
	return doc, nil
}

// JSONSchema returns the document with its schemas converted to JSON Schema, in which null is a type.
func JSONSchema() ([]byte, error) {
	doc, err := Parsed()
	if err != nil {
		return nil, err
	}
	for _, ref := range doc.Components.Schemas {
		if s := ref.Value; s.Nullable {
			s.Type = &openapi3.Types{(*s.Type)[0], "null"}
		}
	}
	return json.Marshal(doc)
}
