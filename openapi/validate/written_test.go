package validate

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The tables write parameters, bodies and schemas like a document. The readers below support only what the tables need.

// written is a node of such a text.
type written struct {
	t *testing.T
	n *yaml.Node
}

func write(t *testing.T, text string) written {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return written{t, n.Content[0]}
}

func (w written) each(f func(name string, value written)) {
	for i := 0; w.n != nil && i+1 < len(w.n.Content); i += 2 {
		f(w.n.Content[i].Value, written{w.t, w.n.Content[i+1]})
	}
}

func (w written) items() []written {
	var list []written
	for _, n := range w.n.Content {
		list = append(list, written{w.t, n})
	}
	return list
}

func (w written) into(v any) {
	w.t.Helper()
	if err := w.n.Decode(v); err != nil {
		w.t.Fatal(err)
	}
}

func (w written) schemas() []*Schema {
	var list []*Schema
	for _, s := range w.items() {
		list = append(list, s.schema())
	}
	return list
}

var typeNames = map[string]Types{"null": Null, "boolean": Boolean, "integer": Integer, "number": Number | Integer, "string": String, "array": Array, "object": Object}

func (w written) schema() *Schema {
	s := &Schema{Types: AnyType}
	if w.n.Kind == yaml.ScalarNode { // true or false
		if w.n.Value == "false" {
			s.Types = 0
		}
		return s
	}
	w.each(func(name string, v written) { s.keyword(name, v) })
	return s
}

func (s *Schema) keyword(name string, v written) {
	counts := map[string]**int{
		"minLength": &s.MinLength, "maxLength": &s.MaxLength, "minItems": &s.MinItems, "maxItems": &s.MaxItems,
		"minProperties": &s.MinProperties, "maxProperties": &s.MaxProperties,
	}
	switch name {
	case "type":
		s.Types = 0
		for _, typ := range append(v.items(), v) {
			s.Types |= typeNames[typ.n.Value]
		}
		if v.n.Kind == yaml.ScalarNode {
			s.Expected.Type = v.n.Value
		}
	case "format":
		s.Expected.Format = v.n.Value
		if v.n.Value != "binary" {
			s.Format = v.n.Value
		}
	case "enum":
		for _, one := range v.items() {
			text := one.n.Value
			if one.n.Tag == "!!str" {
				text = string(AppendString(nil, text))
			}
			s.Enum = append(s.Enum, Value{text})
		}
	case "minimum":
		s.Minimum = &Bound{Literal: v.n.Value}
	case "maximum":
		s.Maximum = &Bound{Literal: v.n.Value}
	case "pattern":
		s.Patterns = []*Pattern{{Text: v.n.Value, Matcher: regexp.MustCompile(v.n.Value)}}
	case "uniqueItems":
		v.into(&s.UniqueItems)
	case "required":
		v.into(&s.Required)
	case "properties":
		v.each(func(name string, p written) {
			s.Properties = append(s.Properties, Property{Name: name, Schema: p.schema()})
		})
	case "patternProperties":
		v.each(func(name string, p written) {
			s.PatternProperties = append(s.PatternProperties, PatternProperty{&Pattern{name, regexp.MustCompile(name)}, p.schema()})
		})
	case "additionalProperties":
		s.AdditionalProperties = v.schema()
	case "items":
		s.Items = v.schema()
	case "prefixItems":
		s.PrefixItems = v.schemas()
	case "allOf":
		s.AllOf = v.schemas()
	case "anyOf":
		s.AnyOf = v.schemas()
	case "oneOf":
		s.OneOf = v.schemas()
	default:
		if counts[name] == nil {
			v.t.Fatalf("unknown keyword %s", name)
		}
		v.into(counts[name])
	}
}

// compile prepares a schema, unless it is nil.
func compile(t *testing.T, s *Schema) *Schema {
	t.Helper()
	if s == nil {
		return nil
	}
	if err := Compile(s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (w written) parameter() *Parameter {
	p := &Parameter{}
	explode := ""
	w.each(func(name string, v written) {
		switch name {
		case "name":
			p.Name = v.n.Value
		case "in":
			p.In = v.n.Value
		case "required":
			v.into(&p.Required)
		case "style":
			p.Style = v.n.Value
		case "explode":
			explode = v.n.Value
		case "allowEmptyValue":
			v.into(&p.AllowEmpty)
		case "system":
			v.into(&p.System)
		case "spot":
			p.Spot = &Spot{Reason: v.n.Value}
		case "schema":
			p.Schema = compile(w.t, v.schema())
		case "content":
			v.each(func(name string, c written) {
				p.Content = name
				c.each(func(_ string, s written) { p.Schema = compile(w.t, s.schema()) })
			})
		default:
			w.t.Fatalf("unknown member %s of a parameter", name)
		}
	})
	if p.Style == "" {
		p.Style = map[bool]string{true: "form", false: "simple"}[p.In == "query" || p.In == "cookie"]
	}
	p.Explode = explode == "true" || explode == "" && p.Style == "form"
	return p
}

// operation returns an operation with a path, and with parameters written like in a document.
func operation(t *testing.T, path string, parameters ...string) *Operation {
	t.Helper()
	o := &Operation{Path: path}
	for _, text := range parameters {
		o.Parameters = append(o.Parameters, write(t, text).parameter())
	}
	return o
}

// said returns faults as text: place, keyword, name and pointer of each.
func said(f *Faults) string {
	switch {
	case f == nil:
		return ""
	case f.Interrupted:
		return "interrupted"
	case f.Malformed:
		return "malformed"
	}
	var list []string
	for _, one := range f.List {
		list = append(list, strings.Join(slices.DeleteFunc([]string{one.In, one.Keyword, one.Name + one.Pointer}, func(s string) bool { return s == "" }), " "))
	}
	return strings.Join(list, "; ")
}
