package spec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
)

type object = map[string]any

// The oracle is another JSON Schema 2020-12 validator. The schemas of a document are rewritten for it to what OpenAPI says
// they mean, with the same deviations from JSON Schema as package spec (see its documentation):
//
//   - a discriminator with a mapping selects the alternative (discriminate)
//   - readOnly and writeOnly hide members (members)
//   - formats are asserted if the schema has one of the format's types (formats)
//
// Bodies that are not I-JSON are not compared: the oracle does not notice duplicate names.

// rewriter rewrites the schemas of a document for one direction.
type rewriter struct {
	document *spectest.Document
	hides    string // readOnly or writeOnly; empty below not and if
	err      error
}

const oracleURL = "https://oracle.example/"

// newOracles returns the oracles for requests and for responses. It returns an error for a document without a meaning in
// OpenAPI.
func newOracles(d *spectest.Document) (both [2]*jsonschema.Schema, err error) {
	definitions := object{}
	for _, hides := range []string{"readOnly", "writeOnly", ""} {
		w := &rewriter{document: d, hides: hides}
		definitions[w.key("")] = w.schema(d.Schema)
		for name, s := range d.Components {
			definitions[w.key(name)] = w.schema(s)
		}
		if err := errors.Join(w.err, w.circles()); err != nil {
			return both, err
		}
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	for _, f := range formats {
		c.RegisterFormat(f)
	}
	if err := c.AddResource(oracleURL, object{"$defs": definitions}); err != nil {
		return both, err
	}
	for i, hides := range []string{"readOnly", "writeOnly"} {
		if both[i], err = c.Compile(oracleURL + "#/$defs/" + hides); err != nil {
			return both, err
		}
	}
	return both, nil
}

func (w *rewriter) key(component string) string { return w.hides + component }

func (w *rewriter) reference(ref string) object {
	return object{"$ref": "#/$defs/" + w.key(strings.TrimPrefix(ref, "#/components/schemas/"))}
}

var (
	since31 = strings.Fields(`const prefixItems contains minContains maxContains patternProperties propertyNames dependentRequired
		dependentSchemas if then else unevaluatedItems unevaluatedProperties`)
	single = strings.Fields("items contains additionalProperties propertyNames unevaluatedItems unevaluatedProperties then else")
	lists  = strings.Fields("prefixItems allOf anyOf oneOf")
	named  = strings.Fields("patternProperties dependentSchemas")
)

// schema returns a JSON Schema 2020-12 schema.
func (w *rewriter) schema(v any) any {
	s, ok := v.(object)
	if !ok {
		return v
	}
	if ref, ok := s["$ref"].(string); ok && !w.document.V31 {
		return w.reference(ref) // OpenAPI 3.0.3, Reference Object: siblings are ignored
	}
	out := maps.Clone(s)
	if ref, ok := s["$ref"].(string); ok {
		out["$ref"] = w.reference(ref)["$ref"]
	}
	for _, note := range []string{"discriminator", "nullable", "readOnly", "writeOnly"} {
		delete(out, note)
	}
	if !w.document.V31 {
		w.from30(s, out)
	}
	w.format(out)
	w.members(out)
	w.children(out)
	w.discriminate(s, out)
	return out
}

// from30 removes what has no meaning in OpenAPI 3.0 and rewrites what has a different one.
func (w *rewriter) from30(s, out object) {
	for _, keyword := range since31 {
		delete(out, keyword)
	}
	if s["nullable"] == true && s["type"] != nil { // OpenAPI 3.0.4: without a type it has no effect
		out["type"] = []any{s["type"], "null"}
	}
	for exclusive, bound := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		delete(out, exclusive)
		if s[exclusive] == true && s[bound] != nil {
			out[exclusive] = s[bound]
			delete(out, bound)
		}
	}
}

