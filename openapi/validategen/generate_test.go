package main

import (
	"bytes"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/go/packages"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
)

// generated are the committed packages: the contract's and those of the foreign documents. Some have a handler.
var generated = []struct{ spec, models, name, dir, api, server string }{
	{"../../openapi/openapi.yaml", "../../gen/pfxapi", "pfxvalid", "../../gen/pfxvalid", "../../gen/pfxserver", "../../gen/pfxhandler"},
	{"testdata/tree/openapi.yaml", "./testdata/tree", "treevalid", "testdata/tree/treevalid", "", ""},
	{"testdata/shop/openapi.yaml", "./testdata/shop", "shopvalid", "testdata/shop/shopvalid", "", ""},
	{"testdata/probe/openapi.yaml", "./testdata/probe", "probevalid", "testdata/probe/probevalid", "", ""},
	{"testdata/zoo/openapi.yaml", "./testdata/zoo", "zoovalid", "testdata/zoo/zoovalid", "", ""},
	{"testdata/deck/openapi.yaml", "./testdata/deck", "deckvalid", "testdata/deck/deckvalid", "./testdata/deck/echodeck", "testdata/deck/echohandler"},
	{"testdata/styles/openapi.yaml", "./testdata/styles", "stylesvalid", "testdata/styles/stylesvalid", "", ""},
	{todoFolder + "/openapi.yaml", todoFolder, "todovalid", todoFolder + "/todovalid", "", todoFolder + "/todohandler"},
}

const todoFolder = "../../server/strict/testdata/todo"

// TestFresh generates each package again: it equals the committed one.
func TestFresh(t *testing.T) {
	t.Parallel()
	for _, tt := range generated {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			write(t, filepath.Join(root, "go.mod"), "module github.com/pfxrecryption/pfxrecryption\n")
			in := func(dir string) string { return filepath.Join(root, "openapi/validategen", dir) }
			dir := in(tt.dir)
			write(t, filepath.Join(dir, "old.gen.go"), header+"package old\n")
			args := []string{"-spec", tt.spec, "-models", tt.models, "-package", tt.name, "-o", dir}
			if tt.server != "" {
				args = append(args, "-interface", tt.api, "-server", in(tt.server))
			}
			var stderr bytes.Buffer
			if code := run(args, &stderr); code != 0 {
				t.Fatalf("exit code %d: %s", code, &stderr)
			}
			diff := cmp.Diff(readFiles(t, tt.dir), readFiles(t, dir))
			if tt.server != "" {
				diff += cmp.Diff(readFiles(t, tt.server), readFiles(t, in(tt.server)))
			}
			if diff != "" {
				t.Errorf("stale: run scripts/generate.sh (-committed +generated):\n%s", diff)
			}
		})
	}
}

// TestServerRefused: an error says why no handler can be written, and nothing is written.
func TestServerRefused(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.com/shop\n")
	for name, tt := range map[string]struct {
		models, api, dir, server string
		code                     int
		want                     string
	}{
		"the folder of the checks": {"./testdata/shop", "", "valid", "valid/", 2, "holds another package"},
		"no interface":             {"./testdata/shop", "", "valid", "server", 1, "has no StrictServerInterface: generate it with strict-server"},
		"an invalid package name":  {"./testdata/deck", "./testdata/deck/chideck", "valid", "my-server", 1, "cannot name a package of Go"},
		"a missing interface":      {"./testdata/deck", "./testdata/none", "valid", "server", 1, "testdata/none: directory not found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"-spec", "testdata/shop/openapi.yaml", "-models", tt.models, "-package", "valid", "-o", filepath.Join(root, tt.dir), "-server", filepath.Join(root, tt.server)}
			if tt.api != "" {
				args = append(args, "-interface", tt.api)
			}
			var stderr bytes.Buffer
			if code := run(args, &stderr); code != tt.code || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("got %d, %s; want %d, %s", code, &stderr, tt.code, tt.want)
			}
			if _, err := os.Stat(filepath.Join(root, tt.dir)); err == nil {
				t.Error("a file was written")
			}
		})
	}
}

// write writes a file and its folder.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
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

// treeModels are the models for the tests of rejected documents.
var treeModels = sync.OnceValues(func() (*models, error) { return loadModels("./testdata/tree", nil) })

