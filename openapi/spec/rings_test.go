package spec

import "testing"

func TestCircles(t *testing.T) {
	t.Parallel()
	const family = `{
		Pet: {required: [kind], properties: {kind: {type: string}}, oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}], discriminator: {propertyName: kind}},
		Cat: {allOf: [{$ref: '#/components/schemas/Pet'}, {properties: {lives: {type: integer}}}]},
		Dog: {allOf: [{$ref: '#/components/schemas/Pet'}], properties: {bark: {type: boolean}}}}`
	const three = `{
		A: {properties: {a: {}}, anyOf: [{$ref: '#/components/schemas/B'}, {maxProperties: 1}]},
		B: {properties: {b: {}}, allOf: [{$ref: '#/components/schemas/A'}], oneOf: [{$ref: '#/components/schemas/C'}, {minProperties: 9}]},
		C: {properties: {c: {}}, allOf: [{$ref: '#/components/schemas/B'}]}}`
	tests := []struct{ name, schema, components, want string }{
		{
			"the children of a parent do not have its alternatives", "{$ref: '#/components/schemas/Pet'}", family,
			"required [kind] kind:string oneOf [required [kind] kind:string lives:integer, required [kind] kind:string bark:boolean] by kind(Cat=Cat Dog=Dog)",
		},
		{"the parent of a child does not have its alternatives", "{$ref: '#/components/schemas/Cat'}", family, "required [kind] kind:string lives:integer"},
		{
			"three generations", "{$ref: '#/components/schemas/A'}", three,
			"a:any anyOf [a:any b:any oneOf [a:any b:any c:any, minProperties 9], maxProperties 1]",
		},
		{"the youngest of three generations", "{$ref: '#/components/schemas/C'}", three, "a:any b:any c:any"},
		{"two ways to the same child", "{$ref: '#/components/schemas/A'}", `{
			P: {properties: {p: {}}, anyOf: [{$ref: '#/components/schemas/B'}]},
			A: {properties: {a: {}}, allOf: [{$ref: '#/components/schemas/P'}], oneOf: [{$ref: '#/components/schemas/B'}]},
			B: {properties: {b: {}}, allOf: [{$ref: '#/components/schemas/A'}]}}`, "p:any a:any anyOf [p:any a:any b:any] oneOf [p:any a:any b:any]"},
		{"allOf of itself adds nothing", "{$ref: '#/components/schemas/A'}", "{A: {maxLength: 1, allOf: [{$ref: '#/components/schemas/A'}]}}", "maxLength 1"},
		{"allOf of each other", "{$ref: '#/components/schemas/A'}", "{A: {maxLength: 1, allOf: [{$ref: '#/components/schemas/B'}]}, B: {minLength: 1, allOf: [{$ref: '#/components/schemas/A'}]}}", "minLength 1 maxLength 1"},
		{"a reference to itself cannot be checked", "{$ref: '#/components/schemas/A'}", "{A: {$ref: '#/components/schemas/A'}}", "unjudged /paths/~1x/post/requestBody/content/application~1json/schema"},
		{"not of itself cannot be checked", "{$ref: '#/components/schemas/A'}", "{A: {maxLength: 1, not: {$ref: '#/components/schemas/A'}}}", "maxLength 1 allOf [unjudged /components/schemas/A/not]"},
		{"an alternative that is the schema itself cannot be checked", "{$ref: '#/components/schemas/A'}", "{A: {maxLength: 1, oneOf: [{$ref: '#/components/schemas/A'}]}}", "maxLength 1 allOf [unjudged /components/schemas/A/oneOf/0]"},
		{"members may lead back", "{$ref: '#/components/schemas/A'}", "{A: {properties: {x: {allOf: [{$ref: '#/components/schemas/A'}]}}}}", "x:x:^x"},
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

func TestDiscriminator(t *testing.T) {
	t.Parallel()
	const pets = "{Cat: {properties: {kind: {}}}, a.b.Dog: {properties: {kind: {enum: [dog, hound]}}}}"
	const both = "[{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/a.b.Dog'}]"
	tests := []struct{ name, schema, want string }{
		{"without a mapping, names and constants select", "{oneOf: " + both + ", discriminator: {propertyName: kind}}", "by kind(Cat=Cat a.b.Dog=a.b.Dog dog=a.b.Dog hound=a.b.Dog)"},
		{"anyOf", "{anyOf: " + both + ", discriminator: {propertyName: kind}}", "by kind(Cat=Cat a.b.Dog=a.b.Dog dog=a.b.Dog hound=a.b.Dog)"},
		{"a mapping selects, and names still count", "{oneOf: " + both + ", discriminator: {propertyName: kind, mapping: {c: '#/components/schemas/Cat', d: a.b.Dog}}}", "only by kind(Cat=Cat a.b.Dog=a.b.Dog c=Cat d=a.b.Dog dog=a.b.Dog hound=a.b.Dog)"},
		{"a mapping precedes names", "{oneOf: " + both + ", discriminator: {propertyName: kind, mapping: {Cat: a.b.Dog}}}", "only by kind(Cat=a.b.Dog a.b.Dog=a.b.Dog dog=a.b.Dog hound=a.b.Dog)"},
		{"inline alternatives", "{oneOf: [{properties: {kind: {const: x}}}, {type: 'null'}], discriminator: {propertyName: kind}}", "by kind(x=0)"},
		{"alternatives of an alternative", "{oneOf: [{oneOf: [{properties: {kind: {const: x}}}, {properties: {kind: {const: y}}}]}], discriminator: {propertyName: kind}}", "by kind(x=0 y=0)"},
		{"next to both, it belongs to oneOf", "{anyOf: [{type: object}], oneOf: " + both + ", discriminator: {propertyName: kind}}", "by kind(Cat=Cat a.b.Dog=a.b.Dog dog=a.b.Dog hound=a.b.Dog)"},
		{"without alternatives it is an annotation", "{type: object, discriminator: {propertyName: kind, mapping: {c: Cat}}}", "object"},
		{"a mapping that names no alternative", "{oneOf: [{$ref: '#/components/schemas/Cat'}], discriminator: {propertyName: kind, mapping: {c: Cat, d: a.b.Dog}}}", "only by kind(Cat=Cat c=Cat)"},
		{"a mapping that names an alternative's alternative", "{oneOf: [{oneOf: " + both + "}], discriminator: {propertyName: kind, mapping: {c: Cat}}}", "only by kind(c=Cat dog=0 hound=0)"},
		{"an unresolvable mapping next to another", "{oneOf: " + both + ", discriminator: {propertyName: kind, mapping: {c: Cat, l: Lion}}}", "only by kind(Cat=Cat a.b.Dog=a.b.Dog c=Cat dog=a.b.Dog hound=a.b.Dog)"},
		{"an unresolvable mapping alone is none", "{oneOf: " + both + ", discriminator: {propertyName: kind, mapping: {l: Lion}}}", `{enum ["dog","hound"]}] by kind(Cat=Cat a.b.Dog=a.b.Dog dog=a.b.Dog hound=a.b.Dog)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := requestOf(t, body31(tt.schema, pets))
			if len(got) < len(tt.want) || got[len(got)-len(tt.want):] != tt.want {
				t.Errorf("got  %s\nwant %s at the end", got, tt.want)
			}
		})
	}
}
