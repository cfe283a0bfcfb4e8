package spectest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Document is an OpenAPI document with one operation, whose request and response have the same schema. Its schemas are
// values of encoding/json, with json.Number for numbers.
type Document struct {
	V31        bool
	Components map[string]any
	Schema     any
}

// Options configure NewDocument.
type Options struct {
	// Names are the names of members; nil means a set of easy and difficult ones.
	Names []string
	// Depth is how deep schemas nest, without references; 0 means 3.
	Depth int
	// Prefix is the prefix of component names.
	Prefix string
	// Typed gives each schema one type and few alternatives, as in documents for code generation.
	Typed bool
}

// Pointer is the place of the schema in the text of a document.
const Pointer = "/paths/~1x/post/requestBody/content/application~1json/schema"

type object = map[string]any

// JSON is the text of the document.
func (d *Document) JSON() []byte {
	version := "3.0.3"
	if d.V31 {
		version = "3.1.0"
	}
	content := object{"application/json": object{"schema": d.Schema}}
	text, err := json.Marshal(object{
		"openapi": version,
		"info":    object{"title": "t", "version": "1"},
		"paths": object{"/x": object{"post": object{
			"operationId": "post",
			"requestBody": object{"required": true, "content": content},
			"responses":   object{"200": object{"description": "ok", "content": content}},
		}}},
		"components": object{"schemas": d.Components},
	})
	if err != nil {
		panic(err) // the tree has only JSON values
	}
	return text
}

// The numbers of components. Each of the first may refer to any of them for members and items, and to a later one for the
// same value. The pets are the alternatives of discriminators.
const (
	schemas = 4
	pets    = 3
)

func (w *writer) component(i int) string {
	if i < schemas {
		return fmt.Sprint(w.Prefix, "S", i)
	}
	return fmt.Sprint(w.Prefix, "Pet", i-schemas)
}

// hiddenNames are always readOnly, or always writeOnly.
var hiddenNames = []string{"ro", "wo"}

// kind is the member that distinguishes pets.
const kind = "kind"

type writer struct {
	*Source
	Options
	v31   bool
	after int // the current component: for the same value it may refer only to those after it
}

// NewDocument returns a random document.
func NewDocument(s *Source, o Options) *Document {
	if o.Names == nil {
		o.Names = []string{"a", "b", "c", "ab", "a/~b", "ä", "longer than sixteen bytes"}
	}
	if o.Depth == 0 {
		o.Depth = 3
	}
	w := &writer{Source: s, Options: o, v31: s.IntN(3) > 0}
	d := &Document{V31: w.v31, Components: object{}, Schema: object{"$ref": "#/components/schemas/" + w.component(0)}}
	for i := range schemas + pets {
		w.after = i
		switch name := w.component(i); {
		case i == 0 && o.Typed:
			d.Components[name] = w.root()
		case i < schemas:
			d.Components[name] = w.schema(o.Depth, true)
		default:
			d.Components[name] = w.pet(i)
		}
	}
	return d
}

// root writes an object with members of most names.
func (w *writer) root() any {
	s, properties := object{"type": "object"}, object{}
	w.counts(s)
	w.objects(s, w.Depth)
	for _, name := range w.Names {
		if w.IntN(4) > 0 {
			properties[name] = w.child(w.IntN(w.Depth))
		}
	}
	for i, name := range hiddenNames {
		if w.Chance(3) {
			properties[name] = w.hidden([]string{"readOnly", "writeOnly"}[i], 1)
		}
	}
	if declared, ok := s["properties"].(object); ok {
		maps.Copy(properties, declared)
	}
	s["properties"] = properties
	return s
}

// schema writes a schema. inPlace marks one for the value of the component itself.
func (w *writer) schema(depth int, inPlace bool) any {
	if w.Chance(24) {
		return w.trivial()
	}
	first := 0
	if inPlace {
		first = w.after + 1
	}
	s := object{}
	if first < schemas+pets && w.Chance(5) {
		s["$ref"] = "#/components/schemas/" + w.component(first+w.IntN(schemas+pets-first))
		if w.IntN(3) > 0 {
			return s
		}
	}
	w.types(s)
	w.values(s)
	w.numbers(s)
	w.strings(s)
	w.counts(s)
	w.arrays(s, depth)
	w.objects(s, depth)
	if depth > 0 {
		w.combinations(s, depth-1, inPlace)
	}
	return s
}

func (w *writer) trivial() any {
	if !w.v31 {
		return object{}
	}
	return pick(w.Source, []any{object{}, true, false})
}

