package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// generated are the packages that are committed: the contract's and those of the foreign documents.
var generated = []struct{ spec, models, name, dir string }{
	{"../../openapi/openapi.yaml", "../../gen/pfxapi", "pfxvalid", "../../gen/pfxvalid"},
	{"testdata/tree/openapi.yaml", "./testdata/tree", "treevalid", "testdata/tree/treevalid"},
	{"testdata/shop/openapi.yaml", "./testdata/shop", "shopvalid", "testdata/shop/shopvalid"},
	{"testdata/probe/openapi.yaml", "./testdata/probe", "probevalid", "testdata/probe/probevalid"},
}

// TestFresh generates each package again: it is what is committed, byte for byte.
func TestFresh(t *testing.T) {
	t.Parallel()
	for _, tt := range generated {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "old.gen.go"), []byte(header+"package old\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			if code := run([]string{"-spec", tt.spec, "-models", tt.models, "-package", tt.name, "-o", dir}, &stderr); code != 0 {
				t.Fatalf("exit code %d: %s", code, &stderr)
			}
			if diff := cmp.Diff(readFiles(t, tt.dir), readFiles(t, dir)); diff != "" {
				t.Errorf("stale: run scripts/generate.sh (-committed +generated):\n%s", diff)
			}
		})
	}
}

// readFiles returns the generated files of a folder by name.
func readFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = string(data)
	}
	return files
}

// treeModels are models that the tests of refused documents can name.
var treeModels = sync.OnceValues(func() (*models, error) { return loadModels("./testdata/tree", nil) })

func TestUnsupported(t *testing.T) {
	t.Parallel()
	const schema = "/components/schemas/node"
	tests := []struct{ name, schema, pointer, says string }{
		{"oneOf", "{oneOf: [{type: string}]}", schema + "/oneOf", "oneOf"},
		{"anyOf", "{anyOf: [{type: string}]}", schema + "/anyOf", "anyOf"},
		{"not", "{not: {type: string}}", schema + "/not", "not"},
		{"discriminator", "{type: object, discriminator: {propertyName: a}}", schema + "/discriminator", "discriminator"},
		{"uniqueItems", "{type: array, items: {type: string}, uniqueItems: true}", schema + "/uniqueItems", "uniqueItems"},
		{"unknown keyword", "{type: string, maxLengh: 1}", schema + "/maxLengh", "maxLengh"},
		{"keyword of 3.1", "{type: object, patternProperties: {a: {type: string}}}", schema + "/patternProperties", "patternProperties"},
		{"unknown extension", "{type: string, x-luhn: true}", schema + "/x-luhn", "-ignore-extension"},
		{"deep inside", "{type: object, properties: {a/b: {type: array, items: {not: {}}}}}", schema + "/properties/a~1b/items/not", "not"},
		{"through additionalProperties", "{type: object, additionalProperties: {anyOf: []}}", schema + "/additionalProperties/anyOf", "anyOf"},
		{"through allOf", "{allOf: [{type: object, properties: {a: {not: {}}}}]}", schema + "/allOf/0/properties/a/not", "not"},
		{"unknown format", "{type: string, format: isbn}", schema + "/format", "isbn"},
		{"format of another type", "{type: string, format: int32}", schema + "/format", "int32"},
		{"binary", "{type: string, format: binary}", schema + "/format", "binary"},
		{"keyword of another type", "{type: string, minimum: 1}", schema + "/minimum", "minimum"},
		{"keyword without type", "{maxLength: 1}", schema, "without a type"},
		{"type list", "{type: [string]}", schema + "/type", "type"},
		{"null type", "{type: 'null'}", schema + "/type", "type"},
		{"array without items", "{type: array}", schema, "items"},
		{"pattern of ECMAScript", "{type: string, pattern: '^(?=a)'}", schema + "/pattern", "RE2"},
		{"bad pattern of names", "{type: object, x-ignore-members: '('}", schema + "/x-ignore-members", "missing"},
		{"depth alone", "{type: object, x-ignore-maxDepth: 3}", schema + "/x-ignore-maxDepth", "x-ignore-members"},
		{"negative count", "{type: string, minLength: -1}", "", "/components/schemas/node/minLength"},
		{"fractional count", "{type: string, x-maxBytes: 1.5}", schema + "/x-maxBytes", "count"},
		{"multipleOf zero", "{type: number, multipleOf: 0}", schema + "/multipleOf", "positive"},
		{"long multipleOf", "{type: number, multipleOf: 123456789012345678901}", schema + "/multipleOf", "digits"},
		{"exclusive alone", "{type: number, exclusiveMinimum: true}", schema + "/exclusiveMinimum", "minimum"},
		{"exclusive of 3.1", "{type: number, exclusiveMinimum: 5}", schema + "/exclusiveMinimum", "true nor false"},
		{"enum of objects", "{type: object, enum: [{}]}", schema + "/enum/0", "not a string"},
		{"enum of arrays", "{type: array, items: {type: string}, enum: [[]]}", schema + "/enum/0", "not a string"},
		{"foreign reference", "{type: object, properties: {a: {$ref: 'other.yaml#/a'}}}", "", "other.yaml"},
		{"member beside reference", "{type: object, properties: {a: {$ref: '#/components/schemas/link', nullable: true}}}", schema + "/properties/a/nullable", "$ref"},
		{"allOf leads back", "{allOf: [{$ref: '#/components/schemas/node'}]}", schema, "itself"},
		{"contradiction in allOf", "{allOf: [{type: string}, {type: object}]}", schema + "/allOf/1", "contradicts"},
		{"closed part of allOf", "{allOf: [{type: object, additionalProperties: false, properties: {a: {type: string}}}, {type: object, properties: {b: {type: string}}}]}", schema + "/allOf/0", "additionalProperties"},
		{"nullable beside allOf", "{nullable: true, allOf: [{type: object, properties: {a: {type: string}}}]}", schema, "nullable"},
		{"no field", "{type: object, properties: {nme: {type: string}}}", schema + "/properties/nme", "no field"},
		{"no member", "{type: object, properties: {name: {type: string}}}", schema, "field for the member"},
		{"wrong Go type", "{type: integer}", schema, "tree.Node"},
		{"wrong Go type of a member", strings.Replace(treeNode, "{type: string}", "{type: integer}", 1), schema + "/properties/name", "string"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refuses(t, documentOf("", tt.schema), tt.pointer, tt.says)
		})
	}
}

