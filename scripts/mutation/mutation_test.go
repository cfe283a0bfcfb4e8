package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMutate(t *testing.T) {
	t.Parallel()
	const document = `
paths:
  /x:
    get:
      operationId: x
      parameters:
        - name: $q
          in: query
          x-odata-option: true
          schema: { type: integer, minimum: 1 }
      responses:
        '200':
          content:
            application/json:
              schema: { $ref: '#/components/schemas/o' }
components:
  schemas:
    o:
      type: object
      required: [a]
      properties:
        a: { type: string, enum: [v], nullable: true }
        b: { $ref: '#/components/schemas/s' }
    s: { type: string, pattern: '^a|b{2}$', maxLength: 2 }
    unused: { type: string, maxLength: 1 }
`
	mutants, err := mutate([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range mutants {
		got = append(got, m.String())
	}
	const p = "/paths/~1x/get/parameters/0"
	const o, s = "/components/schemas/o", "/components/schemas/s"
	want := []string{
		p + ": dropped", p + "/required: added as true", p + "/x-odata-option: made false", p + "/in: made header", p + "/name: lengthened", p + "/schema/nullable: added as true",
		p + "/schema/type: dropped", p + "/schema/type: made string",
		p + "/schema/minimum: dropped", p + "/schema/minimum: moved to 0", p + "/schema/minimum: moved to 2", p + "/schema/exclusiveMinimum: added as true",
		"/paths/~1x/get/responses/200: dropped",
		o + "/nullable: added as true", o + "/type: dropped", o + "/type: made array", o + "/required: dropped", o + "/required/0: dropped",
		o + "/properties: dropped", o + "/properties/a: dropped", o + "/properties/b: dropped",
		o + "/properties/a/nullable: made false", o + "/properties/a/type: dropped", o + "/properties/a/type: made integer", o + "/properties/a/enum: dropped",
		o + "/properties/a/enum/0: dropped", o + "/properties/a/enum/0: lengthened", o + "/properties/a/enum: one more value",
		o + "/properties/b: made any string",
		s + "/nullable: added as true", s + "/type: dropped", s + "/type: made integer", s + "/pattern: dropped",
		s + `/pattern: without alternative ^a (part 1)`, s + `/pattern: without alternative (?:b{2}$) (part 1)`, s + "/pattern: anchor dropped (part 3)",
		s + "/pattern: {2} of b moved by -1 (part 6)", s + "/pattern: {2} of b moved by 1 (part 6)", s + "/pattern: anchor dropped (part 8)",
		s + "/maxLength: dropped", s + "/maxLength: moved to 1", s + "/maxLength: moved to 3",
		o + "/additionalProperties: added as false", o + "/required: b added",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	slices.Sort(got)
	if n := len(slices.Compact(got)); n != len(mutants) {
		t.Errorf("%d of %d mutants share a name", len(mutants)-n, len(mutants))
	}
}

func TestPatternVariants(t *testing.T) {
	t.Parallel()
	got, err := patternVariants(`a*b?c+d{1,2}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`a+b?c+d{1,2}`, `a?b?c+d{1,2}`, `a*b{1}c+d{1,2}`, `a*b*c+d{1,2}`, `a*b?c*d{1,2}`, `a*b?c?d{1,2}`,
		`a*b?c+d{0,2}`, `a*b?c+d{1}`, `a*b?c+d{2}`, `a*b?c+d{1,3}`,
	}
	var patterns []string
	for _, v := range got {
		patterns = append(patterns, v.pattern)
	}
	slices.Sort(patterns)
	slices.Sort(want)
	if diff := cmp.Diff(want, patterns); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
