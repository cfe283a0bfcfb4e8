package validate

import (
	"strings"
	"testing"
)

func TestUnreadableParameters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{in: query, name: v}": "",
		"{in: query, name: v, schema: {type: object, properties: {a: {type: array, items: {type: string}}}}}":             "",
		"{in: query, name: v, schema: {type: object, properties: {a: {type: array, items: {type: object}}}}}":             "within",
		"{in: query, name: v, schema: {type: object, properties: {a: {type: object}}}}":                                   "within",
		"{in: query, name: v, schema: {type: object, additionalProperties: {type: object}}}":                              "within",
		"{in: query, name: v, explode: false, schema: {type: object, properties: {a: {type: array}}}}":                    "within",
		"{in: query, name: v, explode: false, schema: {type: object, additionalProperties: {type: array}}}":               "within",
		"{in: query, name: v, schema: {type: array, items: {type: array}}}":                                               "within",
		"{in: query, name: v, schema: {type: array, items: {anyOf: [{type: array}, {type: string}]}}}":                    "",
		"{in: query, name: v, schema: {anyOf: [{type: object, properties: {a: {}}}, {type: string}]}}":                    "",
		"{in: query, name: v, explode: false, schema: {anyOf: [{type: object, properties: {a: {}}}, {type: string}]}}":    "something else",
		"{in: query, name: v, style: deepObject, explode: true, schema: {type: string}}":                                  "deepObject",
		"{in: query, name: v, style: deepObject, explode: true, schema: {type: object, properties: {a: {type: object}}}}": "",
		"{in: query, name: v, style: pipeDelimited, explode: true, schema: {type: object}}":                               "pipeDelimited",
		"{in: query, name: v, style: spaceDelimited, explode: true, schema: {type: object}}":                              "spaceDelimited",
		"{in: query, name: v, style: pipeDelimited, explode: true, schema: {type: array}}":                                "",
		"{in: cookie, name: v, schema: {type: object}}":                                                                   "cookie",
		"{in: cookie, name: v, schema: {type: array}}":                                                                    "",
		"{in: cookie, name: v, content: {application/xml: {schema: {type: object}}}}":                                     "application/xml",
		"{in: cookie, name: v, content: {application/json: {schema: {type: object, properties: {a: {type: object}}}}}}":   "",
		"{in: path, name: v, schema: {type: object, properties: {a: {type: array}}}}":                                     "within",
	} {
		if got := write(t, text).parameter().Unreadable(); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestUnreadableBodies(t *testing.T) {
	t.Parallel()
	const object = "{schema: {type: object}}"
	for _, tt := range []struct{ mediaType, text, want string }{
		{"application/json", object, ""}, {"*/*", object, ""}, {"application/*", object, ""}, {"application/*+json", object, ""}, {formType, object, ""}, {multipartType, object, ""},
		{"application/xml", "{}", ""}, {"application/xml", object, "application/xml"}, {"text/csv", "{schema: {items: {}}}", "text/csv"}, {"text/csv", "{schema: {type: [string, object]}}", ""},
		{"multipart/mixed", object, "multipart/mixed"}, {formType, "{schema: {type: string}}", "form"}, {multipartType, "{schema: {type: array}}", "form"}, {formType, "{schema: {}}", ""},
	} {
		got := body(t, tt.mediaType, tt.text).Unreadable()
		if !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s %s: got %q, want %q", tt.mediaType, tt.text, got, tt.want)
		}
	}
}

// TestShapesAreLinear: schemas that refer to each other in many ways are visited once.
func TestShapesAreLinear(t *testing.T) {
	t.Parallel()
	s := of(Object)
	for range 40 {
		inner := s
		s = of(AnyType, func(s *Schema) {
			s.AllOf = []*Schema{inner, of(AnyType, func(s *Schema) { s.AllOf = []*Schema{inner} })}
			s.Properties = []Property{{Name: "a", Schema: inner}, {Name: "b", Schema: inner}}
			s.Items = inner
		})
	}
	shape := shapeOf(s)
	if !shape.must(Object) || len(shape.schemas) != 81 {
		t.Errorf("got the types %b and %d schemas, want an object and 81", shape.kinds, len(shape.schemas))
	}
	for range 40 {
		shape = shape.member("a")
	}
	if n := len(shape.of.kept); n > 200 {
		t.Errorf("%d shapes are kept, want one or two per level", n)
	}
}

// TestImpliedTypes: each keyword implies the type of a schema without one.
func TestImpliedTypes(t *testing.T) {
	t.Parallel()
	free, n := of(AnyType), count(1)
	for name, tt := range map[string]struct {
		schema *Schema
		want   Types
	}{
		"nothing":               {&Schema{}, 0},
		"minimum":               {&Schema{Minimum: &Bound{}}, Number},
		"maximum":               {&Schema{Maximum: &Bound{}}, Number},
		"multipleOf":            {&Schema{MultipleOf: []string{"2"}}, Number},
		"a number format":       {&Schema{Format: "uint8"}, Number},
		"another number format": {&Schema{Format: "double"}, Number},
		"a string format":       {&Schema{Format: "date"}, String},
		"minLength":             {&Schema{MinLength: n}, String},
		"maxLength":             {&Schema{MaxLength: n}, String},
		"x-maxBytes":            {&Schema{MaxBytes: n}, String},
		"pattern":               {&Schema{Patterns: []*Pattern{}}, String},
		"items":                 {&Schema{Items: free}, Array},
		"prefixItems":           {&Schema{PrefixItems: []*Schema{free}}, Array},
		"contains":              {&Schema{Contains: free}, Array},
		"minItems":              {&Schema{MinItems: n}, Array},
		"maxItems":              {&Schema{MaxItems: n}, Array},
		"uniqueItems":           {&Schema{UniqueItems: true}, Array},
		"unevaluatedItems":      {&Schema{UnevaluatedItems: free}, Array},
		"properties":            {&Schema{Properties: []Property{}}, Object},
		"patternProperties":     {&Schema{PatternProperties: []PatternProperty{}}, Object},
		"additionalProperties":  {&Schema{AdditionalProperties: free}, Object},
		"required":              {&Schema{Required: []string{}}, Object},
		"propertyNames":         {&Schema{PropertyNames: free}, Object},
		"minProperties":         {&Schema{MinProperties: n}, Object},
		"maxProperties":         {&Schema{MaxProperties: n}, Object},
		"dependentRequired":     {&Schema{DependentRequired: []DependentRequired{}}, Object},
		"dependentSchemas":      {&Schema{DependentSchemas: []Property{}}, Object},
		"unevaluatedProperties": {&Schema{UnevaluatedProperties: free}, Object},
		"enum":                  {&Schema{Enum: values(`"a"`, "1", "true", "null", "[]", "{}")}, String | Number | Boolean | Array | Object},
		"enum takes precedence": {&Schema{Enum: values("1"), MinLength: n}, Number},
		"an unchecked schema":   {&Schema{MinLength: n, Unjudged: "why"}, 0},
	} {
		tt.schema.Types = AnyType
		if got := shapeOf(tt.schema).kinds; got != tt.want {
			t.Errorf("%s: got %b, want %b", name, got, tt.want)
		}
	}
}