// treeNode fits the models of the tree, as far as the tests need it.
const treeNode = `{type: object, properties: {name: {type: string}, byName: {type: object, additionalProperties: {$ref: '#/components/schemas/node'}},
      children: {type: array, items: {$ref: '#/components/schemas/node'}}, matrix: {type: array, items: {type: array, items: {type: integer}}},
      note: {}, parent: {$ref: '#/components/schemas/link'}}}`

// documentOf is a document with one operation and the schema node.
func documentOf(parameter, schema string) string {
	if parameter != "" {
		parameter = "      parameters: [" + parameter + "]\n"
	}
	return `openapi: 3.0.3
info: { title: t, version: '1' }
paths:
  /trees:
    put:
      operationId: putTree
` + parameter + `      requestBody:
        content: { application/json: { schema: { $ref: '#/components/schemas/node' } } }
      responses: { '204': { description: done } }
components:
  schemas:
    node: ` + schema + `
    link: {type: object, required: [href], properties: {href: {type: string}, parent: {$ref: '#/components/schemas/link'}}}
`
}

func refuses(t *testing.T, spec, pointer, says string) {
	t.Helper()
	m, err := treeModels()
	if err != nil {
		t.Fatal(err)
	}
	_, err = generate(config{packageName: "x", spec: []byte(spec), models: m})
	if err == nil || !strings.HasPrefix(err.Error(), pointer) || !strings.Contains(err.Error(), says) {
		t.Errorf("got error %v, want one at %s that says %q", err, pointer, says)
	}
}