func TestUnsupported(t *testing.T) {
	t.Parallel()
	const schema = "/components/schemas/node"
	tests := []struct{ name, schema, pointer, says string }{
		{"a pattern for RE2 only", "{type: string, pattern: '(?P<a>b)'}", schema + "/pattern", ""},
		{"a malformed pattern of names", "{type: object, x-ignore-members: '('}", schema + "/x-ignore-members", ""},
		{"a depth without a pattern", "{type: object, x-ignore-maxDepth: 3}", schema + "/x-ignore-maxDepth", "x-ignore-members"},
		{"a negative count", "{type: string, minLength: -1}", schema + "/minLength", "count"},
		{"a fractional count", "{type: string, x-maxBytes: 1.5}", schema + "/x-maxBytes", "count"},
		{"multipleOf zero", "{type: number, multipleOf: 0}", schema + "/multipleOf", "positive"},
		{"an unknown type", "{type: text}", schema + "/type", "text"},
		{"a reference into another file", "{type: object, properties: {a: {$ref: 'other.yaml#/a'}}}", schema + "/properties/a", "reference"},
		{"no field", "{type: object, properties: {nme: {type: string}}}", schema + "/properties/nme", "no field"},
		{"no member", "{type: object, properties: {name: {type: string}}}", schema, "field for the member"},
		{"a wrong Go type", "{type: integer}", schema, "tree.Node"},
		{"a wrong Go type for a member", strings.Replace(treeNode, "{type: string}", "{type: integer}", 1), schema + "/properties/name", "string"},
		{"two states", strings.Replace(treeNode, "{type: array, items: {type: array", "{type: array, nullable: true, items: {type: array", 1), schema + "/properties/matrix", "nullable-type: true"},
		{"two states through anyOf", strings.Replace(treeNode, "name: {type: string}", "name: {anyOf: [{type: string, nullable: true}]}", 1), schema + "/properties/name", "nullable-type: true"},
		{"two states of a schema without code", strings.Replace(treeNode, "type: object, properties: {name: {type: string}", "type: object, oneOf: [{required: [note]}], properties: {name: {type: string, nullable: true}", 1), schema + "/properties/name", "nullable-type: true"},
		{"two states below a member", strings.Replace(treeNode, "parent: {$ref: '#/components/schemas/link'}", "parent: {type: object, properties: {href: {type: string, nullable: true}, parent: {$ref: '#/components/schemas/link'}}}", 1),
			schema + "/properties/parent/properties/href", "nullable-type: true"},
		{"two states of items", strings.Replace(treeNode, "children: {type: array, items: {$ref: '#/components/schemas/node'}}", "children: {type: array, items: {type: object, properties: {matrix: {type: array, nullable: true, items: {type: array, items: {type: integer}}}}}}", 1), schema + "/properties/children/items", "/properties/children/items/properties/matrix: the member"},
		{"all of them", "{type: object, properties: {nme: {type: string}, nam: {type: string}}}", schema + "/properties/nme", schema + "/properties/nam"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refuses(t, documentOf("", tt.schema), tt.pointer, tt.says)
		})
	}
}

// TestJudgedAsAWhole: for keywords without code of their own, the generated code compiles and uses the schema.
func TestJudgedAsAWhole(t *testing.T) {
	t.Parallel()
	for name, keyword := range map[string]string{
		"oneOf": "oneOf: [{required: [name]}, {required: [note]}]", "anyOf": "anyOf: [{required: [name]}]", "not": "not: {required: [x]}",
		"discriminator": "discriminator: {propertyName: name}, oneOf: [{required: [name]}]", "enum": "enum: [{name: a}]",
		"part of allOf": "allOf: [{not: {required: [x]}}, {not: {required: [y]}}]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := generates(t, documentOf("", strings.Replace(treeNode, "{type: object", "{"+keyword+", type: object", 1)), false)
			if !strings.Contains(string(r.files["bodies.gen.go"]), "r.Check(schemas[") || r.files["schemas.gen.go"] == nil {
				t.Error("package validate does not check the schema")
			}
		})
	}
}

// TestAnnotations: a note names each unknown keyword, and nothing checks it.
func TestAnnotations(t *testing.T) {
	t.Parallel()
	for name, keyword := range map[string]string{"x-luhn": "x-luhn: true", "maxLengh": "maxLengh: 1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := generates(t, documentOf("", strings.Replace(treeNode, "{type: object", "{"+keyword+", type: object", 1)), false)
			if !strings.Contains(strings.Join(r.notes, "\n"), name) {
				t.Errorf("got %q, want a note about %s", r.notes, name)
			}
		})
	}
}

// TestNarrowModels: a schema without a type may have a struct as its Go type; a note tells the user.
func TestNarrowModels(t *testing.T) {
	t.Parallel()
	const says = "accepts values such as [], which the Go type"
	untyped := strings.Replace(documentOf("", treeNode), "{type: object, properties: {name", "{properties: {name", 1)
	if r := generates(t, untyped, false); !strings.Contains(strings.Join(r.notes, "\n"), "/components/schemas/node: the schema "+says) {
		t.Errorf("got notes %q", r.notes)
	}
	whole := strings.Replace(documentOf("", treeNode), "{type: object, properties: {name", "{type: object, not: {required: [x]}, properties: {name", 1)
	if r := generates(t, whole, false); strings.Contains(strings.Join(r.notes, "\n"), says) {
		t.Errorf("a schema of one type: got notes %q", r.notes)
	}
}

