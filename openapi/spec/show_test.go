package spec

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// load reads a valid document.
func load(t *testing.T, text string) *Document {
	t.Helper()
	d, err := Load(t.Context(), []byte(text), Options{Consult: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d
}

// body30 and body31 return documents with one body; schema is JSON or YAML in flow style.
func body30(schema, components string) string { return bodyOf("3.0.3", schema, components) }
func body31(schema, components string) string { return bodyOf("3.1.0", schema, components) }

func bodyOf(version, schema, components string) string {
	if components == "" {
		components = "{}"
	}
	return "openapi: " + version + `
info: {title: t, version: '1'}
paths:
  /x:
    post:
      requestBody: {content: {application/json: {schema: ` + schema + `}}}
      responses: {'200': {description: ok, content: {application/json: {schema: ` + schema + `}}}}
components: {schemas: ` + components + `}
`
}

// requestOf and responseOf return the schema of the only body as text.
func requestOf(t *testing.T, text string) string {
	t.Helper()
	return show(load(t, text).Operations[0].Request[0].Schema)
}

func responseOf(t *testing.T, text string) string {
	t.Helper()
	return show(load(t, text).Operations[0].Responses[0].Bodies[0].Schema)
}

// show returns a short form of a schema. A reference to an enclosing schema is ^ and the last token of its pointer.
func show(s *validate.Schema) string {
	w := shower{open: map[*validate.Schema]bool{}}
	return w.schema(s)
}

type shower struct {
	open  map[*validate.Schema]bool
	parts []string
}

func (w *shower) schema(s *validate.Schema) string {
	if s == nil {
		return "nil"
	}
	if w.open[s] {
		return "^" + s.Pointer[strings.LastIndexByte(s.Pointer, '/')+1:]
	}
	w.open[s] = true
	defer delete(w.open, s)
	outer := w.parts
	w.parts = nil
	if s.Unjudged != "" {
		w.add("unjudged", s.Pointer)
	}
	w.scalars(s)
	w.nested(s)
	text := strings.Join(w.parts, " ")
	w.parts = outer
	if text == "" {
		return "any"
	}
	return text
}

func (w *shower) add(name, value string) { w.parts = append(w.parts, name+" "+value) }

func (w *shower) scalars(s *validate.Schema) {
	if s.Types != validate.AnyType {
		w.parts = append(w.parts, typesText(s.Types))
	}
	if s.Enum != nil {
		var values []string
		for _, v := range s.Enum {
			values = append(values, v.JSON)
		}
		w.add("enum", "["+strings.Join(values, ",")+"]")
	}
	if s.Format != "" {
		w.add("format", s.Format)
	}
	for i, b := range []*validate.Bound{s.Minimum, s.Maximum} {
		name := []string{"min", "max"}[i]
		if b != nil && b.Exclusive {
			w.add(name, "("+b.Literal+")")
		} else if b != nil {
			w.add(name, b.Literal)
		}
	}
	for _, c := range []struct {
		name string
		n    *int
	}{
		{"minLength", s.MinLength}, {"maxLength", s.MaxLength}, {"maxBytes", s.MaxBytes}, {"minItems", s.MinItems}, {"maxItems", s.MaxItems},
		{"minContains", s.MinContains}, {"maxContains", s.MaxContains}, {"minProperties", s.MinProperties}, {"maxProperties", s.MaxProperties},
	} {
		if c.n != nil {
			w.add(c.name, fmt.Sprint(*c.n))
		}
	}
	for _, m := range s.MultipleOf {
		w.add("multipleOf", m)
	}
	for _, p := range s.Patterns {
		w.add("pattern", p.Text)
	}
	if s.UniqueItems {
		w.parts = append(w.parts, "unique")
	}
	if s.IgnoreMembers != nil {
		w.add("ignore", fmt.Sprint(s.IgnoreMembers.Text, "/", s.IgnoreMaxDepth))
	}
	if len(s.Required) > 0 {
		w.add("required", fmt.Sprint(s.Required))
	}
	for _, d := range s.DependentRequired {
		w.add("dependent", fmt.Sprint(d.Name, d.Required))
	}
}

func typesText(t validate.Types) string {
	if t == 0 {
		return "never"
	}
	var names []string
	for name, bits := range typeNames {
		if t&bits == bits && (name != "integer" || t&validate.Number == 0) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return strings.Join(names, "|")
}

func (w *shower) nested(s *validate.Schema) {
	for _, p := range s.Properties {
		if p.Hidden != "" {
			w.parts = append(w.parts, p.Name+":"+p.Hidden)
			continue
		}
		w.parts = append(w.parts, p.Name+":"+w.inner(p.Schema))
	}
	for _, p := range s.PatternProperties {
		w.parts = append(w.parts, "/"+p.Pattern.Text+"/:"+w.inner(p.Schema))
	}
	for _, c := range []struct {
		name string
		s    *validate.Schema
	}{
		{"*", s.AdditionalProperties}, {"names", s.PropertyNames}, {"unevaluated", s.UnevaluatedProperties}, {"items", s.Items},
		{"contains", s.Contains}, {"unevaluatedItems", s.UnevaluatedItems}, {"not", s.Not}, {"if", s.If}, {"then", s.Then}, {"else", s.Else},
	} {
		if c.s != nil {
			w.parts = append(w.parts, c.name+":"+w.inner(c.s))
		}
	}
	for _, d := range s.DependentSchemas {
		w.parts = append(w.parts, "with "+d.Name+":"+w.inner(d.Schema))
	}
	w.lists(s)
}

func (w *shower) inner(s *validate.Schema) string {
	text := w.schema(s)
	if strings.Contains(text, " ") {
		return "{" + text + "}"
	}
	return text
}

func (w *shower) lists(s *validate.Schema) {
	for _, c := range []struct {
		name string
		list []*validate.Schema
	}{{"prefix", s.PrefixItems}, {"allOf", s.AllOf}, {"anyOf", s.AnyOf}, {"oneOf", s.OneOf}} {
		if len(c.list) == 0 {
			continue
		}
		var texts []string
		for _, item := range c.list {
			texts = append(texts, w.schema(item))
		}
		w.add(c.name, "["+strings.Join(texts, ", ")+"]")
	}
	if d := s.Discriminator; d != nil {
		var values []string
		for value, alternative := range d.Alternatives {
			values = append(values, value+"="+alternative.Pointer[strings.LastIndexByte(alternative.Pointer, '/')+1:])
		}
		sort.Strings(values)
		name := "by"
		if d.Explicit {
			name = "only by"
		}
		w.add(name, d.Property+"("+strings.Join(values, " ")+")")
	}
}
