package pfxvalid_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/scripts/mutation/cases"
)

// apart are the bodies for which the verdict may differ from JSON Schema's; we reject them all. JSON Schema gets our
// formats and rules (see formats and translate), so there are no other differences.
var apart = []struct {
	why string
	is  func(schema string, value any) bool
}{
	{"JSON Schema does not bound nesting; annotations have 8 levels, a body has 64", func(schema string, value any) bool {
		return tooDeep(value, schema == "pfxRecryptionRequestUpdate")
	}},
}

// formats are the formats of the contract that JSON Schema lacks. They share no code with the generated package.
var formats = []*jsonschema.Format{
	{Name: "edm-int32", Validate: func(v any) error {
		if n, ok := v.(json.Number); ok && strings.ContainsAny(n.String(), ".eE") {
			return errors.New("not written as an integer")
		}
		return nil
	}},
	{Name: "edm-datetimeoffset", Validate: func(v any) error {
		if s, ok := v.(string); ok && len(s) >= len(time.DateOnly) { // the pattern checks the notation
			_, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)])
			return err
		}
		return nil
	}},
}

// jsonSchemas are the schemas of the document as JSON Schema, compiled.
var jsonSchemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	doc, err := document()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	root, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.AssertFormat()
	for _, f := range formats {
		c.RegisterFormat(f)
	}
	list := root.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)
	for name, s := range list {
		if err := translate(c, s.(map[string]any)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := c.AddResource("openapi.json", root); err != nil {
		return nil, err
	}
	all := map[string]*jsonschema.Schema{}
	for name := range list {
		if all[name], err = c.Compile("openapi.json#/components/schemas/" + name); err != nil {
			return nil, err
		}
	}
	return all, nil
})

// same are the keywords with the same meaning in JSON Schema and OpenAPI 3.0.
var same = []string{
	"$ref", "description", "type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "required", "minItems", "maxItems",
	"maxProperties",
}

// translate converts a schema of OpenAPI 3.0 to JSON Schema, in place. It returns an error for an unknown keyword: an
// oracle that ignores a rule proves nothing.
func translate(c *jsonschema.Compiler, s map[string]any) error {
	for key, v := range s {
		var err error
		switch key {
		case "nullable":
			s["type"] = []any{s["type"], "null"}
		case "x-maxBytes": // as its own format, because JSON Schema counts only characters
			name := fmt.Sprint("at-most-bytes-", v)
			most, _ := v.(json.Number).Int64()
			c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error {
				if s, ok := v.(string); ok && int64(len(s)) > most {
					return errors.New("too many bytes")
				}
				return nil
			}})
			s["allOf"] = []any{map[string]any{"format": name}}
		case "properties":
			for name, child := range v.(map[string]any) {
				if err := translate(c, child.(map[string]any)); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		case "items":
			err = translate(c, v.(map[string]any))
		case "additionalProperties":
			if child, ok := v.(map[string]any); ok {
				err = translate(c, child)
			}
		case "x-ignore-members", "x-ignore-maxDepth": // handled by withoutAnnotations and apart
		case "allOf": // the case above may add one for x-maxBytes
			if _, ok := s["x-maxBytes"]; !ok {
				err = errors.New("allOf")
			}
		default:
			if !slices.Contains(same, key) {
				err = errors.New(key)
			}
		}
		if err != nil {
			return fmt.Errorf("cannot be translated: %w", err)
		}
	}
	return nil
}

// FuzzJSONSchema compares the verdict with that of a strict scan and santhosh-tekuri/jsonschema.
func FuzzJSONSchema(f *testing.F) {
	for _, s := range differentialSeeds {
		f.Add(s)
	}
	for _, kind := range []cases.Kind{cases.Update, cases.Entity, cases.Error} {
		for _, c := range cases.Of(kind) {
			f.Add(c.Body)
		}
	}
	f.Add(string(openapi.UpdateRequestExample))
	f.Add(string(openapi.UpdateResponseExample))
	f.Fuzz(func(t *testing.T, data string) {
		for i := range targets {
			targets[i].compareJSONSchema(t, []byte(data))
		}
	})
}

// TestJSONSchema does the same with values for every member, and compares both with hand-written verdicts.
func TestJSONSchema(t *testing.T) {
	t.Parallel()
	schemaOf := map[cases.Kind]string{cases.Update: "pfxRecryptionRequestUpdate", cases.Entity: "pfxRecryptionRequest", cases.Error: "error"}
	for kind, schema := range schemaOf {
		for _, c := range cases.Of(kind) {
			for i := range targets {
				targets[i].compareJSONSchema(t, []byte(c.Body))
				if targets[i].schema != schema {
					continue
				}
				if f := targets[i].decode([]byte(c.Body), targets[i].fresh()); (f == nil) != (c.Want == "") {
					t.Errorf("%s %s: got %q, want %q", kind, c.Name, describe(f), c.Want)
				}
			}
		}
	}
	for _, name := range fuzzNames {
		for _, value := range fuzzValues {
			data := fmt.Appendf(nil, "{%q:%s}", name, value)
			for i := range targets {
				targets[i].compareJSONSchema(t, data)
			}
		}
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		script := make([]byte, random.IntN(30))
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		for i := range targets {
			targets[i].compareJSONSchema(t, assemble(script))
		}
	}
}

func (target *target) compareJSONSchema(t *testing.T, data []byte) {
	t.Helper()
	schemas, err := jsonSchemas()
	if err != nil {
		t.Fatal(err)
	}
	faults := target.decode(data, target.fresh())
	if !jsontext.Value(data).IsValid() {
		if faults == nil || !faults.Malformed {
			t.Fatalf("%s %q: got %q, but the strict scan rejects it", target.schema, data, describe(faults))
		}
		return
	}
	value := decodeAny(t, data)
	for _, a := range apart {
		if a.is(target.schema, value) {
			if faults == nil {
				t.Fatalf("%s %q: no fault, but: %s", target.schema, data, a.why)
			}
			return
		}
	}
	shown := value
	if object, ok := value.(map[string]any); ok && target.schema == "pfxRecryptionRequestUpdate" {
		shown = withoutAnnotations(object)
	}
	err = schemas[target.schema].Validate(bounded(shown))
	if (err == nil) != (faults == nil) {
		t.Fatalf("%s %q: got %q, but JSON Schema reports %v", target.schema, data, describe(faults), err)
	}
}

// longExponent matches an exponent that math/big would expand to all digits.
var longExponent = regexp.MustCompile(`([eE][-+]?)0*[0-9]{4,}$`)

// bounded shortens exponents, which the validator would expand. The contract's only rule for exponents is that an
// integer has none.
func bounded(value any) any {
	switch value := value.(type) {
	case json.Number:
		return json.Number(longExponent.ReplaceAllString(value.String(), "${1}999"))
	case map[string]any:
		for name, v := range value {
			value[name] = bounded(v)
		}
	case []any:
		for i, v := range value {
			value[i] = bounded(v)
		}
	}
	return value
}
