package differential

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
)

// hostile are names with a meaning in Go, oapi-codegen or validategen, or that differ only in characters that Go names
// cannot have.
var hostile = []string{
	"a", "A", "a-b", "a_b", "aB", "a.b", "1abc", "_", "Ae",
	"Token", "String", "Any", "Base64", "Body", "Float", "Escape", "Inside", "Bool", "Number",
	"error", "type", "func", "range", "package", "map", "nil", "true", "iota", "any", "string", "int", "len", "append", "new", "init", "main",
	"r", "v", "b", "n", "i", "s", "at", "next", "seen", "others", "name", "names", "value", "values", "into", "params", "path", "query", "header",
	"data", "ok", "item", "lit", "p", "faults", "options", "Path", "Values", "Params", "reader", "Reader",
	"validate", "Validate", "models", "valid", "json", "time", "strings", "slices", "maps", "strconv", "ecma", "runtime", "openapi_types", "http",
	"Operations", "operations", "schemas", "Schemas", "Decode", "DecodeA", "Append", "AppendA", "readA", "checkA", "namesA", "wantString", "wantA",
	"pattern1", "formatUuid", "judgeA", "paramsA", "ignoreA", "structA", "shapeA", "appendA", "APath", "AParams", "AResponse", "AJSONBody",
	"AJSONRequestBody", "Response", "Request", "Union", "union", "AdditionalProperties", "additionalProperties", "Get", "IsNull", "MarshalJSON",
	"UnmarshalJSON", "Valid", "Client", "UUID", "Id", "ID", "id",
}

// foul are names that are invalid for components, but valid for members.
var foul = []string{"$id", "ä", "Ä", "日本", "a b", "x'`", "*/", "%s%d", "", "@odata.type", "a/b~c", "x\\", "\"", "a\nb", "{", "#"}

// constants are the values of enums.
var constants = []any{
	"", "a", "a", "A", "a b", "a-b", "a_b", "1", "-1", "+1", "1a", "null", "true", "type", "ä", "\"", "`", "%d", "Token", "string", "\u2028",
	nil, 0, 1, 1, -1, 1.5, 2147483648, true, false,
}

type namer struct {
	*spectest.Source
	ids map[string]bool // operationIds, folded: oapi-codegen needs them unique
}

func pick[T any](n namer, list []T) T { return list[(n.IntN(256)*256+n.IntN(256))%len(list)] }

type object = map[string]any

// fold normalizes a name as oapi-codegen does.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_.$ ", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// name generates the name of a member, a parameter or an operation.
func (n namer) name() string {
	if n.Chance(24) {
		return pick(n, foul)
	}
	return pick(n, hostile)
}

// HostileDocument generates a document with hostile names of components, members, constants, operations and parameters.
func HostileDocument(source *spectest.Source) []byte {
	n := namer{source, map[string]bool{}}
	var names []string
	for range 2 + n.IntN(3) {
		if name := pick(n, hostile); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	schemas, paths := object{}, object{}
	for i, name := range names {
		schemas[name] = n.schema(names[i+1:], 2) // without cycles, which often defeat oapi-codegen
	}
	for i := range names {
		paths[fmt.Sprintf("/%d", i)] = n.operation(names[i], names[n.IntN(len(names))], "")
		if name := n.name(); n.Chance(2) && name != "" {
			paths[fmt.Sprintf("/%d/{%s}/x", i, name)] = n.operation(names[i], names[i], name)
		}
	}
	text, err := json.Marshal(object{
		"openapi": pick(n, []string{"3.0.3", "3.1.0"}), "info": object{"title": "t", "version": "1"}, "paths": paths,
		"components": object{"schemas": schemas},
	})
	if err != nil {
		panic(err) // the tree contains only JSON values
	}
	return text
}

func reference(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func (n namer) schema(names []string, depth int) object {
	kind := n.IntN(12)
	if depth == 0 {
		kind %= 4
	}
	if len(names) == 0 && (kind == 3 || kind == 5 || kind == 6) {
		kind = 2
	}
	switch kind {
	case 0:
		return object{"type": "string", "enum": n.enum(func(v any) bool { _, ok := v.(string); return ok || v == nil })}
	case 1:
		return object{"type": "integer", "enum": n.enum(func(v any) bool { _, ok := v.(int); return ok })}
	case 2:
		return object{"type": pick(n, []string{"string", "number", "boolean", "integer"}), "format": pick(n, []string{"uuid", "date", "date-time", "byte", "int32", "x"})}
	case 3:
		return reference(pick(n, names))
	case 4:
		return object{"type": "array", "items": n.schema(names, depth-1)}
	case 5:
		return object{pick(n, []string{"oneOf", "anyOf"}): []any{reference(pick(n, names)), n.schema(names, depth-1)}}
	case 6:
		return object{"allOf": []any{reference(pick(n, names)), object{"description": "d"}}}
	}
	properties := object{}
	for range 1 + n.IntN(3) {
		properties[n.name()] = n.schema(names, depth-1)
	}
	s := object{"type": "object", "properties": properties}
	if n.Chance(3) {
		s["additionalProperties"] = n.schema(names, depth-1)
	}
	if n.Chance(3) {
		s["required"] = []any{n.name()}
	}
	return s
}

func (n namer) enum(takes func(any) bool) []any {
	list := []any{}
	for range 4 {
		if v := pick(n, constants); takes(v) {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		list = append(list, slices.Collect(func(yield func(any) bool) {
			for _, v := range constants {
				if takes(v) && !yield(v) {
					return
				}
			}
		})...)
	}
	return list
}

// operation generates an operation whose request and response are components. Each name in the path becomes a parameter.
func (n namer) operation(request, response, path string) object {
	content := func(name string) object {
		return object{"application/json": object{"schema": reference(name)}}
	}
	parameters := []any{}
	if path != "" {
		parameters = append(parameters, object{"name": path, "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	if n.Chance(2) {
		parameters = append(parameters, object{"name": n.name(), "in": pick(n, []string{"query", "header"}), "schema": object{"type": pick(n, []string{"string", "integer"})}})
	}
	o := object{
		"requestBody": object{"content": content(request)}, "parameters": parameters,
		"responses": object{pick(n, []string{"200", "default", "4XX"}): object{"description": "d", "content": content(response)}},
	}
	id := n.name()
	if folded := fold(id); n.IntN(8) > 0 && !n.ids[folded] {
		o["operationId"], n.ids[folded] = id, true
	}
	return object{"post": o}
}
