package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// literal returns a schema as a Go expression. ref returns the expression of a subschema.
func literal(s *validate.Schema, ref func(*validate.Schema) string) string {
	w := literalWriter{ref: ref}
	w.text("Pointer", s.Pointer)
	w.text("Name", s.Name)
	if s.Expected != (validate.Expected{}) {
		w.field("Expected", "%s", expectedText(s.Expected))
	}
	w.text("Unjudged", s.Unjudged)
	w.field("Types", "%s", typesText(s.Types))
	w.enum(s)
	w.text("Format", s.Format)
	w.scalars(s)
	w.arrays(s)
	w.objects(s)
	w.schemas("AllOf", s.AllOf)
	w.schemas("AnyOf", s.AnyOf)
	w.schemas("OneOf", s.OneOf)
	w.schema("Not", s.Not)
	w.schema("If", s.If)
	w.schema("Then", s.Then)
	w.schema("Else", s.Else)
	w.discriminator(s.Discriminator)
	return "validate.Schema{" + w.String() + "}"
}

type literalWriter struct {
	strings.Builder
	ref func(*validate.Schema) string
}

func (w *literalWriter) field(name, format string, args ...any) {
	if w.Len() > 0 {
		w.WriteString(", ")
	}
	fmt.Fprintf(w, name+": "+format, args...)
}

func (w *literalWriter) text(name, text string) {
	if text != "" {
		w.field(name, "%s", quote(text))
	}
}

func (w *literalWriter) count(name string, n *int) {
	if n != nil {
		w.field(name, "new(%d)", *n)
	}
}

func (w *literalWriter) schema(name string, s *validate.Schema) {
	if s != nil {
		w.field(name, "%s", w.ref(s))
	}
}

func (w *literalWriter) schemas(name string, list []*validate.Schema) {
	if list == nil {
		return
	}
	var all []string
	for _, s := range list {
		all = append(all, w.ref(s))
	}
	w.field(name, "[]*validate.Schema{%s}", strings.Join(all, ", "))
}

func (w *literalWriter) enum(s *validate.Schema) {
	if s.Enum == nil {
		return
	}
	var all []string
	for _, v := range s.Enum {
		all = append(all, "{JSON: "+quote(v.JSON)+"}")
	}
	w.field("Enum", "[]validate.Value{%s}", strings.Join(all, ", "))
}

func (w *literalWriter) bound(name string, b *validate.Bound) {
	switch {
	case b == nil:
	case b.Exclusive:
		w.field(name, "&validate.Bound{Literal: %q, Exclusive: true}", b.Literal)
	default:
		w.field(name, "&validate.Bound{Literal: %q}", b.Literal)
	}
}

func (w *literalWriter) scalars(s *validate.Schema) {
	w.bound("Minimum", s.Minimum)
	w.bound("Maximum", s.Maximum)
	if s.MultipleOf != nil {
		w.field("MultipleOf", "%#v", s.MultipleOf)
	}
	w.count("MinLength", s.MinLength)
	w.count("MaxLength", s.MaxLength)
	w.count("MaxBytes", s.MaxBytes)
	if s.Patterns != nil {
		var all []string
		for _, p := range s.Patterns {
			all = append(all, patternText(p))
		}
		w.field("Patterns", "[]*validate.Pattern{%s}", strings.Join(all, ", "))
	}
}

// patternText returns a pattern as an element of a list.
func patternText(p *validate.Pattern) string {
	return fmt.Sprintf("{Text: %s, Matcher: ecma.MustCompile(%[1]s)}", quote(p.Text))
}

func (w *literalWriter) arrays(s *validate.Schema) {
	w.count("MinItems", s.MinItems)
	w.count("MaxItems", s.MaxItems)
	if s.UniqueItems {
		w.field("UniqueItems", "true")
	}
	w.schemas("PrefixItems", s.PrefixItems)
	w.schema("Items", s.Items)
	w.schema("Contains", s.Contains)
	w.count("MinContains", s.MinContains)
	w.count("MaxContains", s.MaxContains)
	w.schema("UnevaluatedItems", s.UnevaluatedItems)
}