// format removes a format for other types than the schema's: it is only an annotation there.
func (w *rewriter) format(out object) {
	numeric := out["format"] == "int32" || out["format"] == "int64"
	types, ok := out["type"].([]any)
	if !ok && out["type"] != nil {
		types = []any{out["type"]}
	}
	if numeric && types != nil && !slices.Contains(types, any("integer")) && !slices.Contains(types, any("number")) && (out["format"] != "int64" || !slices.Contains(types, any("string"))) {
		delete(out, "format")
	}
}

// members removes what a direction hides. Only the schema that hides a member may require it.
func (w *rewriter) members(out object) {
	properties, _ := out["properties"].(object)
	rewritten, hidden := object{}, map[any]bool{}
	for name, child := range properties {
		if w.hides != "" && w.isHidden(child) {
			rewritten[name], hidden[name] = false, true
			continue
		}
		rewritten[name] = w.schema(child)
	}
	if properties != nil {
		out["properties"] = rewritten
	}
	required, ok := out["required"].([]any)
	if !ok {
		return
	}
	for _, name := range required {
		if (name == "ro" || name == "wo") && properties[name.(string)] == nil {
			w.err = fmt.Errorf("one schema hides %v, but another requires it", name)
		}
	}
	out["required"] = slices.DeleteFunc(slices.Clone(required), func(name any) bool { return hidden[name] })
}

// isHidden reports whether the schema of a member hides it, in itself or in allOf.
func (w *rewriter) isHidden(child any) bool {
	s, _ := child.(object)
	if s["$ref"] != nil && !w.document.V31 {
		return false
	}
	list, _ := s["allOf"].([]any)
	return s[w.hides] == true || slices.ContainsFunc(list, func(part any) bool {
		s, _ := part.(object)
		return s[w.hides] == true
	})
}

func (w *rewriter) children(out object) {
	for _, keyword := range []string{"not", "if"} {
		if child, ok := out[keyword]; ok {
			out[keyword] = (&rewriter{document: w.document}).schema(child)
		}
	}
	for _, keyword := range single {
		if child, ok := out[keyword]; ok {
			out[keyword] = w.schema(child)
		}
	}
	for _, keyword := range lists {
		if list, ok := out[keyword].([]any); ok {
			out[keyword] = w.list(list)
		}
	}
	for _, keyword := range named {
		if children, ok := out[keyword].(object); ok {
			rewritten := object{}
			for name, child := range children {
				rewritten[name] = w.schema(child)
			}
			out[keyword] = rewritten
		}
	}
}

func (w *rewriter) list(list []any) []any {
	var rewritten []any
	for _, child := range list {
		rewritten = append(rewritten, w.schema(child))
	}
	return rewritten
}

// discriminate rewrites alternatives that a discriminator with a mapping selects: an object must satisfy the named one,
// other values follow the keyword.
func (w *rewriter) discriminate(s, out object) {
	d, _ := s["discriminator"].(object)
	mapping, _ := d["mapping"].(object)
	for _, keyword := range []string{"oneOf", "anyOf"} {
		list, _ := s[keyword].([]any)
		if len(list) == 0 || len(mapping) == 0 {
			continue
		}
		if d["propertyName"] == nil {
			w.err = errors.New("a discriminator without a name")
			return
		}
		values := w.values(mapping, list)
		choices := []any{object{"not": object{"type": "object"}, keyword: out[keyword]}}
		for _, value := range slices.Sorted(maps.Keys(values)) {
			named := object{"type": "object", "required": []any{d["propertyName"]}, "properties": object{d["propertyName"].(string): object{"const": value}}}
			// with a double not, the check of the member does not make it evaluated
			choices = append(choices, object{"allOf": []any{object{"not": object{"not": named}}, w.reference(values[value])}})
		}
		delete(out, keyword)
		all, _ := out["allOf"].([]any)
		out["allOf"] = append(slices.Clip(all), object{"oneOf": choices})
		return
	}
}

