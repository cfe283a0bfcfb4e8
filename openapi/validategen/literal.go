package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate/ecma"
)

// literal returns a schema as a Go expression. ref returns the expression of a subschema.
func literal(s *validate.Schema, ref func(*validate.Schema) string) string {
	return literals{ref}.value(reflect.ValueOf(s).Elem(), false)
}

// text returns a value of package validate as a Go expression.
func (g *generator) text(value any) string {
	return literals{g.literal}.value(reflect.ValueOf(value), false)
}

// field writes a field of a struct with a value of package validate, unless it is zero.
func (g *generator) field(name string, value any) {
	if !reflect.ValueOf(value).IsZero() {
		g.p("%s: %s,", name, g.text(value))
	}
}

// literals writes values of package validate as Go expressions, without zero fields.
type literals struct {
	ref func(*validate.Schema) string // the expression of a schema
}

// value returns the expression of a value. A part of a list or map needs no type.
func (l literals) value(v reflect.Value, part bool) string {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return l.pointer(v, part)
	case reflect.String:
		return quote(v.String())
	case reflect.Uint8:
		return typesText(validate.Types(v.Uint()))
	case reflect.Struct, reflect.Slice, reflect.Map:
		if part {
			return "{" + l.inside(v) + "}"
		}
		return v.Type().String() + "{" + l.inside(v) + "}"
	default:
		return fmt.Sprint(v)
	}
}

func (l literals) pointer(v reflect.Value, part bool) string {
	switch to := v.Interface().(type) {
	case *validate.Schema:
		return l.ref(to)
	case *ecma.Pattern:
		return "ecma.MustCompile(" + quote(to.String()) + ")"
	case *int:
		return fmt.Sprintf("new(%d)", *to)
	}
	if part {
		return l.value(v.Elem(), true)
	}
	return "&" + l.value(v.Elem(), false)
}

// inside returns the fields of a struct, or the parts of a list or map. Several parts with fields have lines of their own.
func (l literals) inside(v reflect.Value) string {
	var all []string
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !v.Field(i).IsZero() {
				all = append(all, f.Name+": "+l.value(v.Field(i), false))
			}
		}
	case reflect.Slice:
		for _, item := range v.Seq2() {
			all = append(all, l.value(item, true))
		}
	default:
		for key, item := range v.Seq2() {
			all = append(all, quote(key.String())+": "+l.value(item, true))
		}
		slices.Sort(all)
	}
	if v.Kind() != reflect.Struct && len(all) > 1 && strings.HasSuffix(all[0], "}") {
		return "\n" + strings.Join(all, ",\n") + ",\n"
	}
	return strings.Join(all, ", ")
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