func generates(t *testing.T, spec string, skip bool, ignored ...string) *result {
	t.Helper()
	m, err := treeModels()
	if err != nil {
		t.Fatal(err)
	}
	r, err := generate(config{packageName: "x", spec: []byte(spec), models: m, ignored: ignored, skip: skip})
	if err != nil {
		t.Fatalf("got %v, want no error", err)
	}
	return r
}

// TestGoNames has a component whose Go type only x-go-name names.
func TestGoNames(t *testing.T) {
	t.Parallel()
	document := strings.ReplaceAll(strings.Replace(documentOf("", treeNode), "{type: object,", "{x-go-name: Node, type: object,", 1), "schemas/node", "schemas/knot")
	document = strings.Replace(document, "    node:", "    knot:", 1)
	if r := generates(t, document, false); !strings.Contains(string(r.files["bodies.gen.go"]), "func DecodeNode(") {
		t.Errorf("the component is not decoded into its Go type: %q", r.notes)
	}
	refuses(t, strings.Replace(document, "x-go-name: Node", "x-go-name: None", 1), "/components/schemas/knot", "no type None")
}

// TestNamesThatDifferInCase: two types may have names that differ only in case; the one that oapi-codegen gives the name is found.
func TestNamesThatDifferInCase(t *testing.T) {
	t.Parallel()
	pkg := types.NewPackage("models", "models")
	for _, name := range []string{"BccArchive", "BCCArchive"} {
		pkg.Scope().Insert(types.NewTypeName(token.NoPos, pkg, name, types.Typ[types.String]))
	}
	m := newModels(&packages.Package{Types: pkg}, nil)
	for name, want := range map[string]string{"bccArchive": "BccArchive", "bcc-archive": "BccArchive", "BCCArchive": "BCCArchive"} {
		if got, err := m.find(name); err != nil || got.Name() != want {
			t.Errorf("%s: got %v, %v; want %s", name, got, err, want)
		}
	}
	if got, err := m.find("bccarchive"); err == nil {
		t.Errorf("got %v, want an error that asks for -type", got)
	}
}

// TestParameterNamedLikeASchema: the type of a path parameter is not that of the schema with the same name.
func TestParameterNamedLikeASchema(t *testing.T) {
	t.Parallel()
	document := strings.Replace(documentOf("{$ref: '#/components/parameters/node'}", treeNode), "/trees:", "/trees/{node}:", 1)
	document = strings.Replace(document, "components:\n", "components:\n  parameters: {node: {name: node, in: path, required: true, schema: {type: string, maxLength: 3}}}\n", 1)
	if r := generates(t, document, false); !strings.Contains(string(r.files["parameters.gen.go"]), "Node string") {
		t.Errorf("got %s", r.files["parameters.gen.go"])
	}
}

// TestUndescribedItems: functions have a name for items that the Go type describes, but the schema does not.
func TestUndescribedItems(t *testing.T) {
	t.Parallel()
	document := strings.Replace(documentOf("", treeNode), "matrix: {type: array, items: {type: array, items: {type: integer}}}", "matrix: {type: array}", 1)
	r := generates(t, document, false)
	if encoders := string(r.files["encoders.gen.go"]); strings.Contains(encoders, "func append(") || !strings.Contains(encoders, "func appendValue(") {
		t.Errorf("got %s", encoders)
	}
}

