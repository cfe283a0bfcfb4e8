package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// older converts a schema to OpenAPI 3.0. It rewrites what 3.0 expresses differently, and records what 3.0 cannot express.
type older struct {
	schemas  map[string]any
	names    map[string]string // of components, by the reference to a definition
	siblings bool              // keywords next to a reference count
	reason   string
}

// convertOld puts a schema of draft 4 or 7 into a document of OpenAPI 3.0.
func convertOld(schema any) (text, reason string) { return convert30(schema, false) }

// convertNew puts a schema of 2020-12 into a document of OpenAPI 3.0.
func convertNew(schema any) (text, reason string) { return convert30(schema, true) }

func convert30(schema any, siblings bool) (text, reason string) {
	o := &older{schemas: map[string]any{}, names: map[string]string{}, siblings: siblings}
	object, _ := schema.(map[string]any)
	definitions := map[string]any{}
	for _, keyword := range []string{"definitions", "$defs"} {
		list, _ := object[keyword].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(list)) {
			component := fmt.Sprint("D", len(o.names))
			o.names["#/"+keyword+"/"+escape(name)], definitions[component] = component, list[name]
		}
	}
	for component, definition := range definitions {
		o.schemas[component] = o.schema(definition)
	}
	root := maps.Clone(object)
	delete(root, "definitions")
	delete(root, "$defs")
	if root == nil {
		o.schemas["S"] = o.schema(schema)
	} else {
		o.schemas["S"] = o.schema(root)
	}
	if o.reason != "" {
		return "", o.reason
	}
	return document("3.0.3", o.schemas), ""
}

func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// cannot records why 3.0 cannot express the schema. The first reason counts.
func (o *older) cannot(format string, args ...any) any {
	if o.reason == "" {
		o.reason = fmt.Sprintf(format, args...)
	}
	return map[string]any{}
}

func (o *older) schema(schema any) any {
	switch s := schema.(type) {
	case bool:
		if s {
			return map[string]any{}
		}
		return map[string]any{"not": map[string]any{}}
	case map[string]any:
		out := map[string]any{}
		for keyword, value := range s {
			o.keyword(out, s, keyword, value)
		}
		return o.reference(out)
	}
	return o.cannot("a schema that is not an object")
}

// reference keeps the keywords next to a reference, which 3.0 ignores, if the draft evaluates them.
func (o *older) reference(out map[string]any) any {
	ref, ok := out["$ref"]
	if !ok || len(out) == 1 || !o.siblings {
		return out
	}
	delete(out, "$ref")
	parts, _ := out["allOf"].([]any)
	out["allOf"] = append([]any{map[string]any{"$ref": ref}}, parts...)
	return out
}

// keyword adds a keyword of s to out.
func (o *older) keyword(out, s map[string]any, keyword string, value any) {
	switch keyword {
	case "$schema", "$comment", "examples", "default", "title", "description":
	case "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "format":
		out[keyword] = value
	case "minimum", "maximum":
		o.bound(out, s, keyword, value)
	case "exclusiveMinimum", "exclusiveMaximum":
		o.exclusive(out, s, keyword, value)
	case "required":
		if list, ok := value.([]any); !ok || len(list) > 0 { // 3.0 has no empty list
			out[keyword] = value
		}
	case "enum", "const":
		o.enum(out, keyword, value)
	case "type":
		o.types(out, value)
	case "items":
		if _, ok := value.([]any); ok {
			o.cannot("a list of items")
		}
		out[keyword] = o.schema(value)
	case "additionalProperties":
		out[keyword] = value
		if _, ok := value.(bool); !ok {
			out[keyword] = o.schema(value)
		}
	case "not":
		out[keyword] = o.schema(value)
	case "anyOf", "oneOf":
		out[keyword] = eachItem(value, o.schema)
	case "allOf":
		all, _ := out[keyword].([]any)
		list, _ := eachItem(value, o.schema).([]any)
		out[keyword] = append(all, list...)
	case "properties":
		out[keyword] = eachMember(value, o.schema)
	case "$ref":
		out[keyword] = o.target(value)
	default:
		o.cannot("the keyword %s", keyword)
	}
}

// types converts a type or a list of types. The type null becomes the enum of null.
func (o *older) types(out map[string]any, value any) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var parts []any
	for _, name := range list {
		if name == "null" {
			parts = append(parts, map[string]any{"enum": []any{nil}})
		} else {
			parts = append(parts, map[string]any{"type": name})
		}
	}
	if len(parts) == 1 && value != "null" {
		out["type"] = list[0]
		return
	}
	all, _ := out["allOf"].([]any)
	out["allOf"] = append(all, map[string]any{"anyOf": parts})
}

func (o *older) bound(out, s map[string]any, keyword string, value any) {
	exclusive := "exclusive" + strings.ToUpper(keyword[:1]) + keyword[1:]
	if other, ok := s[exclusive]; ok {
		if _, draft4 := other.(bool); !draft4 {
			o.cannot("%s next to %s", keyword, exclusive)
		}
	}
	out[keyword] = value
}

func (o *older) exclusive(out, s map[string]any, keyword string, value any) {
	if _, ok := value.(bool); ok {
		out[keyword] = value
		return
	}
	bound := strings.ToLower(strings.TrimPrefix(keyword, "exclusive"))
	if s[bound] == nil {
		out[bound], out[keyword] = value, true
	}
}

func (o *older) enum(out map[string]any, keyword string, value any) {
	if keyword == "const" {
		value = []any{value}
	}
	if out["enum"] != nil {
		o.cannot("enum next to const")
	}
	out["enum"] = value
}

// target returns a reference within the document.
func (o *older) target(value any) any {
	text, _ := value.(string)
	ref, err := url.PathUnescape(text)
	if err != nil {
		o.cannot("a reference that is not a URI")
	}
	for definition, name := range o.names {
		if rest, ok := strings.CutPrefix(ref, definition); ok && (rest == "" || rest[0] == '/') {
			return "#/components/schemas/" + name + encode(rest)
		}
	}
	if ref != "#" && !strings.HasPrefix(ref, "#/") {
		o.cannot("a reference to %s", ref)
	}
	return mainSchema + encode(strings.TrimPrefix(ref, "#"))
}

// encode percent-encodes characters that a fragment must not contain.
func encode(pointer string) string { return (&url.URL{Path: pointer}).EscapedPath() }