func (w *writer) types(s object) {
	names := []string{"object", "object", "array", "string", "integer", "number", "boolean"}
	if w.Typed && w.Chance(16) || !w.Typed && w.Chance(3) {
		return
	}
	s["type"] = pick(w.Source, names)
	switch {
	case !w.v31:
		if w.Chance(5) {
			s["nullable"] = true
		}
	case w.Chance(5):
		s["type"] = []any{s["type"], "null"}
	case !w.Typed && w.Chance(6):
		s["type"] = distinct([]any{s["type"], pick(w.Source, names), pick(w.Source, append(names, "null"))})
	}
}

func distinct(list []any) []any {
	var seen []string
	return slices.DeleteFunc(list, func(v any) bool {
		text, _ := json.Marshal(v)
		twice := slices.Contains(seen, string(text))
		seen = append(seen, string(text))
		return twice
	})
}

// fits reports whether a keyword concerns the types of a schema, which may have several or none.
func fits(s object, types ...string) bool {
	switch t := s["type"].(type) {
	case string:
		return slices.Contains(types, t)
	case []any:
		return slices.ContainsFunc(t, func(v any) bool { return slices.Contains(types, v.(string)) })
	}
	return true
}

// chanceFor is true once in n times for a keyword that concerns the schema's types, and rarely for another.
func (w *writer) chanceFor(s object, n int, types ...string) bool {
	if !fits(s, types...) {
		n *= 12
	}
	return w.Chance(min(n, 256))
}

// rarelyFor is chanceFor for a keyword that documents for code generation rarely have.
func (w *writer) rarelyFor(s object, n int, types ...string) bool {
	if w.Typed {
		n *= 4
	}
	return w.chanceFor(s, n, types...)
}

func (w *writer) values(s object) {
	if w.Typed && !isScalar(s) {
		return
	}
	if w.Chance(12) {
		var list []any
		for range 1 + w.IntN(4) {
			list = append(list, w.value(s, 2))
		}
		s["enum"] = distinct(list)
	}
	if w.Chance(20) {
		s["const"] = w.value(s, 2)
	}
	if w.Chance(12) {
		s["description"] = "says nothing"
	}
}

// value writes a value, usually of the schema's type.
func (w *writer) value(s object, depth int) any {
	kinds := []string{"string", "integer", "number", "boolean", "null", "array", "object"}
	name := pick(w.Source, kinds)
	t, ok := s["type"].(string)
	switch {
	case ok && w.Typed:
		return w.constant(t)
	case ok && w.IntN(4) > 0:
		name = t
	}
	switch name {
	case "string":
		return pick(w.Source, texts)
	case "integer", "number":
		return json.Number(pick(w.Source, numbers))
	case "boolean":
		return w.Chance(2)
	case "array":
		list := []any{}
		for range w.IntN(3) * min(depth, 1) {
			list = append(list, w.value(object{}, depth-1))
		}
		return list
	case "object":
		o := object{}
		for range w.IntN(3) * min(depth, 1) {
			o[pick(w.Source, w.Names)] = w.value(object{}, depth-1)
		}
		return o
	}
	return nil
}

// constant writes a value that can be a Go constant of an enum.
func (w *writer) constant(typ string) any {
	switch typ {
	case "string":
		return pick(w.Source, []string{"", "a", "b", "ab", "ä", "a b", "12", "a/~b", "first", "second"})
	case "integer":
		return json.Number(pick(w.Source, []string{"0", "1", "2", "3", "-1", "2147483647"}))
	case "number":
		return json.Number(pick(w.Source, []string{"0", "1", "0.5", "1.5", "-1", "1e2"}))
	}
	return w.Chance(2)
}

// isScalar reports whether the values of a schema are strings, numbers or booleans.
func isScalar(s object) bool {
	t, ok := s["type"].(string)
	return ok && t != "object" && t != "array"
}

var (
	texts = []string{
		"", "a", "b", "ab", "abc", "ä", "é😀", "a b", "0", "12", "a/~b", "longer than sixteen bytes", "\u0000", "\"\\", "\u2028",
		"2024-02-29", "2023-02-29", "2024-02-29T12:00:00Z", "127.0.0.1", "256.0.0.1", "6de0af45-af45-6de0-45af-e06d45afe06d",
		"Pet0", "Pet1", "first", "second",
	}
	numbers = []string{
		"0", "1", "2", "3", "4", "6", "-1", "0.5", "1.5", "0.1", "0.3", "1.0", "1e2", "0.01", "19.99", "-0", "2.50", "30e-1",
		"2147483647", "2147483648", "9007199254740993", "9223372036854775807", "9223372036854775808", "1e30", "0.1e-10", "123456789012345678901234567890",
	}
	bounds = []string{"0", "1", "2", "3", "-1", "1.5", "0.1", "1.0", "1e1", "9007199254740992", "9223372036854775807", "12345678901234567890.5"}
)

