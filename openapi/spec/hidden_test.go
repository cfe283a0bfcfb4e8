package spec

import "testing"

func TestHiddenMembers(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, schema, components, request, response string }{
		{
			"readOnly is forbidden in requests, writeOnly in responses",
			"{required: [a, b, c], properties: {a: {readOnly: true}, b: {writeOnly: true}, c: {}}}", "",
			"required [b c] a:readOnly b:any c:any", "required [a c] a:any b:writeOnly c:any",
		},
		{
			"through a reference and allOf",
			"{properties: {a: {$ref: '#/components/schemas/A'}, b: {allOf: [{$ref: '#/components/schemas/A'}]}}}", "{A: {readOnly: true}}",
			"a:readOnly b:readOnly", "a:any b:any",
		},
		{
			"a sibling of $ref in 3.1",
			"{properties: {a: {$ref: '#/components/schemas/A', readOnly: true}}}", "{A: {type: string}}",
			"a:readOnly", "a:string",
		},
		{
			"required by a parent, hidden by alternatives",
			"{required: [a, b], oneOf: [{properties: {a: {readOnly: true}}}, {properties: {a: {readOnly: true}, c: {}}}]}", "",
			"required [b] oneOf [a:readOnly, a:readOnly c:any]", "required [a b] oneOf [a:any, a:any c:any]",
		},
		{
			"required by alternatives, hidden by a parent",
			"{properties: {a: {readOnly: true}}, anyOf: [{required: [a]}, {required: [b]}], if: {required: [a]}, then: {required: [a, b]}, not: {required: [a]}}", "",
			"a:readOnly not:{required [a]} if:{required [a]} then:{required [b]} anyOf [any, required [b]]",
			"a:any not:{required [a]} if:{required [a]} then:{required [a b]} anyOf [required [a], required [b]]",
		},
		{
			"one alternative hides, another requires",
			"{oneOf: [{properties: {a: {readOnly: true}}}, {required: [a]}]}", "",
			"oneOf [a:readOnly, required [a]]", "oneOf [a:any, required [a]]",
		},
		{
			"required in one part of allOf, hidden in another",
			"{allOf: [{required: [a, b]}, {properties: {a: {readOnly: true}}}]}", "",
			"required [b] a:readOnly", "required [a b] a:any",
		},
		{
			"required by a component, hidden by the referring schema",
			"{properties: {x: {$ref: '#/components/schemas/A'}, y: {allOf: [{$ref: '#/components/schemas/A'}], properties: {a: {readOnly: true}}}}}", "{A: {required: [a]}}",
			"x:{required [a]} y:a:readOnly", "x:{required [a]} y:{required [a] a:any}",
		},
		{
			"required by an alternative of a component, hidden by the referring schema",
			"{allOf: [{$ref: '#/components/schemas/A'}], properties: {a: {readOnly: true}}}", "{A: {anyOf: [{required: [a, b]}, {maxProperties: 1}]}}",
			"a:readOnly anyOf [required [b], maxProperties 1]", "a:any anyOf [required [a b], maxProperties 1]",
		},
		{
			"dependentRequired", "{properties: {a: {readOnly: true}}, dependentRequired: {b: [a], c: [a, d]}}", "",
			"dependent c[d] a:readOnly", "dependent b[a] dependent c[a d] a:any",
		},
		{
			"members below not are not hidden", "{not: {required: [a], properties: {a: {readOnly: true}}}}", "",
			"not:{required [a] a:any}", "not:{required [a] a:any}",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := body31(tt.schema, tt.components)
			if got := requestOf(t, text); got != tt.request {
				t.Errorf("in requests\ngot  %s\nwant %s", got, tt.request)
			}
			if got := responseOf(t, text); got != tt.response {
				t.Errorf("in responses\ngot  %s\nwant %s", got, tt.response)
			}
		})
	}
}

func TestHiddenIsLess30(t *testing.T) {
	t.Parallel()
	text := body30("{properties: {a: {$ref: '#/components/schemas/A', readOnly: true}}}", "{A: {type: string}}")
	if got, want := requestOf(t, text), "a:string"; got != want {
		t.Errorf("next to $ref in 3.0: got %s, want %s", got, want)
	}
}
