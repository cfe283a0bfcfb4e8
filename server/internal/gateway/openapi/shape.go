package openapi

import (
	"encoding/json"
	"slices"
)

// kinds are the JSON types that a text can stand for.
type kinds uint8

const (
	texts kinds = 1 << iota
	numbers
	booleans
	arrays
	objects

	primitives = texts | numbers | booleans
)

// shape is what the schema of a parameter says of how its text becomes a value: JSON Schema judges values, and the text
// 12 is a number only where a number can stand.
type shape struct {
	kinds      kinds
	items      *shape
	properties map[string]*shape
	rest       *shape // of undeclared members
	open       bool   // undeclared members are asked for
}

// shapeOf returns the shape of the values of a schema. Without a type, enum, const and the keywords that ask for numbers
// tell it; a schema that says nothing is one of strings.
func shapeOf(n node, depth int) (*shape, error) {
	if depth > 16 {
		return nil, n.errorf("the schema of a parameter must not contain itself")
	}
	s := &shape{kinds: ownKinds(n)}
	if n.has("items") {
		var err error
		if s.items, err = shapeOf(n.get("items"), depth+1); err != nil {
			return nil, err
		}
	}
	for _, name := range n.get("properties").members() {
		p, err := shapeOf(n.get("properties").get(name), depth+1)
		if err != nil {
			return nil, err
		}
		if s.properties == nil {
			s.properties = map[string]*shape{}
		}
		s.properties[name] = p
	}
	switch additional := n.get("additionalProperties"); v := additional.v.(type) {
	case bool:
		s.open = v
	case map[string]any:
		var err error
		if s.rest, err = shapeOf(additional, depth+1); err != nil {
			return nil, err
		}
		s.open = true
	}
	applied := n.get("allOf").items()
	if n.has("$ref") {
		t, err := n.target(n.get("$ref").string())
		if err != nil {
			return nil, err
		}
		if !n.doc.v31 {
			return shapeOf(t, depth+1)
		}
		applied = append(applied, t)
	}
	for _, c := range applied {
		if err := s.merge(c, depth); err != nil {
			return nil, err
		}
	}
	return s, s.alternatives(n, depth)
}

func (s *shape) merge(n node, depth int) error {
	other, err := shapeOf(n, depth+1)
	if err != nil {
		return err
	}
	s.restrict(other.kinds)
	s.adopt(other)
	return nil
}

func (s *shape) alternatives(n node, depth int) error {
	for _, keyword := range []string{"anyOf", "oneOf"} {
		var union kinds
		known := true
		for _, c := range n.get(keyword).items() {
			other, err := shapeOf(c, depth+1)
			if err != nil {
				return err
			}
			if other.kinds == 0 && wantOf(c).typ != "null" {
				known = false
			}
			union |= other.kinds
			s.adopt(other)
		}
		if known {
			s.restrict(union)
		}
	}
	return nil
}

func (s *shape) restrict(k kinds) {
	switch {
	case k == 0:
	case s.kinds == 0:
		s.kinds = k
	default:
		s.kinds &= k
	}
}

func (s *shape) adopt(other *shape) {
	if s.items == nil {
		s.items = other.items
	}
	if s.rest == nil {
		s.rest = other.rest
	}
	s.open = s.open || other.open
	for name, p := range other.properties {
		if s.properties == nil {
			s.properties = map[string]*shape{}
		}
		if s.properties[name] == nil {
			s.properties[name] = p
		}
	}
}

func ownKinds(n node) kinds {
	var k kinds
	switch typ := n.get("type").v.(type) {
	case string:
		return kindOf(typ)
	case []any:
		for _, t := range typ {
			s, _ := t.(string)
			k |= kindOf(s)
		}
		return k
	}
	allowed := n.get("enum").items()
	if n.has("const") {
		allowed = []node{n.get("const")}
	}
	for _, v := range allowed {
		switch v.v.(type) {
		case string:
			k |= texts
		case json.Number:
			k |= numbers
		case bool:
			k |= booleans
		case []any:
			k |= arrays
		case map[string]any:
			k |= objects
		}
	}
	for keyword, implied := range map[string]kinds{
		"minimum": numbers, "maximum": numbers, "multipleOf": numbers, "exclusiveMinimum": numbers, "exclusiveMaximum": numbers,
		"minLength": texts, "maxLength": texts, "pattern": texts, "items": arrays, "minItems": arrays, "maxItems": arrays,
		"properties": objects, "additionalProperties": objects, "required": objects,
	} {
		if allowed == nil && n.has(keyword) {
			k |= implied
		}
	}
	return k
}

func kindOf(typ string) kinds {
	switch typ {
	case "string":
		return texts
	case "number", "integer":
		return numbers
	case "boolean":
		return booleans
	case "array":
		return arrays
	case "object":
		return objects
	}
	return 0
}

// settle refuses what a serialization cannot tell apart, or has no form for. flat reports that the value is inside of
// another, where only primitives have a form, and where lists says so arrays of them.
func (s *shape) settle(n node, flat, lists bool) error {
	if s.kinds == 0 {
		s.kinds = texts
	}
	if s.kinds&objects != 0 && s.kinds&^objects != 0 {
		return n.errorf("a parameter cannot be an object or something else: the text does not tell which")
	}
	if flat && s.kinds&primitives == 0 && (s.kinds&arrays == 0 || !lists) {
		return n.errorf("OpenAPI defines no text for objects and arrays within a parameter; describe it by content")
	}
	if s.items == nil {
		s.items = &shape{kinds: texts}
	}
	if s.kinds&arrays != 0 {
		if err := s.items.settle(n, true, false); err != nil {
			return err
		}
	}
	if s.rest == nil {
		s.rest = &shape{kinds: texts}
	}
	if s.kinds&objects == 0 {
		return nil
	}
	s.open = s.open || len(s.properties) == 0
	for _, name := range sortedKeys(s.properties) {
		if err := s.properties[name].settle(n, true, lists); err != nil {
			return err
		}
	}
	return s.rest.settle(n, true, lists)
}

// member returns the shape of a member.
func (s *shape) member(name string) *shape {
	if p := s.properties[name]; p != nil {
		return p
	}
	return s.rest
}

// primitive returns what a text stands for. plain prefers the string where several are possible.
func (s *shape) primitive(text string, plain bool) any {
	switch {
	case plain && s.kinds&texts != 0:
	case s.kinds&numbers != 0 && isNumber(text):
		return json.Number(text)
	case s.kinds&booleans != 0 && (text == "true" || text == "false"):
		return text == "true"
	}
	return text
}

// list returns what several texts stand for.
func (s *shape) list(texts []string, plain bool) any {
	if s.kinds&arrays == 0 || plain && s.kinds&primitives != 0 && len(texts) == 1 {
		return s.primitive(texts[0], plain)
	}
	values := make([]any, len(texts))
	for i, text := range texts {
		values[i] = s.items.primitive(text, plain)
	}
	return values
}

func (s *shape) repeats(name string) bool { return s.member(name).kinds&arrays != 0 }

// ambiguous reports whether plain makes a difference.
func (s *shape) ambiguous() bool {
	if s == nil {
		return false
	}
	if s.kinds&texts != 0 && s.kinds&^texts != 0 || s.kinds&primitives != 0 && s.kinds&arrays != 0 {
		return true
	}
	return s.items.ambiguous() || s.rest.ambiguous() || slices.ContainsFunc(sortedKeys(s.properties), func(name string) bool { return s.properties[name].ambiguous() })
}
