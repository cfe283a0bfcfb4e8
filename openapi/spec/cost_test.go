package spec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestCostIsLinear loads documents whose schemas share others: the paths through them far outnumber the places.
func TestCostIsLinear(t *testing.T) {
	t.Parallel()
	ref := func(level int) string { return fmt.Sprintf("{$ref: '#/components/schemas/L%d'}", level) }
	tests := []struct {
		name  string
		level func(next int) string
	}{
		{"allOf of duplicates", func(next int) string { return fmt.Sprintf("{allOf: [%s, %s]}", ref(next), ref(next)) }},
		{"allOf of two with the same part", func(next int) string {
			return fmt.Sprintf("{allOf: [{maxLength: 9, allOf: [%s]}, {pattern: a, allOf: [%s]}]}", ref(next), ref(next))
		}},
		{"anyOf of duplicates", func(next int) string { return fmt.Sprintf("{anyOf: [%s, %s]}", ref(next), ref(next)) }},
		{"oneOf and not", func(next int) string { return fmt.Sprintf("{oneOf: [%s], not: %s}", ref(next), ref(next)) }},
		{"if, then and else", func(next int) string {
			return fmt.Sprintf("{if: %s, then: %s, else: %s}", ref(next), ref(next), ref(next))
		}},
		{"eight members", func(next int) string {
			var members []string
			for i := range 8 {
				members = append(members, fmt.Sprintf("p%d: %s", i, ref(next)))
			}
			return "{type: object, properties: {" + strings.Join(members, ", ") + "}}"
		}},
		{"hidden members", func(next int) string {
			return fmt.Sprintf("{required: [a%d], properties: {a%d: {readOnly: true}}, anyOf: [%s, %s]}", next, next-1, ref(next), ref(next))
		}},
		{"allOf of members with the same part", func(next int) string {
			return fmt.Sprintf("{allOf: [{properties: {a: %s}}, {properties: {a: {allOf: [%s], minProperties: 1}}}]}", ref(next), ref(next))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			steps := func(levels int) int {
				var schemas []string
				for i := range levels {
					schemas = append(schemas, fmt.Sprintf("L%d: %s", i, tt.level(i+1)))
				}
				components := "{" + strings.Join(schemas, ", ") + fmt.Sprintf(", L%d: {type: object, required: [a1]}}", levels)
				d := load(t, strings.Replace(body31(ref(0), components), "application/json", "'*/*'", 1))
				if len(d.Spots) > 0 {
					t.Errorf("got spots %v", d.Spots)
				}
				return d.steps
			}
			if few, many := steps(20), steps(40); many > 3*few {
				t.Errorf("%d steps for 20 levels, and %d for 40", few, many)
			}
		})
	}
}

func TestLoadEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Load(ctx, []byte(body30("{type: string}", "")), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestCostIsBounded loads small documents whose schemas multiply. What exceeds the limits is a spot, or stays unmerged.
func TestCostIsBounded(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, components string }{
		{"circles of coprime lengths", cyclesOfMembers(2, 3, 5, 7, 11, 13, 17, 19)},
		{"a circle of all pairs", dense(14)},
		{"dynamic scopes", scopes(20)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := load(t, body31("{$ref: '#/components/schemas/A0'}", tt.components))
			if d.steps > 3<<18 {
				t.Errorf("%d steps", d.steps)
			}
		})
	}
}

// cyclesOfMembers has schemas for the same value that return to themselves after the given numbers of members.
func cyclesOfMembers(lengths ...int) string {
	var parts, all []string
	for _, length := range lengths {
		all = append(all, fmt.Sprintf("{$ref: '#/components/schemas/C%d_0'}", length))
		for i := range length {
			parts = append(parts, fmt.Sprintf("C%d_%d: {minProperties: %d, properties: {x: {$ref: '#/components/schemas/C%d_%d'}}}", length, i, i, length, (i+1)%length))
		}
	}
	return "{A0: {allOf: [" + strings.Join(all, ", ") + "]}, " + strings.Join(parts, ", ") + "}"
}

func dense(n int) string {
	var parts []string
	for i := range n {
		var all []string
		for j := range n {
			if j != i {
				all = append(all, fmt.Sprintf("{maxLength: %d, anyOf: [{$ref: '#/components/schemas/A%d'}, {minLength: %d}]}", j, j, i))
			}
		}
		parts = append(parts, fmt.Sprintf("A%d: {maxItems: %d, allOf: [%s]}", i, i, strings.Join(all, ", ")))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// scopes has resources, each of which may be entered or skipped before the next.
func scopes(n int) string {
	var parts []string
	for i := range n {
		next := fmt.Sprintf("{$ref: '#/components/schemas/A%d'}", i+1)
		parts = append(parts, fmt.Sprintf("A%d: {properties: {a: %s, b: {$ref: 'https://a.example/r%d'}}}", i, next, i))
		parts = append(parts, fmt.Sprintf("R%d: {$id: 'https://a.example/r%d', properties: {n: %s}, $defs: {d: {$dynamicAnchor: d%d}}}", i, i, next, i))
	}
	return "{" + strings.Join(parts, ", ") + fmt.Sprintf(", A%d: {}}", n)
}