func (w *writer) numbers(s object) {
	for _, keyword := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} {
		if !w.chanceFor(s, 6, "integer", "number") {
			continue
		}
		if s[keyword] = any(json.Number(pick(w.Source, bounds))); !w.v31 && keyword[0] == 'e' {
			s[keyword] = w.Chance(2)
		}
	}
	if w.chanceFor(s, 8, "integer", "number") {
		s["multipleOf"] = json.Number(pick(w.Source, []string{"1", "2", "0.5", "3", "0.01", "0.1", "1.5", "1e1", "1e-3", "7.25", "2.0", "1e20", "18446744073709551617"}))
	}
	if w.chanceFor(s, 12, "integer", "number") {
		s["format"] = pick(w.Source, []string{"int32", "int64", "unheard-of"})
	}
}

func (w *writer) strings(s object) {
	for _, keyword := range []string{"minLength", "maxLength"} {
		if w.chanceFor(s, 7, "string") {
			s[keyword] = w.count(4)
		}
	}
	if w.chanceFor(s, 8, "string") {
		s["pattern"] = pick(w.Source, patterns)
	}
	if w.chanceFor(s, 8, "string") {
		s["format"] = pick(w.Source, []string{"date", "date-time", "uuid", "ipv4", "unheard-of"})
	}
}

// patterns have the same meaning in ECMA-262 and Go.
var patterns = []string{"^a", "b$", "^[a-c]*$", "a|0", "^.{2,3}$", "[^a]", "^(ab?)+$", "ä", "^$", "\\d\\d", "^x-", "~"}

// count writes a number from 0 to n-1, rarely with a fraction of zero.
func (w *writer) count(n int) any {
	text := fmt.Sprint(w.IntN(n))
	if w.Chance(16) {
		text += ".0"
	}
	return json.Number(text)
}

func (w *writer) counts(s object) {
	for _, keyword := range []string{"minItems", "maxItems"} {
		if w.chanceFor(s, 8, "array") {
			s[keyword] = w.count(4)
		}
	}
	for _, keyword := range []string{"minProperties", "maxProperties"} {
		if w.chanceFor(s, 9, "object") {
			s[keyword] = w.count(4)
		}
	}
	if w.rarelyFor(s, 8, "array") {
		s["uniqueItems"] = w.IntN(4) > 0
	}
}

// child writes the schema of a member or an item.
func (w *writer) child(depth int) any {
	if depth <= 0 {
		if w.Chance(3) {
			return object{"$ref": "#/components/schemas/" + w.component(w.IntN(schemas+pets))}
		}
		s := object{}
		w.types(s)
		w.numbers(s)
		w.strings(s)
		if s["type"] == "array" && !w.v31 {
			s["items"] = object{} // OpenAPI 3.0.3, Schema Object: items must be present
		}
		return s
	}
	return w.schema(depth-1, false)
}

func (w *writer) arrays(s object, depth int) {
	if w.chanceFor(s, 2, "array") || !w.v31 && s["type"] == "array" {
		s["items"] = w.child(depth)
	}
	if w.rarelyFor(s, 6, "array") {
		list := []any{w.child(depth)}
		if w.Chance(2) {
			list = append(list, w.child(depth))
		}
		s["prefixItems"] = list
	}
	if w.rarelyFor(s, 6, "array") {
		s["contains"] = w.child(depth)
	}
	for _, keyword := range []string{"minContains", "maxContains"} {
		if w.chanceFor(s, 9, "array") {
			s[keyword] = w.count(3)
		}
	}
	if w.rarelyFor(s, 9, "array") {
		s["unevaluatedItems"] = w.child(depth)
	}
}

func (w *writer) objects(s object, depth int) {
	if w.chanceFor(s, 2, "object") {
		w.properties(s, depth)
	}
	if w.chanceFor(s, 3, "object") {
		w.require(s)
	}
	if w.chanceFor(s, 4, "object") {
		s["additionalProperties"] = w.rest(depth)
	}
	if w.rarelyFor(s, 8, "object") {
		s["unevaluatedProperties"] = w.rest(depth)
	}
	if w.rarelyFor(s, 7, "object") {
		named := object{}
		for range 1 + w.IntN(2) {
			named[pick(w.Source, patterns)] = w.child(depth)
		}
		s["patternProperties"] = named
	}
	if w.rarelyFor(s, 10, "object") {
		names := object{}
		w.strings(names)
		w.values(names)
		s["propertyNames"] = names
	}
	if w.rarelyFor(s, 9, "object") {
		s["dependentRequired"] = object{pick(w.Source, w.Names): distinct([]any{pick(w.Source, w.Names), pick(w.Source, w.Names)})}
	}
}