func TestUnsupportedOperations(t *testing.T) {
	t.Parallel()
	const at = "/paths/~1trees/put/parameters/0"
	tests := []struct{ name, parameter, pointer, says string }{
		{"cookie", "{name: a, in: cookie, schema: {type: string}}", at + "/in", "cookie"},
		{"style", "{name: a, in: query, style: pipeDelimited, schema: {type: string}}", at + "/style", "pipeDelimited"},
		{"content", "{name: a, in: query, content: {application/json: {schema: {type: string}}}}", at + "/content", "content"},
		{"array", "{name: a, in: query, schema: {type: array, items: {type: string}}}", at + "/schema", "array"},
		{"object", "{name: a, in: query, schema: {type: object}}", at + "/schema", "object"},
		{"allowReserved", "{name: a, in: query, allowReserved: true, schema: {type: string}}", at + "/allowReserved", "allowReserved"},
		{"no field", "{name: a, in: query, schema: {type: string}}", at, "no field"},
		{"system option in a header", "{name: $a, in: header, x-odata-option: true, schema: {type: string}}", at + "/x-odata-option", "begin with $"},
		{"system option in the path", "{name: $a, in: path, x-odata-option: true, schema: {type: string}}", at + "/x-odata-option", "begin with $"},
		{"system option without $", "{name: a, in: query, x-odata-option: true, schema: {type: string}}", at + "/x-odata-option", "begin with $"},
		{"system option, neither yes nor no", "{name: $a, in: query, x-odata-option: 'yes', schema: {type: string}}", at + "/x-odata-option", "true nor false"},
		{"spelling of a system option", "{name: A, in: query, schema: {type: string}}, {name: $a, in: query, x-odata-option: true, schema: {type: string}}", at, "$a"},
		{"two spellings of a system option", "{name: $a, in: query, x-odata-option: true, schema: {type: string}}, {name: $A, in: query, schema: {type: string}}", "/paths/~1trees/put/parameters/1", "$a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refuses(t, documentOf(tt.parameter, treeNode), tt.pointer, tt.says)
		})
	}
	t.Run("media type", func(t *testing.T) {
		t.Parallel()
		spec := strings.Replace(documentOf("", treeNode), "application/json:", "text/csv:", 1)
		refuses(t, spec, "/paths/~1trees/put/requestBody/content/text~1csv", "text/csv")
	})
	t.Run("no operationId", func(t *testing.T) {
		t.Parallel()
		refuses(t, strings.Replace(documentOf("", treeNode), "operationId: putTree", "summary: none", 1), "/paths/~1trees/put", "operationId")
	})
	t.Run("version", func(t *testing.T) {
		t.Parallel()
		refuses(t, strings.Replace(documentOf("", treeNode), "3.0.3", "3.1.0", 1), "/openapi", "3.1.0")
	})
}

func TestSupportedDocumentOfTheTests(t *testing.T) {
	t.Parallel()
	m, err := treeModels()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := generate(config{packageName: "x", spec: []byte(documentOf("", treeNode)), models: m}); err != nil {
		t.Errorf("got %v, want no error: the tests of refused documents start from this one", err)
	}
	extended := strings.Replace(documentOf("", treeNode), "{type: object,", "{type: object, x-luhn: true,", 1)
	if _, err := generate(config{packageName: "x", spec: []byte(extended), models: m, ignored: []string{"x-luhn"}}); err != nil {
		t.Errorf("-ignore-extension: got %v, want no error", err)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte(documentOf("", "{oneOf: [{type: string}]}")), 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"help", []string{"-h"}, 0, "-models"},
		{"no flags", nil, 2, "are needed"},
		{"unknown flag", []string{"-x"}, 2, "-x"},
		{"bad type", []string{"-type", "a"}, 2, "schema=GoType"},
		{"no such file", []string{"-spec", "none.yaml", "-models", "./testdata/tree", "-package", "x", "-o", t.TempDir()}, 1, "none.yaml"},
		{"no such models", []string{"-spec", bad, "-models", "./none", "-package", "x", "-o", t.TempDir()}, 1, "models"},
		{"unsupported", []string{"-spec", bad, "-models", "./testdata/tree", "-package", "x", "-o", t.TempDir()}, 1, "/components/schemas/node/oneOf"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			if code := run(tt.args, &stderr); code != tt.code || !strings.Contains(stderr.String(), tt.says) {
				t.Errorf("got exit code %d and %q, want %d and %q", code, &stderr, tt.code, tt.says)
			}
		})
	}
}
