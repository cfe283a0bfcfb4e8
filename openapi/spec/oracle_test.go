package spec

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
)

// TestOracle compares the meaning of random OpenAPI 3.1 schemas with another JSON Schema validator's, for
// PFXR_TEST_DOCUMENTS documents.
func TestOracle(t *testing.T) {
	t.Parallel()
	for seed := range uint64(spectest.Setting("PFXR_TEST_DOCUMENTS", 40)) {
		compareWithOracle(t, seed)
	}
}

func FuzzOracle(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { compareWithOracle(t, seed) })
}

func compareWithOracle(t *testing.T, seed uint64) {
	t.Helper()
	w := &writer{random: rand.New(rand.NewPCG(seed, 1))}
	components := w.components()
	oracle := oracleOf(t, components)
	d := load(t, body31(`{"$ref": "#/components/schemas/S0"}`, components))
	if len(d.Spots) > 0 {
		t.Fatalf("seed %d: %v in %s", seed, d.Spots, components)
	}
	s := d.Operations[0].Request[0].Schema
	for range 25 {
		value := w.value(3)
		var v any
		decoder := json.NewDecoder(strings.NewReader(value))
		decoder.UseNumber()
		if err := decoder.Decode(&v); err != nil {
			t.Fatal(err)
		}
		want := oracle.Validate(v) == nil
		if got := s.Check(t.Context(), []byte(value)) == nil; got != want {
			t.Fatalf("seed %d: got %v, want %v\nfor %s\nby %s\nwhich is %s", seed, got, want, value, components, show(s))
		}
	}
}

func oracleOf(t *testing.T, components string) *jsonschema.Schema {
	t.Helper()
	text := `{"$schema": "https://json-schema.org/draft/2020-12/schema", "components": {"schemas": ` + components + `}, "$ref": "#/components/schemas/S0"}`
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("https://oracle.example/", v); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("https://oracle.example/")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// writer writes random schemas and values with few names and values, so that they often match.
type writer struct {
	random *rand.Rand
	number int // of the current component
}

const componentCount = 4

func (w *writer) components() string {
	var parts []string
	for w.number = range componentCount {
		parts = append(parts, fmt.Sprintf(`"S%d": %s`, w.number, w.schema(3, true)))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (w *writer) name() string { return []string{"a", "b", "c", "ab"}[w.random.IntN(4)] }

func (w *writer) chance(n int) bool { return w.random.IntN(n) == 0 }

// schema writes a schema. inPlace marks one for the value of the component itself: a cycle of such references has no
// meaning.
func (w *writer) schema(depth int, inPlace bool) string {
	if w.chance(12) {
		return []string{"true", "false", "{}"}[w.random.IntN(3)]
	}
	var parts []string
	add := func(keyword, format string, args ...any) {
		parts = append(parts, fmt.Sprintf("%q: "+format, append([]any{keyword}, args...)...))
	}
	first := 0
	if inPlace {
		first = w.number + 1
	}
	if first < componentCount && w.chance(4) {
		add("$ref", `"#/components/schemas/S%d"`, first+w.random.IntN(componentCount-first))
	}
	w.scalars(add)
	if depth > 0 {
		w.structures(add, depth-1)
		w.combinations(add, depth-1, inPlace)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (w *writer) scalars(add func(string, string, ...any)) {
	if w.chance(3) {
		add("type", "%s", []string{`"object"`, `"array"`, `"integer"`, `"number"`, `["string", "null"]`, `["object", "array"]`}[w.random.IntN(6)])
	}
	if w.chance(10) {
		add("enum", "[%s, %s, %s]", w.value(1), w.value(1), w.value(0))
	}
	if w.chance(14) {
		add("const", "%s", w.value(1))
	}
	for _, keyword := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} {
		if w.chance(14) {
			add(keyword, "%d", w.random.IntN(4))
		}
	}
	if w.chance(14) {
		add("multipleOf", "%s", []string{"2", "0.5", "3"}[w.random.IntN(3)])
	}
	for _, keyword := range []string{"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"} {
		if w.chance(16) {
			add(keyword, "%d", w.random.IntN(3))
		}
	}
	if w.chance(16) {
		add("pattern", `"%s"`, w.name())
	}
	if w.chance(16) {
		add("uniqueItems", "true")
	}
	if w.chance(6) {
		add("required", "[%q]", w.name())
	}
	if w.chance(14) {
		add("dependentRequired", "{%q: [%q]}", w.name(), w.name())
	}
}

func (w *writer) structures(add func(string, string, ...any), depth int) {
	if w.chance(2) {
		add("properties", "{%s}", w.named(depth, false))
	}
	if w.chance(10) {
		add("patternProperties", `{"^%s": %s}`, w.name(), w.schema(depth, false))
	}
	for _, keyword := range []string{"additionalProperties", "unevaluatedProperties", "items", "contains", "unevaluatedItems"} {
		if w.chance(7) {
			add(keyword, "%s", w.schema(depth, false))
		}
	}
	if w.chance(16) {
		add("propertyNames", `{"maxLength": 1}`)
	}
	if w.chance(10) {
		add("prefixItems", "[%s, %s]", w.schema(depth, false), w.schema(depth, false))
	}
	if w.chance(12) {
		add("maxContains", "%d", w.random.IntN(3))
	}
	if w.chance(12) {
		add("minContains", "%d", w.random.IntN(3))
	}
}

func (w *writer) named(depth int, inPlace bool) string {
	var parts []string
	for _, name := range []string{"a", "b", "c", "ab"} {
		if w.chance(3) {
			parts = append(parts, fmt.Sprintf("%q: %s", name, w.schema(depth, inPlace)))
		}
	}
	return strings.Join(parts, ", ")
}

func (w *writer) combinations(add func(string, string, ...any), depth int, inPlace bool) {
	list := func() string {
		var parts []string
		for range 1 + w.random.IntN(3) {
			parts = append(parts, w.schema(depth, inPlace))
		}
		return strings.Join(parts, ", ")
	}
	if w.chance(3) {
		add("allOf", "[%s]", list())
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if w.chance(9) {
			add(keyword, "[%s]", list())
		}
	}
	for _, keyword := range []string{"not", "if", "then", "else"} {
		if w.chance(14) {
			add(keyword, "%s", w.schema(depth, inPlace))
		}
	}
	if w.chance(14) {
		add("dependentSchemas", "{%s}", w.named(depth, inPlace))
	}
}

// value writes a JSON value.
func (w *writer) value(depth int) string {
	kind := w.random.IntN(7)
	if depth > 1 && w.chance(2) {
		kind = 5 + w.random.IntN(2)
	}
	switch kind {
	case 0:
		return "null"
	case 1:
		return "true"
	case 2:
		return []string{"0", "1", "2", "3", "1.5", "1.0"}[w.random.IntN(6)]
	case 3, 4:
		return []string{`""`, `"a"`, `"b"`, `"ab"`, `"abc"`}[w.random.IntN(5)]
	}
	if depth == 0 {
		return []string{"[]", "{}"}[w.random.IntN(2)]
	}
	var parts []string
	if kind == 5 {
		for range w.random.IntN(4) {
			parts = append(parts, w.value(depth-1))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	for _, name := range []string{"a", "b", "c", "ab", "d"} {
		if w.chance(2) {
			parts = append(parts, fmt.Sprintf("%q: %s", name, w.value(depth-1)))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
