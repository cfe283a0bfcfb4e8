package spec

import (
	"fmt"
	"strings"
	"testing"
)

// TestSpots lists what cannot be checked. The rest of the schema stays in effect.
func TestSpots(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, schema, want, place string }{
		{"a pattern", "{maxLength: 1, pattern: '('}", "maxLength 1 allOf [unjudged pattern]", "/pattern"},
		{"a count", "{maxLength: -1}", "allOf [unjudged maxLength]", "/maxLength"},
		{"a count that is a string", "{minItems: '1'}", "allOf [unjudged minItems]", "/minItems"},
		{"a bound", "{minimum: x}", "allOf [unjudged minimum]", "/minimum"},
		{"an exclusive bound", "{minimum: 1, exclusiveMinimum: x}", "min 1 allOf [unjudged exclusiveMinimum]", "/exclusiveMinimum"},
		{"a bound with too many digits", "{minimum: 1e999999}", "allOf [unjudged minimum]", "/minimum"},
		{"multiples of zero", "{multipleOf: 0}", "allOf [unjudged multipleOf]", "/multipleOf"},
		{"a type", "{type: strng}", "allOf [unjudged type]", "/type"},
		{"one of several types", "{type: [string, x]}", "allOf [unjudged type]", "/type"},
		{"null, which may mean the type or nothing", "{type: null}", "allOf [unjudged type]", "/type"},
		{"required that is not a list", "{required: a}", "allOf [unjudged required]", "/required"},
		{"an enum that is not a list", "{enum: 1}", "allOf [unjudged enum]", "/enum"},
		{"items of draft 4", "{items: [{}]}", "items:{allOf [unjudged items]}", "/items"},
		{"allOf that is not a list", "{allOf: {}}", "allOf [unjudged allOf]", "/allOf"},
		{"properties that are not an object", "{properties: []}", "allOf [unjudged properties]", "/properties"},
		{"a pattern of names", "{patternProperties: {'(': {}}, additionalProperties: false}", "allOf [unjudged (]", "/patternProperties/("},
		{"a dialect", "{properties: {a: {$schema: 'http://json-schema.org/draft-07/schema#', type: string}}}", "a:{unjudged a}", "/properties/a/$schema"},
		{"below not", "{not: {type: array, items: {pattern: '('}}}", "allOf [unjudged pattern]", "/not/items/pattern"},
		{"below if", "{if: {pattern: '('}, then: {maxLength: 1}}", "allOf [unjudged pattern]", "/if/pattern"},
		{"below oneOf", "{oneOf: [{pattern: '('}, {type: array}]}", "anyOf [allOf [unjudged pattern], array]", "/oneOf/0/pattern"},
		{"below anyOf and oneOf", "{anyOf: [{type: string}], oneOf: [{pattern: '('}, {type: array}]}", "allOf [anyOf [allOf [unjudged pattern], array]] anyOf [string]", "/oneOf/0/pattern"},
		{"below contains", "{contains: {pattern: '('}, maxContains: 1}", "contains:{allOf [unjudged pattern]}", "/contains/pattern"},
		{"our extensions", "{x-ignore-maxDepth: 1}", "allOf [unjudged x-ignore-maxDepth]", "/x-ignore-maxDepth"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := load(t, document("{/x: {post: {requestBody: {content: {application/json: {schema: "+tt.schema+"}}}}}}", ""))
			body := d.Operations[0].Request[0]
			if got := lastTokens(show(body.Schema)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			place := "/paths/~1x/post/requestBody/content/application~1json/schema" + tt.place
			if len(d.Spots) != 1 || d.Spots[0].Pointer != place || d.Spots[0].Reason == "" || fmt.Sprint(body.Spots) != fmt.Sprint(d.Spots) {
				t.Errorf("got the spots %v and the body's spots %v; want one at %s", d.Spots, body.Spots, place)
			}
		})
	}
}

// TestNullableIsAFlag has the only flag of 3.0 alone.
func TestNullableIsAFlag(t *testing.T) {
	t.Parallel()
	d := load(t, body30("{type: string, nullable: 'true'}", ""))
	if spots := d.Operations[0].Request[0].Spots; len(spots) != 1 || !strings.HasSuffix(spots[0].Pointer, "/nullable") {
		t.Errorf("got the spots %v, want one at nullable", spots)
	}
}