// rest writes the schema of undeclared members.
func (w *writer) rest(depth int) any {
	if w.Chance(2) {
		return false
	}
	return w.child(depth)
}

func (w *writer) properties(s object, depth int) {
	named := object{}
	for _, name := range w.Names {
		if w.Chance(3) {
			named[name] = w.child(depth)
		}
	}
	var required []any
	for i, name := range hiddenNames {
		if !w.Chance(12) {
			continue
		}
		named[name] = w.hidden([]string{"readOnly", "writeOnly"}[i], depth)
		if w.Chance(2) {
			required = append(required, name)
		}
	}
	s["properties"] = named
	if required != nil {
		s["required"] = required
	}
}

// hidden writes the schema of a member that one direction hides.
func (w *writer) hidden(keyword string, depth int) any {
	if w.Typed && w.IntN(8) > 0 {
		return object{"type": pick(w.Source, []string{"string", "integer", "number", "boolean"}), keyword: true}
	}
	s, ok := w.child(depth).(object)
	switch {
	case !ok:
		return object{keyword: true}
	case w.Chance(4) || !w.v31 && s["$ref"] != nil:
		return object{"allOf": []any{s, object{keyword: true}}}
	}
	s[keyword] = true
	return s
}

func (w *writer) require(s object) {
	list, _ := s["required"].([]any)
	for range 1 + w.IntN(2) {
		list = append(list, pick(w.Source, w.Names))
	}
	s["required"] = distinct(list)
}

func (w *writer) combinations(s object, depth int, inPlace bool) {
	list := func(most int) []any {
		var list []any
		for range 1 + w.IntN(most) {
			list = append(list, w.schema(depth, inPlace))
		}
		return list
	}
	if w.Chance(4) && (!w.Typed || w.Chance(3)) {
		s["allOf"] = list(3)
	}
	switch {
	case w.Typed && (isScalar(s) || w.Chance(2)):
	case w.Chance(10):
		w.discriminator(s)
	default:
		for _, keyword := range []string{"anyOf", "oneOf"} {
			if w.Chance(9) {
				s[keyword] = list(3)
			}
		}
	}
	for _, keyword := range []string{"not", "if", "then", "else"} {
		if w.Chance(14) && (!w.Typed || w.Chance(4)) {
			s[keyword] = w.schema(depth, inPlace)
		}
	}
	if s["if"] != nil && s["then"] == nil && s["else"] == nil {
		s[pick(w.Source, []string{"then", "else"})] = w.schema(depth, inPlace)
	}
	if w.Chance(16) {
		s["dependentSchemas"] = object{pick(w.Source, w.Names): w.schema(depth, inPlace)}
	}
}

// discriminator writes alternatives and the discriminator that selects among them.
func (w *writer) discriminator(s object) {
	first := max(w.after+1, schemas)
	if first >= schemas+pets {
		return
	}
	var list []any
	mapping := object{}
	for i := first; i < schemas+pets; i++ {
		name := w.component(i)
		list = append(list, object{"$ref": "#/components/schemas/" + name})
		if w.Chance(2) {
			mapping[pick(w.Source, []string{"first", "second", name})] = pick(w.Source, []string{name, "#/components/schemas/" + name})
		}
	}
	d := object{"propertyName": kind}
	if w.Chance(2) && len(mapping) > 0 {
		d["mapping"] = mapping
	}
	s["discriminator"] = d
	s[pick(w.Source, []string{"oneOf", "anyOf"})] = list
}

// pet writes an alternative of a discriminator: an object whose kind has a unique value.
func (w *writer) pet(i int) any {
	s := object{"type": "object"}
	w.objects(s, 1)
	properties, _ := s["properties"].(object)
	if properties == nil {
		properties = object{}
	}
	properties[kind] = pick(w.Source, []any{
		object{"type": "string", "enum": []any{w.component(i)}}, object{"type": "string"},
		object{"type": "string", "enum": []any{fmt.Sprint("kind", i), fmt.Sprint("other", i)}},
	})
	s["properties"] = properties
	if w.Chance(2) {
		list, _ := s["required"].([]any)
		s["required"] = append(list, kind)
	}
	return s
}