// values maps the values of a discriminator to references: those of the mapping, those that alternatives allow, and the
// names of components.
func (w *rewriter) values(mapping object, list []any) map[string]string {
	values := map[string]string{}
	add := func(value, ref string) {
		if values[value] == "" {
			values[value] = ref
		}
	}
	for value, ref := range mapping {
		add(value, "#/components/schemas/"+strings.TrimPrefix(fmt.Sprint(ref), "#/components/schemas/"))
		if w.document.Components[strings.TrimPrefix(fmt.Sprint(ref), "#/components/schemas/")] == nil {
			w.err = errors.New("a mapping to an unknown schema")
		}
	}
	for _, named := range []bool{false, true} {
		for _, alternative := range list {
			s, _ := alternative.(object)
			ref, ok := s["$ref"].(string)
			if !ok {
				w.err = errors.New("an alternative that is not a reference")
				continue
			}
			name := strings.TrimPrefix(ref, "#/components/schemas/")
			if named {
				add(name, ref)
				continue
			}
			component, _ := w.document.Components[name].(object)
			properties, _ := component["properties"].(object)
			kind, _ := properties["kind"].(object)
			allowed, _ := kind["enum"].([]any)
			for _, value := range allowed {
				add(fmt.Sprint(value), ref)
			}
		}
	}
	return values
}

// circles returns an error for a component that leads back to itself for the same value, which has no meaning in OpenAPI.
func (w *rewriter) circles() error {
	var visit func(v any, open []string) error
	visit = func(v any, open []string) error {
		s, ok := v.(object)
		if !ok {
			return nil
		}
		if ref, ok := s["$ref"].(string); ok {
			name := strings.TrimPrefix(ref, "#/components/schemas/")
			if slices.Contains(open, name) {
				return fmt.Errorf("%s leads back to itself", name)
			}
			if err := visit(w.document.Components[name], append(slices.Clip(open), name)); err != nil {
				return err
			}
		}
		var err error
		for _, keyword := range []string{"not", "if", "then", "else"} {
			err = errors.Join(err, visit(s[keyword], open))
		}
		for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
			list, _ := s[keyword].([]any)
			for _, child := range list {
				err = errors.Join(err, visit(child, open))
			}
		}
		dependent, _ := s["dependentSchemas"].(object)
		for _, child := range dependent {
			err = errors.Join(err, visit(child, open))
		}
		return err
	}
	for name, s := range w.document.Components {
		if err := visit(s, []string{name}); err != nil {
			return err
		}
	}
	return nil
}

var uuid = regexp.MustCompile("^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")

// formats are those of the random documents, implemented with the standard library.
var formats = []*jsonschema.Format{
	text("date", func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil }),
	text("date-time", func(s string) bool { _, err := time.Parse(time.RFC3339, s); return err == nil }),
	text("ipv4", func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() }),
	text("uuid", uuid.MatchString),
	integer("int32", 32), integer("int64", 64),
}

func text(name string, is func(string) bool) *jsonschema.Format {
	return &jsonschema.Format{Name: name, Validate: func(v any) error {
		if s, ok := v.(string); ok && !is(s) {
			return errors.New("is not " + name)
		}
		return nil
	}}
}

// integer is a format of numbers. In OpenAPI's registry int64 also applies to strings.
func integer(name string, bits int) *jsonschema.Format {
	return &jsonschema.Format{Name: name, Validate: func(v any) error {
		var literal string
		switch v := v.(type) {
		case json.Number:
			literal = exact(v)
		case string:
			if literal = v; bits != 64 {
				return nil
			}
		default:
			return nil
		}
		if _, err := strconv.ParseInt(literal, 10, bits); err != nil {
			return err
		}
		return nil
	}}
}

// exact writes an integer without exponent or fraction, and other numbers unchanged.
func exact(n json.Number) string {
	if r, ok := new(big.Rat).SetString(n.String()); ok && r.IsInt() {
		return r.Num().String()
	}
	return n.String()
}

// tree decodes JSON for the oracle.
func tree(text []byte) any {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(fmt.Sprintf("%s: %v", text, err))
	}
	return v
}
