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

// updateDocument is the document of the update alone, for a generator: the others would write thousands of lines that
// nothing here runs.
func updateDocument(generator string) ([]byte, error) {
	doc, err := parsed()
	if err != nil {
		return nil, err
	}
	for name, path := range doc.Paths.Map() {
		if path.Patch == nil {
			doc.Paths.Delete(name)
			continue
		}
		path.Get, path.Delete = nil, nil
	}
	switch generator {
	case "oapi-codegen": // which leaves out what is not referred to
	case "ogen": // of which only what reads a body is measured
		update := doc.Paths.Value(template).Patch
		update.Responses = openapi3.NewResponses(openapi3.WithName("204", openapi3.NewResponse().WithDescription("Done.")))
		doc.Components.Responses, doc.Components.Headers = nil, nil
		for _, of := range []string{"", "Create", "Selection", "Collection"} {
			delete(doc.Components.Schemas, "pfxRecryptionRequest"+of)
		}
		for _, name := range []string{"error", "errorDetail", "innerError"} {
			delete(doc.Components.Schemas, name)
		}
	default:
		return nil, fmt.Errorf("there is no generator %q", generator)
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
