package spec

import (
	"slices"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

const structures = validate.Array | validate.Object

// shapes has what schemas say of the types of their values.
type shapes map[*validate.Schema]asked

// asked are types, and whether anything is said of them.
type asked struct {
	types validate.Types
	said  bool
}

func (a *asked) restrict(by asked) {
	switch {
	case by.said && a.said:
		a.types &= by.types
	case by.said:
		*a = by
	}
}

// possible returns the types that a schema says its values have, null aside; none if it does not say. Without a type, the
// other keywords tell it: a schema with properties is meant for objects.
func (k shapes) possible(s *validate.Schema) validate.Types {
	return k.of(s).types &^ validate.Null
}

func (k shapes) of(s *validate.Schema) asked {
	if s == nil || s.Unjudged != "" {
		return asked{}
	}
	if a, ok := k[s]; ok {
		return a
	}
	a := asked{s.Types, s.Types != validate.AnyType}
	if !a.said {
		a.types = implied(s)
		a.said = a.types != 0
	}
	for _, part := range s.AllOf {
		a.restrict(k.of(part))
	}
	a.restrict(k.ofOne(s.AnyOf))
	a.restrict(k.ofOne(s.OneOf))
	k[s] = a
	return a
}

func (k shapes) ofOne(list []*validate.Schema) asked {
	one := asked{said: len(list) > 0}
	for _, alternative := range list {
		a := k.of(alternative)
		one.types |= a.types
		one.said = one.said && a.said
	}
	return one
}

// implied returns the types that the keywords of a schema without a type are about.
func implied(s *validate.Schema) validate.Types {
	var types validate.Types
	for _, v := range s.Enum {
		types |= typeOf(v.JSON)
	}
	if s.Enum != nil {
		return types
	}
	if s.Properties != nil || s.Required != nil || s.AdditionalProperties != nil || s.PatternProperties != nil || s.MinProperties != nil || s.MaxProperties != nil {
		types |= validate.Object
	}
	if s.Items != nil || s.PrefixItems != nil || s.MinItems != nil || s.MaxItems != nil || s.Contains != nil || s.UniqueItems {
		types |= validate.Array
	}
	if s.MinLength != nil || s.MaxLength != nil || s.Patterns != nil || validate.KnownFormat(s.Format, validate.String) {
		types |= validate.String
	}
	if s.Minimum != nil || s.Maximum != nil || s.MultipleOf != nil || validate.KnownFormat(s.Format, validate.Number) {
		types |= validate.Number | validate.Integer
	}
	return types
}

// typeOf returns the type of a JSON value.
func typeOf(json string) validate.Types {
	switch json[0] {
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
	return validate.Number | validate.Integer
}

// textless says why the values of a schema have no text as a parameter, "" if they have one.
func (k shapes) textless(p *validate.Parameter) string {
	types := k.possible(p.Schema)
	deep := p.Style == "deepObject"
	spread := p.In == "query" && p.Style == "form" && p.Explode // a member is an option, and tells
	switch {
	case p.Content != "" || types == 0:
		return ""
	case deep && types&structures == 0:
		return "the style deepObject is for objects and lists"
	case deep:
		return "" // a text without brackets is none of them
	case types&validate.Object != 0 && types&^validate.Object != 0 && !spread:
		return "a parameter cannot be an object or something else: the text does not tell which"
	}
	// An exploded object of the query is several options, of which some may be lists.
	lists := spread && types&validate.Object != 0
	if slices.ContainsFunc(inside(p.Schema), func(s *validate.Schema) bool { return k.nests(s, lists) }) {
		return "OpenAPI defines no text for objects and arrays within a parameter; describe it by content"
	}
	return ""
}

// nests reports whether the values of a schema are structures, or if lists is set objects or lists of structures.
func (k shapes) nests(s *validate.Schema, lists bool) bool {
	types := k.possible(s)
	if types == 0 || types&^structures != 0 {
		return false
	}
	if !lists || types&validate.Array == 0 {
		return true
	}
	return slices.ContainsFunc(inside(s), func(item *validate.Schema) bool { return k.nests(item, false) })
}

// inside returns the schemas of the members and items of a value.
func inside(s *validate.Schema) []*validate.Schema {
	var list []*validate.Schema
	seen := map[*validate.Schema]bool{nil: true}
	var visit func(s *validate.Schema)
	visit = func(s *validate.Schema) {
		if seen[s] {
			return
		}
		seen[s] = true
		for _, p := range s.Properties {
			list = append(list, p.Schema)
		}
		list = append(append(list, s.PrefixItems...), s.Items, s.AdditionalProperties)
		for _, parts := range [][]*validate.Schema{s.AllOf, s.AnyOf, s.OneOf} {
			for _, part := range parts {
				visit(part)
			}
		}
	}
	visit(s)
	return slices.DeleteFunc(list, func(s *validate.Schema) bool { return s == nil })
}
