// Narrow prints the document of the update alone, as the generator that it is told can read it: ogen or oapi-codegen. The rest
// would make them write thousands of lines that nothing here runs.
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
		fmt.Fprintln(os.Stderr, "usage: narrow ogen|oapi-codegen")
		os.Exit(2)
	}
	text, err := narrow(os.Args[1])
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
	var update *openapi3.Operation // the only one that has PATCH
	for name, path := range doc.Paths.Map() {
		if path.Patch == nil {
			doc.Paths.Delete(name)
			continue
		}
		path.Get, path.Delete, update = nil, nil, path.Patch
	}
	switch generator {
	case "oapi-codegen": // which leaves out what is not referred to
	case "ogen": // of which only what reads a body is measured
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
