package main

import (
	"encoding/json"
	"strings"
)

// mainSchema is the place of the schema in a document.
const mainSchema = "#/components/schemas/S"

// document returns a document of one operation whose body is the component S.
func document(version string, schemas map[string]any) string {
	text, err := json.Marshal(map[string]any{
		"openapi":    version,
		"info":       map[string]any{"title": "suite", "version": "1"},
		"paths":      map[string]any{"/": map[string]any{"post": operation("op", mainSchema)}},
		"components": map[string]any{"schemas": schemas},
	})
	if err != nil {
		panic(err) // the values come from JSON
	}
	return string(text)
}

// operation returns an operation whose body is a component.
func operation(id, component string) map[string]any {
	content := map[string]any{"application/json": map[string]any{"schema": map[string]any{"$ref": component}}}
	return map[string]any{
		"operationId": id,
		"requestBody": map[string]any{"required": true, "content": content},
		"responses":   map[string]any{"200": map[string]any{"description": "ok"}},
	}
}

// convert31 puts a schema of 2020-12 unchanged into a document. References from the schema's root are rebased to the
// document's root, unless the schema has an $id.
func convert31(schema any) (text, reason string) {
	return document("3.1.0", map[string]any{"S": rebase(schema)}), ""
}

// rebase returns a schema whose JSON Pointer references start at the root of the document.
func rebase(schema any) any {
	object, ok := schema.(map[string]any)
	if !ok || object["$id"] != nil {
		return schema
	}
	out := map[string]any{}
	for keyword, value := range object {
		switch shapes[keyword] {
		case oneSchema:
			value = rebase(value)
		case listOfSchemas:
			value = eachItem(value, rebase)
		case mapOfSchemas:
			value = eachMember(value, rebase)
		case aReference:
			if ref, ok := value.(string); ok && (ref == "#" || strings.HasPrefix(ref, "#/")) {
				value = mainSchema + ref[1:]
			}
		}
		out[keyword] = value
	}
	return out
}

// shape is the form of a keyword's value.
type shape int

const (
	_ shape = iota
	oneSchema
	listOfSchemas
	mapOfSchemas
	aReference
)

var shapes = map[string]shape{
	"additionalItems": oneSchema, "additionalProperties": oneSchema, "contains": oneSchema, "else": oneSchema, "if": oneSchema,
	"items": oneSchema, "not": oneSchema, "propertyNames": oneSchema, "then": oneSchema, "unevaluatedItems": oneSchema,
	"unevaluatedProperties": oneSchema, "contentSchema": oneSchema,
	"allOf": listOfSchemas, "anyOf": listOfSchemas, "oneOf": listOfSchemas, "prefixItems": listOfSchemas,
	"$defs": mapOfSchemas, "definitions": mapOfSchemas, "dependentSchemas": mapOfSchemas, "patternProperties": mapOfSchemas,
	"properties": mapOfSchemas, "dependencies": mapOfSchemas,
	"$ref": aReference, "$dynamicRef": aReference,
}

func eachItem(value any, f func(any) any) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	out := make([]any, len(list))
	for i, item := range list {
		out[i] = f(item)
	}
	return out
}

func eachMember(value any, f func(any) any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	out := map[string]any{}
	for name, member := range object {
		out[name] = f(member)
	}
	return out
}
