// Narrow prints a document for generators. For ogen and oapi-codegen, it has only the contract's update, in a form that each
// can read: the rest would yield thousands of unused lines. For bodies, it has one operation for each schema of
// ajv/schemas.json that a benchmark reads with generated code.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pfxrecryption/pfxrecryption/scripts/bench/contract"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: narrow ogen|oapi-codegen|bodies")
		os.Exit(2)
	}
	write := narrow
	if os.Args[1] == "bodies" {
		write = func(string) ([]byte, error) { return bodies() }
	}
	text, err := write(os.Args[1])
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "narrow:", err)
		os.Exit(1)
	}
}

func narrow(generator string) ([]byte, error) {
	doc, err := contract.Parsed()
	if err != nil {
		return nil, err
	}
	var update *openapi3.Operation // the only PATCH
	for name, path := range doc.Paths.Map() {
		if path.Patch == nil {
			doc.Paths.Delete(name)
			continue
		}
		path.Get, path.Delete, update = nil, nil, path.Patch
	}
	switch generator {
	case "oapi-codegen": // it omits unused components
	case "ogen": // only its reading of a body is measured
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

// bodies returns a document with the operations POST /flat, /order and /union.
func bodies() ([]byte, error) {
	text, err := os.ReadFile("ajv/schemas.json")
	if err != nil {
		return nil, err
	}
	var schemas map[string]json.RawMessage
	if err := json.Unmarshal(text, &schemas); err != nil {
		return nil, err
	}
	delete(schemas, "unevaluated") // of OpenAPI 3.1, which ogen does not read
	paths := map[string]any{}
	for _, name := range []string{"flat", "order", "union"} {
		body := map[string]any{"required": true, "content": map[string]any{"application/json": map[string]any{
			"schema": map[string]any{"$ref": "#/components/schemas/" + name}}}}
		paths["/"+name] = map[string]any{"post": map[string]any{"operationId": name, "requestBody": body,
			"responses": map[string]any{"204": map[string]any{"description": "Done."}}}}
	}
	return json.MarshalIndent(map[string]any{"openapi": "3.0.3", "info": map[string]any{"title": "Bodies", "version": "1"},
		"paths": paths, "components": map[string]any{"schemas": schemas}}, "", "  ")
}