func TestSpotsStandOnceInTheDocumentsOrder(t *testing.T) {
	t.Parallel()
	d := load(t, `openapi: 3.0.3
info: {title: t, version: '1'}
components: {schemas: {B: {properties: {b: {pattern: '('}, a: {pattern: ')'}}}}}
paths:
  /b: {post: {requestBody: {content: {application/xml: {schema: {$ref: '#/components/schemas/B'}}}}, responses: {default: {content: {application/json: {schema: {$ref: '#/components/schemas/B'}}}}}}}
  /a: {get: {parameters: [{name: q, in: query, schema: {type: array, items: {type: array}}}, {$ref: '#/no'}]}}
`)
	var got []string
	for _, s := range d.Spots {
		got = append(got, s.Pointer)
	}
	want := []string{
		"/components/schemas/B/properties/b/pattern", "/components/schemas/B/properties/a/pattern",
		"/paths/~1b/post/requestBody/content/application~1xml/schema", "/paths/~1a/get/parameters/0", "/paths/~1a/get/parameters/1",
	}
	if got, want := strings.Join(got, "\n"), strings.Join(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	o := d.Operations[0]
	if request, response := len(o.Request[0].Spots), len(o.Responses[0].Bodies[0].Spots); request != 3 || response != 2 {
		t.Errorf("got %d spots of the request, %d of the response; want 3 and 2", request, response)
	}
}

func TestDialect(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, dialect, want string }{
		{"OpenAPI's dialect", "https://spec.openapis.org/oas/3.1/dialect/base", "string"},
		{"a later dialect of OpenAPI", "https://spec.openapis.org/oas/3.1/dialect/2024-11-10", "string"},
		{"JSON Schema 2020-12", "https://json-schema.org/draft/2020-12/schema", "string"},
		{"another", "http://json-schema.org/draft-07/schema#", "unjudged schema"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := "jsonSchemaDialect: '" + tt.dialect + "'\n" + body31("{type: string}", "")
			if got := lastTokens(requestOf(t, text)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if d := load(t, text); tt.want != "string" && (len(d.Spots) != 1 || d.Spots[0].Pointer != "/jsonSchemaDialect") {
				t.Errorf("got the spots %v", d.Spots)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, pointer, want string }{
		{"an extension", body30("{properties: {a: {x-unit: 1}, b: {x-unit: 2}}}", ""), "/paths/~1x/post/requestBody/content/application~1json/schema/properties/a/x-unit", "x-unit"},
		{"a format", body30("{properties: {a: {format: colour}, b: {format: colour}}}", ""), "/paths/~1x/post/requestBody/content/application~1json/schema/properties/a/format", "colour"},
		{"an unknown keyword", body31("{unit: cm}", ""), "/paths/~1x/post/requestBody/content/application~1json/schema/unit", "unit"},
		{"a keyword of 3.1", body30("{const: 1}", ""), "/paths/~1x/post/requestBody/content/application~1json/schema/const", "const"},
		{"a sibling of $ref", body30("{$ref: '#/components/schemas/A', maxLength: 1}", "{A: {}}"), "/paths/~1x/post/requestBody/content/application~1json/schema/maxLength", "maxLength"},
		{"a mistake that affects no verdict", strings.Replace(body30("{}", ""), "version: '1'", "version: ''", 1), "", "version must be a non-empty string"},
		{"an undefined scheme", "security: [{k: []}]\n" + body30("{}", ""), "/security/0/k", "k is not defined"},
		{"a flag for required", body30("{properties: {a: {required: true}}}", ""), "/paths/~1x/post/requestBody/content/application~1json/schema/properties/a/required", "list of members"},
		{"a list of types in 3.0", body30("{type: [string, 'null']}", ""), "/paths/~1x/post/requestBody/content/application~1json/schema/type", "3.1"},
		{"a bound of the other version", body30("{exclusiveMinimum: 1}", ""), "/paths/~1x/post/requestBody/content/application~1json/schema/exclusiveMinimum", "other version"},
		{"a schema that is null", body30("{properties: {a: }}", ""), "/paths/~1x/post/requestBody/content/application~1json/schema/properties/a", "any value"},
		{"a mapping that leads nowhere", body30("{oneOf: [{type: object}], discriminator: {propertyName: k, mapping: {a: B}}}", ""), "/paths/~1x/post/requestBody/content/application~1json/schema/discriminator/mapping/a", "leads"},
		{"a header that cannot be a parameter", document("{/x: {get: {parameters: [{name: Accept, in: header}]}}}", ""), "/paths/~1x/get/parameters/0", "Accept"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := load(t, tt.text)
			found := 0
			for _, w := range d.Warnings {
				if w.Pointer == tt.pointer && strings.Contains(w.Text, tt.want) {
					found++
				}
			}
			if found != 1 || len(d.Spots) != 0 {
				t.Errorf("got %v and the spots %v; want one at %q with %q", d.Warnings, d.Spots, tt.pointer, tt.want)
			}
		})
	}
}

func TestNoWarnings(t *testing.T) {
	t.Parallel()
	text := strings.Replace(body31("{type: object, title: a, description: b, default: {}, examples: [{}], $comment: c, deprecated: true, xml: {}, properties: {x-a: {}, example: {format: uuid}}, x-own: 1, x-go-name: A, x-maxBytes: 1}", ""),
		"info:", "x-own: 1\ninfo:", 1)
	d, err := Load(t.Context(), []byte(text), Options{IgnoredExtensions: []string{"x-own"}})
	if err != nil || len(d.Warnings) != 0 {
		t.Errorf("got %v, %v; want no warnings", d.Warnings, err)
	}
}

func TestComponent(t *testing.T) {
	t.Parallel()
	d := load(t, body30("{$ref: '#/components/schemas/A'}", "{A: {properties: {a: {readOnly: true}}}, B: {}}"))
	request, response := d.Component("A", Request), d.Component("A", Response)
	if request != d.Operations[0].Request[0].Schema || show(request) != "a:readOnly" || show(response) != "a:any" {
		t.Errorf("got %s and %s", show(request), show(response))
	}
	if d.Component("B", Request) != nil {
		t.Error("got a component that no operation uses")
	}
	merged := load(t, body30("{allOf: [{$ref: '#/components/schemas/A'}], maxProperties: 1}", "{A: {minProperties: 1}}"))
	if s := merged.Component("A", Request); s != nil {
		t.Errorf("got %s, which is not compiled: it is merged into another schema", show(s))
	}
	if text, ok := d.JSON("/components/schemas/A/properties"); !ok || text != `{"a":{"readOnly":true}}` {
		t.Errorf("got %s", text)
	}
	if _, ok := d.JSON("/nope"); ok {
		t.Error("got a value for a missing place")
	}
}