func (w *literalWriter) objects(s *validate.Schema) {
	w.properties("Properties", s.Properties)
	if s.Required != nil {
		w.field("Required", "%#v", s.Required)
	}
	if s.PatternProperties != nil {
		var all []string
		for _, p := range s.PatternProperties {
			all = append(all, fmt.Sprintf("{Pattern: &validate.Pattern%s, Schema: %s}", patternText(p.Pattern), w.ref(p.Schema)))
		}
		w.field("PatternProperties", "[]validate.PatternProperty{%s}", strings.Join(all, ", "))
	}
	w.schema("AdditionalProperties", s.AdditionalProperties)
	if s.IgnoreMembers != nil {
		w.field("IgnoreMembers", "&validate.Pattern%s", patternText(s.IgnoreMembers))
		w.field("IgnoreMaxDepth", "%d", s.IgnoreMaxDepth)
	}
	w.schema("PropertyNames", s.PropertyNames)
	w.count("MinProperties", s.MinProperties)
	w.count("MaxProperties", s.MaxProperties)
	if s.DependentRequired != nil {
		var all []string
		for _, d := range s.DependentRequired {
			all = append(all, fmt.Sprintf("{Name: %s, Required: %#v}", quote(d.Name), d.Required))
		}
		w.field("DependentRequired", "[]validate.DependentRequired{%s}", strings.Join(all, ", "))
	}
	w.properties("DependentSchemas", s.DependentSchemas)
	w.schema("UnevaluatedProperties", s.UnevaluatedProperties)
}

func (w *literalWriter) properties(name string, list []validate.Property) {
	if list == nil {
		return
	}
	var all []string
	for _, p := range list {
		text := "{Name: " + quote(p.Name)
		if p.Schema != nil {
			text += ", Schema: " + w.ref(p.Schema)
		}
		if p.Hidden != "" {
			text += ", Hidden: " + quote(p.Hidden)
		}
		all = append(all, text+"}")
	}
	w.field(name, "[]validate.Property{\n%s,\n}", strings.Join(all, ",\n"))
}

func (w *literalWriter) discriminator(d *validate.Discriminator) {
	if d == nil {
		return
	}
	var all []string
	for _, value := range slices.Sorted(maps.Keys(d.Alternatives)) {
		all = append(all, quote(value)+": "+w.ref(d.Alternatives[value]))
	}
	w.field("Discriminator", "&validate.Discriminator{Property: %s, Explicit: %t, Alternatives: map[string]*validate.Schema{%s}}",
		quote(d.Property), d.Explicit, strings.Join(all, ", "))
}

func expectedText(e validate.Expected) string {
	if e.Format == "" {
		return fmt.Sprintf("validate.Expected{Type: %q}", e.Type)
	}
	return fmt.Sprintf("validate.Expected{Type: %q, Format: %q}", e.Type, e.Format)
}

var typeConstants = []struct {
	types validate.Types
	name  string
}{
	{validate.AnyType, "AnyType"}, {validate.Null, "Null"}, {validate.Boolean, "Boolean"}, {validate.Integer, "Integer"},
	{validate.Number, "Number"}, {validate.String, "String"}, {validate.Array, "Array"}, {validate.Object, "Object"},
}

func typesText(types validate.Types) string {
	var all []string
	for _, c := range typeConstants {
		if types&c.types == c.types {
			all = append(all, "validate."+c.name)
			types &^= c.types
		}
	}
	if all == nil {
		return "0"
	}
	return strings.Join(all, " | ")
}

// literal returns the expression of a schema in the table of schemas.
func (g *generator) literal(s *validate.Schema) string {
	class, ok := g.contract.class[s]
	if !ok {
		panic("no literal of a schema that is not in the document")
	}
	if _, ok := g.literals[class]; !ok {
		g.literals[class] = len(g.literalList)
		g.literalList = append(g.literalList, s)
	}
	return fmt.Sprintf("schemas[%d]", g.literals[class])
}

// writeLiterals writes the table of the schemas that package validate checks.
func (g *generator) writeLiterals() {
	if len(g.literalList) == 0 {
		return
	}
	var texts []string
	for i := 0; i < len(g.literalList); i++ { // each may add others
		texts = append(texts, literal(g.literalList[i], func(s *validate.Schema) string {
			return strings.Replace(g.literal(s), "schemas", "s", 1)
		}))
	}
	if strings.Contains(strings.Join(texts, ""), "ecma.MustCompile(") {
		g.use(runtimePath + "/ecma")
	}
	g.p("// schemas are the schemas that package validate checks.")
	g.p("var schemas = validate.Schemas(%d, func(s []*validate.Schema) {", len(texts))
	for i, text := range texts {
		g.p("*s[%d] = %s", i, text)
	}
	g.p("})")
}
