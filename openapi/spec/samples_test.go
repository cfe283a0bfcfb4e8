package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sampled = `
openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /x:
    get:
      responses:
        '200':
          description: ok
          headers:
            H: {schema: {type: string}, example: h}
            P: {content: {application/json: {schema: {}, example: {a: 1}}}}
          content:
            application/json:
              schema: {$ref: '#/components/schemas/S'}
              examples:
                one: {value: {id: 1.0}}
                two: {$ref: '#/components/examples/Two'}
                far: {externalValue: 'https://example.com/x.json'}
                lost: {$ref: '#/components/examples/Lost'}
            text/plain: {example: only}
components:
  examples: {Two: {value: 2}}
  schemas:
    S: {type: object, examples: [{id: 3}, {id: 4}], default: {id: 5}, properties: {id: {type: integer, example: 6}}}
`

// TestExamplesOfADocument: examples are found in all places, in the document's order, and through references.
func TestExamplesOfADocument(t *testing.T) {
	t.Parallel()
	d, err := Load(t.Context(), []byte(sampled), Options{Examples: true})
	if err != nil {
		t.Fatal(err)
	}
	r := d.Operations[0].Responses[0]
	const content = "/paths/~1x/get/responses/200/content/"
	const headers = "/paths/~1x/get/responses/200/headers/"
	for name, tt := range map[string]struct{ got, want []Example }{
		"examples": {d.BodyExamples(r.Bodies[0]), []Example{
			{"one", `{"id":1.0}`, content + "application~1json/examples/one/value"}, {"two", "2", "/components/examples/Two/value"},
		}},
		"example":   {d.BodyExamples(r.Bodies[1]), []Example{{"default", `"only"`, content + "text~1plain/example"}}},
		"header":    {d.ParameterExamples(r.Headers[0]), []Example{{"default", `"h"`, headers + "H/example"}}},
		"content":   {d.ParameterExamples(r.Headers[1]), []Example{{"default", `{"a":1}`, headers + "P/content/application~1json/example"}}},
		"schema":    {d.SchemaExamples(r.Bodies[0].Schema), []Example{{"default", `{"id":3}`, "/components/schemas/S/examples/0"}, {"default", `{"id":4}`, "/components/schemas/S/examples/1"}, {"default", `{"id":5}`, "/components/schemas/S/default"}}},
		"member":    {d.SchemaExamples(r.Bodies[0].Schema.Properties[0].Schema), []Example{{"default", "6", "/components/schemas/S/properties/id/example"}}},
		"no schema": {d.SchemaExamples(r.Bodies[1].Schema), nil},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	const lost, far = content + "application~1json/examples/lost", content + "application~1json/examples/far"
	if len(d.Warnings) != 2 || d.Warnings[0].Pointer != far || d.Warnings[1].Pointer != lost {
		t.Errorf("got %v, want warnings about the unresolvable references", d.Warnings)
	}
	if d, err = Load(t.Context(), []byte(sampled), Options{}); err != nil || d.BodyExamples(d.Operations[0].Responses[0].Bodies[0]) != nil {
		t.Errorf("examples were kept without the option: %v", err)
	}
}

// TestExternalValue: the value of an example may be in a file in the document's folder.
func TestExternalValue(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "x.json"), []byte(`{"id": 7}`), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(sampled, "https://example.com/x.json", "x.json")
	d, err := Load(t.Context(), []byte(text), Options{Examples: true, Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	list := d.BodyExamples(d.Operations[0].Responses[0].Bodies[0])
	if want := (Example{"far", `{"id":7}`, "x.json#"}); len(list) != 3 || list[2] != want {
		t.Errorf("got %v, want %v", list, want)
	}
}
