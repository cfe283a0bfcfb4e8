package main

import (
	"context"
	"math/big"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// schema is a schema of the contract in the form from which code is generated.
type schema struct {
	*validate.Schema
	contract *contract
	title    string // base of its functions' names if it has no name; "" derives it from its place

	typ      string // of JSON, without null; "" for several or any
	nullable bool
	// whole reports that the schema has keywords for which there is no code: [validate.Reader.Check] checks its values,
	// and generated code only decodes them.
	whole bool
	// judged marks the schema of values that have already been checked: it has a shape and no rules.
	judged bool
	// text marks the shape of a form, whose members are never null.
	text bool

	properties []*property
	undeclared []string // required members that are not declared
	demanded   []string // of a shape: the members that the schema requires
	items      *schema
	additional *schema          // nil for any value
	closed     bool             // no further members
	shape      *schema          // of a whole schema
	origin     *validate.Schema // of a shape
}

type property struct {
	name   string
	schema *schema
	hidden string
}

// typeNames maps single types to JSON Schema's names. Integer with Number is "number".
var typeNames = map[validate.Types]string{
	validate.Object: "object", validate.Array: "array", validate.String: "string", validate.Boolean: "boolean",
	validate.Integer: "integer", validate.Number: "number", validate.Integer | validate.Number: "number",
}

func (s *schema) fill() {
	s.typ = typeNames[s.Types&^validate.Null]
	s.nullable = s.Types&validate.Null != 0
	s.whole = s.isWhole()
	if s.whole {
		return
	}
	c := s.contract
	for _, p := range s.Properties {
		s.properties = append(s.properties, &property{p.Name, c.schema(p.Schema), p.Hidden})
	}
	for _, name := range s.Required {
		if s.property(name) == nil {
			s.undeclared = append(s.undeclared, name)
		}
	}
	if s.typ == "array" {
		s.items = c.schema(s.Items)
	}
	if a := s.AdditionalProperties; a != nil {
		if s.closed = a.Types == 0; !s.closed {
			s.additional = c.schema(a)
		}
	}
}

// isAny reports whether every value satisfies the schema.
func (s *schema) isAny() bool { return s.typ == "" && !s.whole }

// isWhole reports whether the schema has a keyword for which there is no code.
func (s *schema) isWhole() bool {
	free := validate.Schema{Pointer: s.Pointer, Name: s.Name, Expected: s.Expected, Types: validate.AnyType}
	if literal(s.Schema, noName) == literal(&free, noName) {
		return false
	}
	if s.typ == "" || s.UniqueItems || s.PrefixItems != nil || s.Contains != nil || s.UnevaluatedItems != nil ||
		s.PatternProperties != nil || s.PropertyNames != nil || s.DependentRequired != nil || s.DependentSchemas != nil ||
		s.UnevaluatedProperties != nil || s.AllOf != nil || s.AnyOf != nil || s.OneOf != nil || s.Not != nil || s.If != nil {
		return true
	}
	switch s.typ {
	case "object":
		if s.IgnoreMembers != nil && slices.ContainsFunc(s.Required, func(name string) bool { return !s.declares(name) }) {
			return true
		}
		fallthrough
	case "array":
		return s.Enum != nil || s.Items != nil && s.Items.Types == 0 || slices.ContainsFunc(s.Properties, func(p validate.Property) bool {
			return p.Schema != nil && p.Schema.Types == 0
		})
	case "integer", "number":
		_, _, whole := integerRange(s.Format)
		if validate.NumberFormatOf(s.Format) != nil && (!numberFormats[s.Format] || s.typ == "number" && whole) {
			return true
		}
		return s.oddEnum('-')
	case "string":
		return s.oddEnum('"')
	}
	return s.oddEnum('t')
}

// numberFormats are the number formats that generated code checks.
var numberFormats = map[string]bool{
	"int8": true, "int16": true, "int32": true, "int64": true, "uint8": true, "uint16": true, "uint32": true,
	"float": true, "double": true, "edm-int32": true,
}

func (s *schema) declares(name string) bool {
	return slices.ContainsFunc(s.Properties, func(p validate.Property) bool { return p.Name == name })
}

// oddEnum reports whether the enum has a value of another type. first is a byte with which values of the type may
// begin.
func (s *schema) oddEnum(first byte) bool {
	return slices.ContainsFunc(s.Enum, func(v validate.Value) bool {
		c := v.JSON[0]
		switch {
		case c == 'n':
			return false
		case first == '-':
			return c != '-' && c-'0' > 9
		case first == 't':
			return c != 't' && c != 'f'
		}
		return c != first
	})
}

func noName(*validate.Schema) string { return "" }

// shaped returns the schema that decodes values which have already been checked.
func (s *schema) shaped() *schema {
	if s.judged || s.isAny() {
		return s
	}
	if s.shape == nil {
		s.shape = &schema{
			Schema:   &validate.Schema{Pointer: s.Pointer, Name: s.Name, Expected: s.Expected, Format: s.Format, Types: s.Types},
			contract: s.contract, title: s.title, judged: true, origin: s.Schema,
		}
		s.shape.sketch(s.Schema)
	}
	return s.shape
}

// sketch derives the shape of a schema's values.
func (s *schema) sketch(from *validate.Schema) {
	var types validate.Types
	var items, additional *validate.Schema
	names := map[string]bool{}
	for i, part := range sameValue(from) {
		implied := part.Types
		if implied == validate.AnyType {
			implied = impliedTypes(part)
		}
		types |= implied
		if s.Format == "" && i > 0 {
			s.Format = part.Format
		}
		if part == from || slices.Contains(from.AllOf, part) {
			s.demanded = append(s.demanded, part.Required...)
		}
		for _, p := range part.Properties {
			if !names[p.Name] {
				names[p.Name] = true
				s.properties = append(s.properties, &property{p.Name, s.contract.schema(p.Schema).shaped(), ""})
			}
		}
		if items == nil {
			items = part.Items
		}
		if a := part.AdditionalProperties; additional == nil && a != nil && a.Types != 0 {
			additional = a
		}
	}
	s.typ = typeNames[types&^validate.Null]
	s.nullable = s.takesNull()
	if s.typ == "array" {
		s.items = s.contract.schema(items).shaped()
	}
	if additional != nil {
		s.additional = s.contract.schema(additional).shaped()
	}
}

// sameValue returns s and its subschemas that describe the same value.
func sameValue(s *validate.Schema) []*validate.Schema {
	all, seen := []*validate.Schema{s}, map[*validate.Schema]bool{s: true, nil: true}
	for i := 0; i < len(all); i++ {
		for _, list := range [][]*validate.Schema{all[i].AllOf, all[i].AnyOf, all[i].OneOf, {all[i].Then, all[i].Else}} {
			for _, part := range list {
				if !seen[part] {
					seen[part] = true
					all = append(all, part)
				}
			}
		}
	}
	return all
}

// impliedTypes returns the types to which the keywords of a schema without a type apply.
func impliedTypes(s *validate.Schema) validate.Types {
	types := s.ImpliedTypes()
	for _, v := range s.Enum {
		types |= valueType(v.JSON)
	}
	return types
}

func valueType(text string) validate.Types {
	switch text[0] {
	case '"':
		return validate.String
	case '{':
		return validate.Object
	case '[':
		return validate.Array
	case 't', 'f':
		return validate.Boolean
	case 'n':
		return validate.Null
	}
	if r, ok := new(big.Rat).SetString(text); ok && r.IsInt() {
		return validate.Integer
	}
	return validate.Number
}

func (s *schema) errorf(format string, args ...any) error { return errorAt(s.Pointer, format, args...) }

func (s *schema) isRequired(name string) bool { return !s.judged && slices.Contains(s.Required, name) }

func (s *schema) property(name string) *property {
	for _, p := range s.properties {
		if p.name == name {
			return p
		}
	}
	return nil
}

// values returns the enum without null, as JSON.
func (s *schema) values() []string {
	var all []string
	for _, v := range s.Enum {
		if v.JSON != "null" {
			all = append(all, v.JSON)
		}
	}
	return all
}

// hasNull reports whether the enum includes null. It is true if there is no enum.
func (s *schema) hasNull() bool {
	return s.Enum == nil || slices.ContainsFunc(s.Enum, func(v validate.Value) bool { return v.JSON == "null" })
}

func enumText(s *schema) string {
	var all []string
	for _, v := range s.Enum {
		all = append(all, v.JSON)
	}
	return "[" + strings.Join(all, ",") + "]"
}

// directed reports whether the schema has different meanings in requests and responses.
func (s *schema) directed() bool { return s.contract.directed(s.Schema) }

// rat returns the value of a literal that is known to be a number.
func rat(literal string) *big.Rat {
	r, _ := new(big.Rat).SetString(literal)
	return r
}

// takesNull reports whether the document explicitly allows null. A schema without a type accepts null only as one of
// the values to which its keywords do not apply: the Go type need not represent those.
func (s *schema) takesNull() bool {
	from := s.Schema
	if s.origin != nil {
		from = s.origin
	}
	said := slices.ContainsFunc(sameValue(from), func(part *validate.Schema) bool {
		return part.Types != validate.AnyType && part.Types&validate.Null != 0 ||
			slices.ContainsFunc(part.Enum, func(v validate.Value) bool { return v.JSON == "null" })
	})
	return said && from.Check(context.Background(), []byte("null")) == nil
}
