package sample_test

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/mock/sample"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ways are the options that the tests use.
var ways = []sample.Options{{}, {Vary: true}, {Lean: true}}

// TestRandomDocuments: generated values are valid. If none is generated, random bodies rarely contain a valid one.
func TestRandomDocuments(t *testing.T) {
	t.Parallel()
	made, none, missed := 0, 0, 0
	for seed := range uint64(spectest.Setting("PFXR_TEST_DOCUMENTS", 100)) {
		source := spectest.Seed(seed)
		drawn := spectest.NewDocument(source, spectest.Options{Typed: seed%2 == 0})
		document, err := spec.Load(t.Context(), drawn.JSON(), spec.Options{})
		if err != nil {
			t.Fatal(err)
		}
		schema := document.Operations[0].Responses[0].Bodies[0].Schema
		maker := sample.New(schema)
		for i, way := range ways {
			value, ok := maker.Make(t.Context(), rand.New(rand.NewPCG(seed, uint64(i))), schema, way)
			switch {
			case ok && schema.Check(t.Context(), value) != nil:
				t.Fatalf("seed %d: %s is not valid for %s", seed, value, drawn.JSON())
			case ok:
				made++
			default:
				none++
				if body := search(t, source, drawn, schema); body != nil {
					missed++
					t.Logf("seed %d, way %d: no value was generated, but %s is valid", seed, i, body)
				}
			}
		}
	}
	t.Logf("%d values generated; none for %d, of which %d have a value", made, none, missed)
	if made < none || missed > 2+made/50 {
		t.Errorf("of %d values, %d were not found", made+missed, missed)
	}
}

// search generates random bodies until one is valid.
func search(t *testing.T, source *spectest.Source, d *spectest.Document, schema *validate.Schema) []byte {
	for range 100 {
		if body := spectest.NewBody(source, d); schema.Check(t.Context(), body) == nil {
			return body
		}
	}
	return nil
}