// TestNamesThatMeet has a schema and an operation whose functions would have the same name.
func TestNamesThatMeet(t *testing.T) {
	t.Parallel()
	document := strings.Replace(documentOf("", treeNode), "operationId: putTree", "operationId: putTree2", 1)
	c, err := load([]byte(document), spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := treeModels()
	if err != nil {
		t.Fatal(err)
	}
	g := newGenerator(config{packageName: "x", models: m}, c)
	g.taken["DecodePutTree2Params"] = true
	if files, err := g.write(g.operations()); err != nil || !strings.Contains(files["parameters"].String(), "func DecodePutTree2Params2(") {
		t.Errorf("got error %v and\n%s", err, files["parameters"])
	}
}

func TestSkipUnsupported(t *testing.T) {
	t.Parallel()
	two := strings.Replace(documentOf("", treeNode), "components:", `    get:
      operationId: getTree
      responses: { '200': { description: one, content: { application/json: { schema: { $ref: '#/components/schemas/link' } } } } }
components:`, 1)
	broken := strings.Replace(two, "name: {type: string}", "name: {type: integer}", 1)
	refuses(t, broken, "/components/schemas/node/properties/name", "string")
	r := generates(t, broken, true)
	operations := string(r.files["operations.gen.go"])
	if strings.Contains(operations, "putTree") || !strings.Contains(operations, "getTree") {
		t.Errorf("got %s, want only getTree", operations)
	}
	if !strings.Contains(strings.Join(r.notes, "\n"), "putTree is left out: /components/schemas/node/properties/name") {
		t.Errorf("got notes %q, want one about putTree", r.notes)
	}
}

// TestLeftOutIsServed: a server responds to an operation that cannot be generated, and logs the reason.
func TestLeftOutIsServed(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("testdata/deck/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := config{packageName: "deckvalid", skip: true, spec: bytes.Replace(document, []byte("count: { type: integer, format: int32 }"), []byte("count: { type: boolean }"), 1)}
	o := options{models: "testdata/deck", api: "testdata/deck/chideck", server: "testdata/deck/server", dir: "testdata/deck/deckvalid"}
	if err := o.load(&c); err != nil {
		t.Fatal(err)
	}
	r, err := generate(c)
	if err != nil {
		t.Fatal(err)
	}
	const row = `{Operation: &validate.Operation{ID: "createCard", Method: "POST", Path: "/cards"}, Serve: strict.LeftOut(` + "`/components/schemas/Card/properties/count: "
	if source := string(r.server["server.gen.go"]); !strings.Contains(source, row) || strings.Count(source, "LeftOut") != 1 {
		t.Errorf("got %s, want a row %s", source, row)
	}
}

// TestUnusedImports: a type that was written for one file may be used in another.
func TestUnusedImports(t *testing.T) {
	t.Parallel()
	g := newGenerator(config{packageName: "x"}, nil)
	g.file = newOutput()
	g.use("time")
	g.p("var x = %s.Fields(time)", g.use("strings"))
	source, err := g.source(g.file, "x")
	if err != nil || strings.Contains(string(source), `"time"`) || !strings.Contains(string(source), `"strings"`) {
		t.Errorf("got %v and %s, want only an import of strings", err, source)
	}
}

// treeNode is a schema for the models of the tree, reduced to what the tests need.
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
		t.Errorf("got error %v, want one at %s with %q", err, pointer, says)
	}
}

func TestUnsupportedOperations(t *testing.T) {
	t.Parallel()
	const at = "/paths/~1trees/put/parameters/0"
	tests := []struct{ name, parameter, pointer, says string }{
		{"system option in a header", "{name: $a, in: header, x-odata-option: true, schema: {type: string}}", at, "begin with $"},
		{"system option without $", "{name: a, in: query, x-odata-option: true, schema: {type: string}}", at, "begin with $"},
		{"system option that is not a boolean", "{name: $a, in: query, x-odata-option: 'yes', schema: {type: string}}", at, "true nor false"},
		{"spelling of a system option", "{name: A, in: query, schema: {type: string}}, {name: $a, in: query, x-odata-option: true, schema: {type: string}}", at, "$a"},
		{"two spellings of a system option", "{name: $a, in: query, x-odata-option: true, schema: {type: string}}, {name: $A, in: query, schema: {type: string}}", "/paths/~1trees/put/parameters/1", "$a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refuses(t, documentOf(tt.parameter, treeNode), tt.pointer, tt.says)
		})
	}
}

// TestForms: package validate checks forms.
func TestForms(t *testing.T) {
	t.Parallel()
	r := generates(t, strings.Replace(documentOf("", treeNode), "application/json:", "application/x-www-form-urlencoded:", 1), false)
	if operations := string(r.files["operations.gen.go"]); !strings.Contains(operations, "Schema: schemas[") || strings.Contains(operations, "DecodeBody") {
		t.Errorf("got %s", operations)
	}
}

func TestSupportedDocumentOfTheTests(t *testing.T) {
	t.Parallel()
	if r := generates(t, documentOf("", treeNode), false); len(r.notes) != 1 || !strings.Contains(r.notes[0], "is nil for null") {
		t.Errorf("got notes %q, want one about the member note: the tests of unsupported documents start from this document", r.notes)
	}
	extended := strings.Replace(documentOf("", treeNode), "{type: object,", "{type: object, x-luhn: true,", 1)
	if r := generates(t, extended, false, "x-luhn"); len(r.notes) != 1 {
		t.Errorf("-ignore-extension: got notes %q, want none about it", r.notes)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte(documentOf("", "{type: integer}")), 0o666); err != nil {
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
		{"invalid type", []string{"-type", "a"}, 2, "schema=GoType"},
		{"no such file", []string{"-spec", "none.yaml", "-models", "./testdata/tree", "-package", "x", "-o", t.TempDir()}, 1, "none.yaml"},
		{"no such models", []string{"-spec", bad, "-models", "./none", "-package", "x", "-o", t.TempDir()}, 1, "models"},
		{"unsupported", []string{"-spec", bad, "-models", "./testdata/tree", "-package", "x", "-o", t.TempDir()}, 1, "/components/schemas/node"},
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
