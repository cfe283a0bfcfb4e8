package spec

import "testing"

func TestMerge(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, schema, components, want string }{
		{"properties and required", "{allOf: [{required: [a], properties: {a: {}}}, {required: [a, b], properties: {b: {}}}]}", "", "required [a b] a:any b:any"},
		{"a property of two parts must satisfy both", "{allOf: [{properties: {a: {type: [string, 'null']}}}, {properties: {a: {enum: [x, null, 1]}}}]}", "", `a:{null|string enum ["x",null,1]}`},
		{"types and enums intersect", "{allOf: [{type: number, enum: [1, 2, 3.0]}, {type: integer}, {enum: [3, 1]}]}", "", "integer enum [1,3.0]"},
		{"the tighter bounds", "{minimum: 1, maxLength: 5, allOf: [{exclusiveMinimum: 1, maxLength: 9}, {maximum: 4, minLength: 2}]}", "", "min (1) max 4 minLength 2 maxLength 5"},
		{"patterns and multiples all count", "{pattern: a, multipleOf: 2, allOf: [{pattern: b, multipleOf: 3}, {pattern: a}]}", "", "multipleOf 3 multipleOf 2 pattern b pattern a"},
		{"different formats stay separate", "{format: uuid, allOf: [{format: uri}]}", "", "format uuid allOf [format uri]"},
		{"a format in one part", "{allOf: [{type: string}, {format: uri}]}", "", "string format uri"},
		{"items and prefixItems", "{allOf: [{items: {type: string}}, {prefixItems: [{maxLength: 1}], items: {minLength: 2}}]}", "", "items:{string minLength 2} prefix [string maxLength 1]"},
		{"contains of two parts stay separate", "{contains: {const: 1}, allOf: [{contains: {const: 2}}]}", "", "contains:{enum [1]} allOf [contains:{enum [2]}]"},
		{"a closed part rejects other names", "{allOf: [{properties: {a: {}}, additionalProperties: false}, {properties: {b: {}}}]}", "", "a:any *:never allOf [b:any]"},
		{"a closed part with all names", "{allOf: [{properties: {a: {}, b: {}}, additionalProperties: false}, {properties: {b: {type: string}}}]}", "", "a:any b:string *:never"},
		{"additionalProperties apply to names that only others declare", "{allOf: [{properties: {a: {}}, additionalProperties: {maxLength: 3}}, {properties: {b: {type: string}}}]}", "", "a:any b:{string maxLength 3} *:{maxLength 3}"},
		{"additionalProperties next to patterns", "{additionalProperties: {type: string}, allOf: [{patternProperties: {a: {}}}]}", "", "*:string allOf [/a/:any]"},
		{"a pattern exempts names that only others declare", "{allOf: [{patternProperties: {'^a': {maxLength: 3}}, additionalProperties: {type: integer}}, {properties: {ab: {minLength: 1}, b: {minimum: 1}}}]}", "", "ab:{minLength 1} b:{integer min 1} /^a/:{maxLength 3} *:integer"},
		{"in either order", "{allOf: [{properties: {ab: {minLength: 1}, b: {minimum: 1}}}, {patternProperties: {'^a': {maxLength: 3}}, additionalProperties: {type: integer}}]}", "", "ab:{minLength 1} b:{integer min 1} /^a/:{maxLength 3} *:integer"},
		{"unevaluatedProperties sees allOf", "{allOf: [{properties: {a: {}}}], unevaluatedProperties: false}", "", "a:any unevaluated:never"},
		{"unevaluatedProperties of a part stays there", "{properties: {b: {}}, allOf: [{properties: {a: {}}, unevaluatedProperties: false}]}", "", "b:any allOf [a:any unevaluated:never]"},
		{"alternatives of one part", "{allOf: [{type: object, oneOf: [{required: [a]}, {required: [b]}]}], maxProperties: 3}", "", "object maxProperties 3 oneOf [required [a], required [b]]"},
		{"alternatives of two parts stay separate", "{anyOf: [{type: object}], allOf: [{anyOf: [{type: array}]}]}", "", "allOf [anyOf [array]] anyOf [object]"},
		{"oneOf of two parts stays separate", "{oneOf: [{type: object}], allOf: [{oneOf: [{type: array}]}]}", "", "allOf [oneOf [array]] oneOf [object]"},
		{"a discriminator stays with its alternatives", "{anyOf: [{type: object}], allOf: [{oneOf: [{properties: {k: {const: x}}}], discriminator: {propertyName: k}}]}", "", `allOf [oneOf [k:{enum ["x"]}] by k(x=0)] anyOf [object]`},
		{"not of two parts", "{not: {const: 1}, allOf: [{not: {const: 2}}]}", "", "not:{enum [1]} allOf [not:{enum [2]}]"},
		{"a duplicate part", "{allOf: [{$ref: '#/components/schemas/A'}, {$ref: '#/components/schemas/A'}]}", "{A: {anyOf: [{type: object}]}}", "anyOf [object]"},
		{"recursion of two parts", "{allOf: [{$ref: '#/components/schemas/A'}, {$ref: '#/components/schemas/B'}]}", "{A: {properties: {x: {$ref: '#/components/schemas/A'}}}, B: {minProperties: 1, properties: {x: {$ref: '#/components/schemas/B'}}}}", "minProperties 1 x:{minProperties 1 x:^B}"},
		{"our extensions", "{allOf: [{x-ignore-members: '^@', x-maxBytes: 9}, {x-maxBytes: 7}]}", "", "maxBytes 7 ignore ^@/0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := requestOf(t, body31(tt.schema, tt.components)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
