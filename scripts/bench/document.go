package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pfxrecryption/pfxrecryption/openapi"
)

// document is the contract in words that every peer knows: our own formats become their nearest relatives. The patterns
// stand beside them, so that a peer that reads both checks what we check.
func document() []byte {
	text := bytes.ReplaceAll(openapi.Document, []byte("format: edm-int32"), []byte("format: int32"))
	return bytes.ReplaceAll(text, []byte("format: edm-datetimeoffset"), []byte("format: date-time"))
}

// parsed is the document as kin-openapi reads it.
func parsed() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(document())
	if err != nil {
		return nil, fmt.Errorf("loading the contract: %w", err)
	}
	return doc, nil
}

// updateOnly is the document without answers, of which ogen would generate thousands of lines that nothing here runs.
func updateOnly() ([]byte, error) {
	doc, err := parsed()
	if err != nil {
		return nil, err
	}
	for _, path := range doc.Paths.Map() {
		for _, op := range path.Operations() {
			op.Responses = openapi3.NewResponses(openapi3.WithName("204", openapi3.NewResponse().WithDescription("Done.")))
		}
	}
	doc.Components.Responses, doc.Components.Headers = nil, nil
	for _, name := range []string{"pfxRecryptionRequest", "error", "errorDetail", "innerError"} {
		delete(doc.Components.Schemas, name)
	}
	return json.MarshalIndent(doc, "", "  ")
}

// jsonSchema is the document with its schemas in the words of JSON Schema, in which null is a type.
func jsonSchema() ([]byte, error) {
	doc, err := parsed()
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
