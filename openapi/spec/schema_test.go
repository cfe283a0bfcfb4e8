package spec

import "testing"

func TestSchema(t *testing.T) {
	t.Parallel()
	const s = "{S: {type: string, minLength: 2}}"
	tests := []struct{ name, document, want string }{
		{"types of 3.0", body30("{type: number}", ""), "number"},
		{"nullable adds null to the type", body30("{type: string, nullable: true}", ""), "null|string"},
		{"nullable does not change an enum without null", body30("{type: string, nullable: true, enum: [a]}", ""), `null|string enum ["a"]`},
		{"nullable without a type is an annotation", body30("{nullable: true, minLength: 1}", ""), "minLength 1"},
		{"nullable is an annotation in 3.1", body31("{type: string, nullable: true}", ""), "string"},
		{"lists of types", body31("{type: [string, 'null']}", ""), "null|string"},
		{"const is an enum of one", body31("{const: {b: 1, a: [null]}}", ""), `enum [{"b":1,"a":[null]}]`},
		{"const and enum both count", body31("{const: 1, enum: [1.0, 2]}", ""), `enum [1.0]`},
		{"duplicates in an enum are dropped", body30("{enum: [a, 1, a, 1.0]}", ""), `enum ["a",1]`},
		{"exclusive bounds of 3.0", body30("{minimum: 1, exclusiveMinimum: true}", ""), "min (1)"},
		{"exclusive bounds of 3.1", body31("{minimum: 1, exclusiveMinimum: 1}", ""), "min (1)"},
		{"exclusive bounds of the other version", body30("{minimum: 1, exclusiveMinimum: 2}", ""), "min (2)"},
		{"flags of the other version", body31("{maximum: 1, exclusiveMaximum: true, minimum: 0, exclusiveMinimum: false}", ""), "min 0 max (1)"},
		{"types of the other version", body30("{type: [integer, 'null'], properties: {a: {type: 'null'}, b: {type: [string], nullable: true}}}", ""), "integer|null a:null b:null|string"},
		{"null without quotes is a type in a list", body31("{type: [string, null]}", ""), "null|string"},
		{"a flag for required is an annotation", body30("{properties: {a: {type: string, required: true}}}", ""), "a:string"},
		{"names without a value are absent", body31("{type: string, minLength: , enum: , properties: , required: , allOf: , items: , pattern: , not: , nullable: , discriminator: }", ""), "string"},
		{"but a constant can be null", body31("{const: null}", ""), "enum [null]"},
		{"the tighter bound counts", body31("{minimum: 2, exclusiveMinimum: 1}", ""), "min 2"},
		{"numbers keep their digits", body30("{maximum: 9223372036854775807.0}", ""), "max 9223372036854775807.0"},
		{"siblings of $ref are ignored in 3.0", body30("{$ref: '#/components/schemas/S', maxLength: 3}", s), "string minLength 2"},
		{"siblings of $ref count in 3.1", body31("{$ref: '#/components/schemas/S', maxLength: 3}", s), "string minLength 2 maxLength 3"},
		{"keywords of 3.1 are annotations in 3.0", body30("{type: integer, const: 1, if: {}, patternProperties: {a: {}}}", ""), "integer"},
		{"unknown formats are annotations", body30("{type: string, format: colour}", ""), "string"},
		{"formats of another type are annotations", body30("{type: string, format: int32}", ""), "string"},
		{"boolean schemas", body31("{properties: {a: true, b: false}}", ""), "a:any b:never"},
		{"our extensions", body30("{type: object, x-ignore-members: '^@', x-ignore-maxDepth: 8, properties: {a: {x-maxBytes: 9}}}", ""), "object ignore ^@/8 a:{maxBytes 9}"},
		{"recursion is a cycle", body30("{$ref: '#/components/schemas/T'}", "{T: {type: array, items: {$ref: '#/components/schemas/T'}}}"), "array items:^T"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := requestOf(t, tt.document); got != tt.want {
				t.Errorf("got  %s\nwant %s\nfor %s", got, tt.want, tt.document)
			}
		})
	}
}
