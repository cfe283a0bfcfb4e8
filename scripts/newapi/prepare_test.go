package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const noBody = `responses: {'204': {description: done}}`

// TestPrepare: each name that Go does not allow is replaced, and nothing else changes.
func TestPrepare(t *testing.T) {
	t.Parallel()
	components := func(text string) string {
		return "paths: {/a: {get: {operationId: getA, " + noBody + "}}}\ncomponents: " + text
	}
	tests := []struct{ name, document, want, models string }{ // models is "" for the same
		{"nothing", components("{schemas: {Pet: {enum: [a, b], properties: {a: {}, aB: {}}}}, responses: {No: {}}, parameters: {id: {in: path, name: id}}}"), "", ""},
		{"a name that oapi-codegen uses", components("{schemas: {Handler: {}, handler: {}}}"), components("{schemas: {Handler: {x-go-name: HandlerSchema}, handler: {x-go-name: HandlerSchema2}}}"), ""},
		{"a name of an operation's type", components("{schemas: {getAParams: {}}}"), components("{schemas: {getAParams: {x-go-name: GetAParamsSchema}}}"), ""},
		{"a name with an x-go-name", components("{schemas: {Handler: {x-go-name: H}}}"), "", ""},
		{
			"a response with the name of a schema",
			"paths: {/a: {get: {responses: {'404': {$ref: '#/components/responses/error'}}}}}\ncomponents: {schemas: {Error: {}}, responses: {error: {}}}",
			"paths: {/a: {get: {responses: {'404': {$ref: '#/components/responses/errorResponse'}}}}}\ncomponents: {schemas: {Error: {}}, responses: {errorResponse: {}}}", "",
		},
		{"members with the same Go name", components("{schemas: {Pet: {properties: {error: {}, Error: {}, '-1': {}, '+1': {}}}}}"), components("{schemas: {Pet: {properties: {error: {}, Error: {x-go-name: Error2}, '-1': {}, '+1': {}}}}}"), ""},
		{"an enum with duplicates", components("{schemas: {Pet: {enum: [a, b, a, '1', 1]}}}"), components("{schemas: {Pet: {enum: [a, b, '1', 1]}}}"), ""},
		{
			"values with the same Go name", components(`{schemas: {E: {type: string, enum: [a, '\', '', A]}}}`), components(`{schemas: {E: {type: string, enum: [a, '\', '', A]}}}`),
			components(`{schemas: {E: {type: string, enum: [a, '\', '', A], x-enum-varnames: [A, Empty, Empty_2, A_2]}}}`),
		},
		{"an example with duplicates", components("{schemas: {Pet: {type: object, example: {enum: [a, a]}}}}"), "", ""},
		{"a parameter of the path", components("{parameters: {e: {in: path, name: error}, q: {in: query, name: error}}}"), components("{parameters: {e: {in: path, name: error, x-go-name: ErrorParameter}, q: {in: query, name: error}}}"), ""},
		{
			"a duplicate operationId", "paths: {/a: {get: {operationId: getA, " + noBody + "}, put: {operationId: get_a, " + noBody + "}}}",
			"paths: {/a: {get: {operationId: getA, " + noBody + "}, put: {operationId: get_a2, " + noBody + "}}}", "",
		},
		{
			"bodies with the same field", "paths: {/a: {put: {requestBody: {content: {image/png: {}, application/json: {}, image/gif: {}, multipart/mixed: {}, multipart/form-data: {}}}}}}",
			"paths: {/a: {put: {requestBody: {content: {image/png: {}, application/json: {}, image/gif: {}, multipart/mixed: {}, multipart/form-data: {}}}}}}",
			"paths: {/a: {put: {requestBody: {content: {'*/*': {}, application/json: {}, multipart/mixed: {}}}}}}",
		},
		{
			"a string for a file", components("{schemas: {P: {type: string, contentMediaType: image/png, contentEncoding: base64}}}"),
			components("{schemas: {P: {type: string, contentMediaType: image/png, contentEncoding: base64}}}"), components("{schemas: {P: {type: string}}}"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "openapi.yaml")
			writeFile(t, file, tt.document)
			documents, changes, err := prepareDocument(file)
			if err != nil || len(changes) == 0 != (tt.want == "") {
				t.Fatalf("got %v and the changes %q", err, changes)
			}
			if tt.want == "" {
				return
			}
			if tt.models == "" {
				tt.models = tt.want
			}
			for name, want := range map[string]string{preparedDocument: tt.want, preparedModels: tt.models} {
				if diff := cmp.Diff(decoded(t, []byte(want)), decoded(t, documents[name])); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func decoded(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestBundle: the content of other files becomes components, and no reference leads to a file.
func TestBundle(t *testing.T) {
	t.Parallel()
	documents, changes, err := prepareDocument("testdata/shop/shop.yaml")
	if err != nil || len(changes) == 0 {
		t.Fatalf("got %v and the changes %q", err, changes)
	}
	text := string(documents[preparedDocument])
	if strings.Contains(text, ".yaml") {
		t.Errorf("a reference leads to another file:\n%s", text)
	}
	for _, want := range []string{
		"operationId: createOrder", "#/components/schemas/order'", "#/components/schemas/Money'", "card: '#/components/schemas/card'",
		"#/components/parameters/IdParameter'", "#/components/responses/ProblemResponse'", "currency: {$ref: '#/components/schemas/Currency'}",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the document does not have %s:\n%s", want, text)
		}
	}
}

func TestBundleRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ ref, other, says string }{
		"a missing file":                    {"other.yaml#/a", "", "other.yaml"},
		"a missing place":                   {"s.yaml#/b", "a: {}", "s.yaml has nothing at #/b"},
		"a file above the folder":           {"../s.yaml#/a", "a: {}", "above the folder"},
		"a path item that refers to itself": {"s.yaml#/a", "a: {$ref: '#/a'}", "refers to itself"},
		"a file that is malformed YAML":     {"s.yaml#/a", "a: {", "s.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "openapi.yaml")
			writeFile(t, file, "paths: {/a: {$ref: '"+tt.ref+"'}}")
			writeFile(t, filepath.Join(dir, "s.yaml"), tt.other)
			if _, _, err := prepareDocument(file); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want an error with %q", err, tt.says)
			}
		})
	}
}

// TestDirectives: newapi changes only the documents in the directives of generate.go; the rest is the user's.
func TestDirectives(t *testing.T) {
	t.Parallel()
	const plain = "package api // mine\n\n//go:generate go tool oapi-codegen -config oapi-codegen.yaml ../s.yaml\n//go:generate go tool validategen -spec ../s.yaml -type a=B\n"
	const other = "package api // mine\n\n//go:generate go tool newapi -prepare ../s.yaml\n//go:generate go tool oapi-codegen -config oapi-codegen.yaml models.gen.yaml\n//go:generate go tool validategen -spec openapi.gen.yaml -type a=B\n"
	for _, text := range []string{plain, other} {
		if got := string(readingFrom([]byte(text), "s.yaml", true)); got != other {
			t.Errorf("prepared: got\n%s", got)
		}
		if got := string(readingFrom([]byte(text), "s.yaml", false)); got != plain {
			t.Errorf("not prepared: got\n%s", got)
		}
		if got := documentOf([]byte(text)); got != "s.yaml" {
			t.Errorf("got the document %q", got)
		}
	}
}