// TestForeignDocuments: each response and each request of foreign documents has a value.
func TestForeignDocuments(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../../openapi/spec/testdata/*.*")
	if err != nil || len(files) < 10 {
		t.Fatalf("want ten documents: %v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		document, err := spec.Load(t.Context(), data, spec.Options{})
		if err != nil {
			t.Fatal(err)
		}
		made := 0
		for _, op := range document.Operations {
			bodies := op.Request
			for _, r := range op.Responses {
				bodies = append(bodies, r.Bodies...)
			}
			for _, b := range bodies {
				if b.Schema == nil {
					continue
				}
				maker := sample.New(b.Schema)
				for i, way := range ways {
					value, ok := maker.Make(t.Context(), rand.New(rand.NewPCG(1, uint64(i))), b.Schema, way)
					if !ok || b.Schema.Check(t.Context(), value) != nil {
						t.Errorf("%s %s %s, way %d: got %s, %t", file, op.ID, b.Schema.Pointer, i, value, ok)
					}
					made++
				}
			}
		}
		t.Logf("%s: %d values", filepath.Base(file), made)
	}
}

// schemas have values, each of which needs a different method.
var schemas = map[string]string{
	"anything":           `{}`,
	"null":               `{type: 'null'}`,
	"nullable":           `{type: [integer, 'null'], minimum: 5}`,
	"const":              `{const: {a: [1, null]}}`,
	"enum and bound":     `{enum: [1, 2, 300], minimum: 100}`,
	"latitude":           `{type: number, minimum: -90, maximum: 90}`,
	"between":            `{type: number, exclusiveMinimum: 0.001, exclusiveMaximum: 0.002}`,
	"at one point":       `{type: integer, minimum: 7, maximum: 7}`,
	"below zero":         `{type: integer, exclusiveMaximum: -5}`,
	"multiples":          `{type: number, allOf: [{multipleOf: 0.15}, {multipleOf: 0.1}], minimum: 100}`,
	"above int64":        `{type: integer, minimum: 9223372036854775808}`,
	"long text":          `{type: string, minLength: 3000, maxLength: 3010}`,
	"empty text":         `{type: string, maxLength: 0}`,
	"bytes":              `{type: string, minLength: 3, x-maxBytes: 3}`,
	"long address":       `{type: string, format: email, minLength: 60}`,
	"long link":          `{type: string, format: uri, minLength: 120}`,
	"items":              `{type: array, items: {type: string, format: uuid}, minItems: 3, maxItems: 3}`,
	"unique":             `{type: array, items: {type: integer, minimum: 1, maximum: 5}, minItems: 5, uniqueItems: true}`,
	"unique words":       `{type: array, items: {enum: [a, b, c]}, minItems: 3, uniqueItems: true}`,
	"tuple":              `{type: array, prefixItems: [{type: integer}, {type: string}], items: false, minItems: 2}`,
	"contains":           `{type: array, items: {type: integer}, contains: {minimum: 100}, minContains: 2, maxContains: 3}`,
	"members":            `{type: object, minProperties: 4, additionalProperties: {type: boolean}}`,
	"few members":        `{type: object, maxProperties: 2, required: [c], properties: {a: {type: string}, b: {type: string}, c: {type: string}}}`,
	"pattern members":    `{type: object, minProperties: 3, patternProperties: {'^x-[a-z]{2,9}$': {type: integer}}, additionalProperties: false}`,
	"named members":      `{type: object, minProperties: 3, propertyNames: {pattern: '^[a-z]{3}$'}}`,
	"dependent":          `{type: object, required: [card], properties: {card: {type: string}}, dependentRequired: {card: [address]}}`,
	"dependent schema":   `{type: object, required: [card], properties: {card: {type: string}}, dependentSchemas: {card: {required: [owner], properties: {owner: {type: integer}}}}}`,
	"unevaluated":        `{allOf: [{properties: {a: {type: string}}, required: [a]}], properties: {b: {type: integer}}, unevaluatedProperties: false}`,
	"all of":             `{allOf: [{type: object, required: [a]}, {properties: {a: {type: integer, minimum: 3}}}, {properties: {a: {maximum: 3}}}]}`,
	"one of":             `{oneOf: [{type: object, required: [a], properties: {a: {type: string}}}, {type: object, required: [b], properties: {b: {type: string}}}]}`,
	"one of overlapping": `{oneOf: [{type: integer, multipleOf: 2}, {type: integer, multipleOf: 3}]}`,
	"any of":             `{anyOf: [false, {type: string, format: date}]}`,
	"not":                `{type: string, minLength: 1, not: {enum: [oak, elm]}}`,
	"if then":            `{type: object, required: [kind], properties: {kind: {enum: [card, bank]}}, if: {properties: {kind: {const: card}}}, then: {required: [number], properties: {number: {type: string}}}, else: {required: [iban]}}`,
	"discriminator":      `{oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}], discriminator: {propertyName: kind, mapping: {meow: '#/components/schemas/Cat', bark: '#/components/schemas/Dog'}}}`,
	"list of itself":     `{$ref: '#/components/schemas/Tree'}`,
	"chain of itself":    `{$ref: '#/components/schemas/Chain'}`,
	"wide":               `{$ref: '#/components/schemas/Wide'}`,
}

const components = `
  Cat: {type: object, required: [kind], properties: {kind: {type: string}, lives: {type: integer}}}
  Dog: {type: object, required: [kind], properties: {kind: {type: string}, tricks: {type: array, items: {type: string}}}}
  Tree: {type: object, required: [name, children], properties: {name: {type: string}, children: {type: array, items: {$ref: '#/components/schemas/Tree'}}}}
  Chain: {oneOf: [{type: object, required: [next], properties: {next: {$ref: '#/components/schemas/Chain'}}, additionalProperties: false}, {type: object, required: [end], properties: {end: {const: true}}}]}
  Wide: {type: object, properties: {a: {$ref: '#/components/schemas/Wide'}, b: {$ref: '#/components/schemas/Wide'}, c: {type: array, items: {$ref: '#/components/schemas/Wide'}}}}
`

// formats are the supported string formats.
var formats = strings.Fields(`date date-time date-time-local duration http-date time time-local unixtime email hostname idn-email idn-hostname ipv4
	ipv4-cidr ipv6 ipv6-cidr iri iri-reference language media-range uri uri-reference uri-template base64url binary byte char commonmark html
	json-pointer password regex relative-json-pointer uuid sf-binary sf-boolean sf-string sf-token decimal decimal128 int64 uint64
	edm-datetimeoffset`)

// numbers are the number formats.
var numbers = strings.Fields("double double-int float int8 int16 int32 int64 uint8 uint16 uint32 uint64 sf-decimal sf-integer decimal edm-int32")

// patterns are typical for documents.
var patterns = []string{
	`^[A-Z]{3}$`, `^\d{4}-\d{2}$`, `^(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{8,}$`, `^(?!.*--)[a-z-]{2,20}$`, `^\+?[1-9]\d{1,14}$`, `^#([0-9a-fA-F]{6})$`,
	`^[\w.-]+@[\w-]+\.[a-z]{2,}$`, `^\u0041\/[^\s]+$`, `^(a|b|c\d)+$`, `x-`, `^\p{Lu}\p{L}*$`, `^[^a-zA-Z0-9]$`, `^(\d{3}|[a-f]{2})?$`,
	`^arn:aws:[a-z]+:[a-z]{2}-\w+-\d:\d{12}:.+$`, `^[0-9]{1,3}(\.[0-9]{1,3}){3}$`, `^(?<year>\d{4})$`, `[.]csv$`,
}

// TestValues: each schema has a value with each of the options.
func TestValues(t *testing.T) {
	t.Parallel()
	all := maps.Clone(schemas)
	for _, f := range formats {
		all["format "+f] = "{type: string, format: " + f + "}"
	}
	for _, f := range numbers {
		all["number "+f] = "{type: number, format: " + f + "}"
	}
	for _, p := range patterns {
		all["pattern "+p] = "{type: string, pattern: '" + p + "'}"
		all["long "+p] = "{type: string, pattern: '" + p + "', minLength: 1, maxLength: 64}"
	}
	for name, text := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := load(t, text)
			maker := sample.New(schema)
			for i, way := range ways {
				for seed := range uint64(5) {
					value, ok := maker.Make(t.Context(), rand.New(rand.NewPCG(seed, uint64(i))), schema, way)
					if !ok {
						t.Errorf("way %d, seed %d: no value was found", i, seed)
					} else if faults := schema.Check(t.Context(), value); faults != nil {
						t.Errorf("way %d: %s is not valid: %+v", i, value, faults.List)
					}
				}
			}
		})
	}
}

func load(t *testing.T, schema string) *validate.Schema {
	t.Helper()
	document, err := spec.Load(t.Context(), []byte("openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/x: {post: {requestBody: {content: {application/json: {schema: "+
		schema+"}}}, responses: {}}}}\ncomponents: {schemas: {"+strings.ReplaceAll(strings.TrimSpace(components), "\n", ",")+"}}"), spec.Options{})
	if err != nil || len(document.Spots) > 0 {
		t.Fatal(err, document.Spots)
	}
	return document.Operations[0].Request[0].Schema
}

// TestNoValue: for a schema without a value Make ends and reports that.
func TestNoValue(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"false", "{enum: []}", "{type: integer, minimum: 2, maximum: 1}", "{type: integer, exclusiveMinimum: 1, exclusiveMaximum: 2}",
		"{type: object, required: [a], properties: {a: false}}", "{type: array, minItems: 3, maxItems: 2}", "{type: string, minLength: 2, maxLength: 1}",
		"{type: array, uniqueItems: true, minItems: 3, items: {type: boolean}}", "{type: object, required: [a, b], maxProperties: 1}",
		"{$defs: {R: {$anchor: r, type: object, required: [a, b], properties: {a: {$ref: '#r'}, b: {$ref: '#r'}}}}, $ref: '#r'}",
		"{type: string, pattern: '^a$', minLength: 2}", "{allOf: [{type: string}, {type: integer}]}",
	} {
		schema := load(t, text)
		if value, ok := sample.New(schema).Make(t.Context(), rand.New(rand.NewPCG(1, 1)), schema, sample.Options{}); ok {
			t.Errorf("%s: got %s", text, value)
		}
	}
}

// TestSeed: the same source generates the same value, another source another one.
func TestSeed(t *testing.T) {
	t.Parallel()
	schema := load(t, "{type: object, required: [a, b], properties: {a: {type: string, format: uuid}, b: {type: number}}}")
	maker := sample.New(schema)
	values := map[string]bool{}
	for _, seed := range []uint64{1, 2, 1, 2} {
		value, _ := maker.Make(t.Context(), rand.New(rand.NewPCG(seed, 0)), schema, sample.Options{})
		values[string(value)] = true
	}
	if len(values) != 2 {
		t.Errorf("got %v, want one value for each seed", values)
	}
}

// TestGiven: values of the document are used if they are valid.
func TestGiven(t *testing.T) {
	t.Parallel()
	schema := load(t, "{type: object, required: [a, b], properties: {a: {type: string}, b: {type: integer}}}")
	given := func(s *validate.Schema) []string {
		if s == schema {
			return nil
		}
		return []string{`7`, `"seven"`}
	}
	value, ok := sample.New(schema).Make(t.Context(), rand.New(rand.NewPCG(1, 1)), schema, sample.Options{Given: given})
	if want := `{"a":"seven","b":7}`; !ok || string(value) != want {
		t.Errorf("got %s, want %s", value, want)
	}
}
