package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// older turns a schema into one of OpenAPI 3.0. It says the same in other words where 3.0 has them, and notes what 3.0
// cannot say.
type older struct {
	schemas map[string]any
	names   map[string]string // of components, by the reference to a definition
	reason  string
}

// convert30 puts a schema into a document of OpenAPI 3.0.
func convert30(schema any) (text, reason string) {
	o := &older{schemas: map[string]any{}, names: map[string]string{}}
	if object, ok := schema.(map[string]any); ok {
		for _, keyword := range []string{"definitions", "$defs"} {
			definitions, _ := object[keyword].(map[string]any)
			for _, name := range slices.Sorted(maps.Keys(definitions)) {
				o.names["#/"+keyword+"/"+escape(name)] = fmt.Sprint("D", len(o.names))
			}
		}
		for _, keyword := range []string{"definitions", "$defs"} {
			definitions, _ := object[keyword].(map[string]any)
			for name, definition := range definitions {
				o.schemas[o.names["#/"+keyword+"/"+escape(name)]] = o.schema(definition)
			}
		}
	}
	o.schemas["S"] = o.schema(schema)
	if o.reason != "" {
		return "", o.reason
	}
	return document("3.0.3", o.schemas), ""
}

func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "%", "%25", `"`, "%22").Replace(name)
}

// cannot notes why 3.0 cannot say the schema. The first reason counts.
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
		return o.reference(s, out)
	}
	return o.cannot("a schema that is no object")
}

// reference keeps what stands next to a reference, which 3.0 ignores, if the draft means it.
func (o *older) reference(s, out map[string]any) any {
	ref, ok := out["$ref"]
	if !ok || len(out) == 1 || !strings.Contains(fmt.Sprint(s["$schema"]), "2020-12") {
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
	case "$schema", "$comment", "definitions", "$defs", "examples", "default", "title", "description":
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
		if value == "null" {
			o.cannot("the type null")
		} else if _, ok := value.(string); !ok {
			o.cannot("a list of types")
		}
		out[keyword] = value
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
	case "allOf", "anyOf", "oneOf":
		out[keyword] = eachItem(value, o.schema)
	case "properties":
		out[keyword] = eachMember(value, o.schema)
	case "$ref":
		out[keyword] = o.target(value)
	default:
		o.cannot("the keyword %s", keyword)
	}
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
	ref, _ := value.(string)
	for definition, name := range o.names {
		if rest, ok := strings.CutPrefix(ref, definition); ok && (rest == "" || rest[0] == '/') {
			return "#/components/schemas/" + name + rest
		}
	}
	if ref != "#" && !strings.HasPrefix(ref, "#/") {
		o.cannot("a reference to %s", ref)
	}
	return mainSchema + strings.TrimPrefix(ref, "#")
}
