package main

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// boundaries returns JSON texts at the bounds of a schema: a probably valid value, and variants with one place just
// within or just beyond a bound. It is for tests in which every rule of a schema must affect a verdict. Schemas are
// followed through five levels of values.
func boundaries(s *validate.Schema) []string {
	var texts []string
	for _, v := range values([]*validate.Schema{s}, 5) {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err) // the values made here always encode
		}
		texts = append(texts, string(text))
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// choices returns the sets of schemas that may apply to one value: the given ones with those they are composed of, and one
// of each list of alternatives. Schemas under not and in conditions are choices too.
func choices(schemas []*validate.Schema) [][]*validate.Schema {
	all := [][]*validate.Schema{nil}
	for _, s := range schemas {
		if s == nil {
			continue
		}
		all = combined(all, [][]*validate.Schema{{withoutApplied(s)}})
		for _, part := range s.AllOf {
			all = combined(all, choices([]*validate.Schema{part}))
		}
		for _, list := range [][]*validate.Schema{s.AnyOf, s.OneOf} {
			if len(list) > 0 {
				all = combined(all, each(list))
			}
		}
		conditions := slices.DeleteFunc([]*validate.Schema{s.Not, s.If, s.Then, s.Else}, func(s *validate.Schema) bool { return s == nil })
		for _, p := range s.DependentSchemas {
			conditions = append(conditions, p.Schema)
		}
		all = combined(all, append([][]*validate.Schema{nil}, each(conditions)...))
	}
	return all
}

// each returns the choices with one of the schemas each.
func each(schemas []*validate.Schema) [][]*validate.Schema {
	var all [][]*validate.Schema
	for _, s := range schemas {
		all = append(all, choices([]*validate.Schema{s})...)
	}
	return all
}

// combined returns the combinations of both lists, up to two dozen.
func combined(a, b [][]*validate.Schema) [][]*validate.Schema {
	var all [][]*validate.Schema
	for _, first := range a {
		for _, second := range b {
			all = append(all, slices.Concat(first, second))
		}
	}
	return all[:min(len(all), 24)]
}

// withoutApplied returns the schema without those that apply to the same value.
func withoutApplied(s *validate.Schema) *validate.Schema {
	return &validate.Schema{
		Types: s.Types, Enum: s.Enum, Format: s.Format, Minimum: s.Minimum, Maximum: s.Maximum, MultipleOf: s.MultipleOf,
		MinLength: s.MinLength, MaxLength: s.MaxLength, MaxBytes: s.MaxBytes, Patterns: s.Patterns,
		MinItems: s.MinItems, MaxItems: s.MaxItems, UniqueItems: s.UniqueItems, PrefixItems: s.PrefixItems, Items: s.Items,
		Contains: s.Contains, MinContains: s.MinContains, MaxContains: s.MaxContains, UnevaluatedItems: s.UnevaluatedItems,
		Properties: s.Properties, Required: s.Required, PatternProperties: s.PatternProperties, AdditionalProperties: s.AdditionalProperties,
		PropertyNames: s.PropertyNames, MinProperties: s.MinProperties, MaxProperties: s.MaxProperties,
		DependentRequired: s.DependentRequired, UnevaluatedProperties: s.UnevaluatedProperties,
	}
}

// values returns valid and invalid values, the best guess first.
func values(schemas []*validate.Schema, depth int) []any {
	all := []any{best(schemas, depth)}
	for _, parts := range choices(schemas) {
		all = append(all, objects(parts, depth)...)
		all = append(all, arrays(parts, depth)...)
		for _, s := range parts {
			all = append(all, enums(s)...)
			all = append(all, textsAt(s)...)
			all = append(all, numbersAt(s)...)
		}
	}
	return append(all, nil, true, false, json.Number("0"), json.Number("1.5"), "x", []any{}, map[string]any{})
}

// best returns a value that satisfies the first choice.
func best(schemas []*validate.Schema, depth int) any {
	return bestOf(choices(schemas)[0], depth)
}

func bestOf(parts []*validate.Schema, depth int) any {
	types := validate.AnyType
	for _, s := range parts {
		types &= s.Types
		if len(s.Enum) > 0 {
			return enums(s)[0]
		}
	}
	switch {
	case types&validate.Object != 0 && (types != validate.AnyType || hasMembers(parts)):
		return object(parts, depth)
	case types&validate.Array != 0 && types != validate.AnyType:
		return array(parts, depth, leastItems(parts))
	case types&validate.String != 0:
		return bestText(parts)
	case types&(validate.Number|validate.Integer) != 0:
		return bestNumber(parts)
	case types&validate.Boolean != 0:
		return true
	}
	return nil
}

func hasMembers(parts []*validate.Schema) bool {
	return slices.ContainsFunc(parts, func(s *validate.Schema) bool { return len(s.Properties)+len(s.Required) > 0 })
}

// properties returns the schemas of each member that a part names.
func properties(parts []*validate.Schema) map[string][]*validate.Schema {
	all := map[string][]*validate.Schema{}
	for _, s := range parts {
		for _, p := range s.Properties {
			all[p.Name] = append(all[p.Name], p.Schema)
		}
		for _, name := range s.Required {
			all[name] = append(all[name], nil)
		}
	}
	return all
}

func object(parts []*validate.Schema, depth int) map[string]any {
	o := map[string]any{}
	for name, schemas := range properties(parts) {
		isRequired := slices.ContainsFunc(parts, func(s *validate.Schema) bool { return slices.Contains(s.Required, name) })
		if isHidden(parts, name) || depth <= 0 && !isRequired || depth < -3 {
			continue
		}
		o[name] = best(schemas, depth-1)
	}
	for _, s := range parts {
		for name := range names("more") {
			if s.MinProperties == nil || len(o) >= *s.MinProperties {
				break
			}
			o[name] = best([]*validate.Schema{s.AdditionalProperties}, depth-1)
		}
	}
	return o
}

func isHidden(parts []*validate.Schema, name string) bool {
	return slices.ContainsFunc(parts, func(s *validate.Schema) bool {
		return slices.ContainsFunc(s.Properties, func(p validate.Property) bool { return p.Name == name && p.Hidden != "" })
	})
}

// names yields a name and an endless sequence of further ones.
func names(name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for yield(name) {
			name += "e"
		}
	}
}

// objects returns objects with one member changed, and of other sizes.
func objects(parts []*validate.Schema, depth int) []any {
	if depth <= 0 {
		return nil
	}
	base := object(parts, depth)
	least := object(parts, 0)
	all := []any{base, least}
	with := func(o map[string]any, name string, v any) {
		o = maps.Clone(o)
		o[name] = v
		all = append(all, o)
	}
	for name, schemas := range properties(parts) {
		for _, o := range []map[string]any{base, least} {
			o = maps.Clone(o)
			delete(o, name)
			all = append(all, o)
		}
		for _, v := range values(schemas, depth-1) {
			with(base, name, v)
		}
		for _, v := range values(schemas, min(depth-1, 1)) {
			with(least, name, v)
		}
	}
	for _, s := range parts {
		all = append(all, otherMembers(s, base, depth)...)
	}
	return all
}

// otherMembers adds undeclared members of every kind to an object, up to one more than the bounds allow.
func otherMembers(s *validate.Schema, base map[string]any, depth int) []any {
	var all []any
	with := func(name string, v any) {
		o := maps.Clone(base)
		o[name] = v
		all = append(all, o)
	}
	for _, v := range values([]*validate.Schema{s.AdditionalProperties}, min(depth-1, 2)) {
		with("unknown", v)
	}
	for _, p := range s.PatternProperties {
		for _, name := range matching([]*validate.Pattern{p.Pattern}) {
			for _, v := range values([]*validate.Schema{p.Schema}, 1) {
				with(name, v)
			}
		}
	}
	if s.PropertyNames != nil {
		for _, v := range values([]*validate.Schema{s.PropertyNames}, 0) {
			if name, ok := v.(string); ok {
				with(name, true)
			}
		}
	}
	for _, bound := range []*int{s.MinProperties, s.MaxProperties} {
		for _, by := range []int{-1, 0, 1} {
			if bound == nil {
				continue
			}
			o := maps.Clone(base)
			for _, name := range slices.Sorted(maps.Keys(base)) {
				if len(o) > *bound+by && !slices.Contains(s.Required, name) {
					delete(o, name)
				}
			}
			for name := range names("more") {
				if len(o) >= *bound+by {
					break
				}
				o[name] = best([]*validate.Schema{s.AdditionalProperties}, 1)
			}
			all = append(all, o)
		}
	}
	return all
}

func leastItems(parts []*validate.Schema) int {
	n := 1
	for _, s := range parts {
		if s.MinItems != nil {
			n = max(n, *s.MinItems)
		}
		n = max(n, len(s.PrefixItems))
	}
	return n
}

// item returns the schemas of an item.
func item(parts []*validate.Schema, i int) []*validate.Schema {
	var all []*validate.Schema
	for _, s := range parts {
		if i < len(s.PrefixItems) {
			all = append(all, s.PrefixItems[i])
		} else {
			all = append(all, s.Items)
		}
		if s.Contains != nil {
			all = append(all, s.Contains)
		}
	}
	return all
}

func array(parts []*validate.Schema, depth, count int) []any {
	list := []any{}
	for i := range count {
		if depth < -3 {
			break
		}
		list = append(list, best(item(parts, i), depth-1))
	}
	if slices.ContainsFunc(parts, func(s *validate.Schema) bool { return s.UniqueItems }) {
		for i := range list {
			if text, ok := list[i].(string); ok {
				list[i] = text + strings.Repeat("y", i)
			}
		}
	}
	return list
}

// arrays returns arrays with one item changed, and of other sizes.
func arrays(parts []*validate.Schema, depth int) []any {
	if depth <= 0 {
		return nil
	}
	count := leastItems(parts)
	base := array(parts, depth, count)
	all := []any{base, append(slices.Clone(base), base[len(base)-1])}
	for i := range base {
		for _, v := range values(item(parts, i), depth-1) {
			list := slices.Clone(base)
			list[i] = v
			all = append(all, list)
		}
	}
	for _, s := range parts {
		for _, bound := range []*int{s.MinItems, s.MaxItems, s.MinContains, s.MaxContains} {
			for _, by := range []int{-1, 0, 1} {
				if bound != nil && *bound+by >= 0 {
					all = append(all, array(parts, 1, *bound+by))
				}
			}
		}
		for _, v := range values([]*validate.Schema{s.Items}, min(depth-1, 2)) {
			all = append(all, append(slices.Clone(base), v))
		}
	}
	return all
}

// enums returns the values of an enum, and similar values.
func enums(s *validate.Schema) []any {
	var all, other []any
	for _, e := range s.Enum {
		var v any
		d := json.NewDecoder(strings.NewReader(e.JSON))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			panic(err) // the document was parsed
		}
		all = append(all, v)
		switch v := v.(type) {
		case string:
			other = append(other, v+"x")
		case json.Number:
			other = append(other, v+"1")
		case bool:
			other = append(other, !v)
		}
	}
	return append(all, other...)
}

// candidates are texts, some of which match a pattern.
var candidates = []string{
	"a", "/", "/a", "a/", "x-a", "x", "X", "AB", "A.", "É", "Éa", ".", "xA", "1", "12", "ab", "2024-02-29", "2024-02-30", "é", "été",
}

// matching returns the candidates that match the patterns.
func matching(patterns []*validate.Pattern) []string {
	return slices.DeleteFunc(slices.Clone(candidates), func(text string) bool {
		return slices.ContainsFunc(patterns, func(p *validate.Pattern) bool { return !p.Matcher.MatchString(text) })
	})
}

var examples = map[string]string{
	"date": "2024-02-29", "date-time": "2024-02-29T12:00:00Z", "ipv4": "127.0.0.1", "uuid": "6de0af45-af45-6de0-45af-e06d45afe06d", "byte": "QQ==",
}

func bestText(parts []*validate.Schema) string {
	text := "x"
	for _, s := range parts {
		if example, ok := examples[s.Format]; ok {
			return example
		}
		if found := matching(s.Patterns); len(s.Patterns) > 0 && len(found) > 0 {
			text = found[0]
		}
		if s.MinLength != nil && len(s.Patterns) == 0 {
			text = strings.Repeat("x", max(1, *s.MinLength))
		}
	}
	return text
}

// textsAt returns texts at the bounds of a string schema.
func textsAt(s *validate.Schema) []any {
	all := []any{"", strings.Repeat("xä", 3)}
	for _, bound := range []*int{s.MinLength, s.MaxLength, s.MaxBytes} {
		for _, by := range []int{-1, 0, 1} {
			if bound != nil && *bound+by >= 0 {
				all = append(all, strings.Repeat("x", *bound+by), strings.Repeat("ä", *bound+by))
			}
		}
	}
	if s.Format != "" {
		all = append(all, examples[s.Format], examples[s.Format]+"x", "QQ")
	}
	if len(s.Patterns) > 0 {
		for _, text := range candidates {
			all = append(all, text)
		}
	}
	return all
}

func bestNumber(parts []*validate.Schema) any {
	for _, v := range numbersAt(parts...) {
		fits := true
		for _, s := range parts {
			fits = fits && admits(s, rat(v.(json.Number)))
		}
		if fits {
			return v
		}
	}
	return json.Number("1")
}

func admits(s *validate.Schema, n *big.Rat) bool {
	for direction, bound := range map[int]*validate.Bound{1: s.Minimum, -1: s.Maximum} {
		if bound != nil {
			order := n.Cmp(rat(json.Number(bound.Literal))) * direction
			if order < 0 || order == 0 && bound.Exclusive {
				return false
			}
		}
	}
	return (n.IsInt() || s.Types&validate.Number != 0) &&
		!slices.ContainsFunc(s.MultipleOf, func(of string) bool { return !new(big.Rat).Quo(n, rat(json.Number(of))).IsInt() })
}

// numbersAt returns numbers at the bounds of schemas.
func numbersAt(schemas ...*validate.Schema) []any {
	all := []*big.Rat{big.NewRat(1, 1), big.NewRat(3, 1), big.NewRat(12, 1), big.NewRat(1, 2)}
	for _, s := range schemas {
		for _, bound := range []*validate.Bound{s.Minimum, s.Maximum} {
			if bound == nil {
				continue
			}
			for _, by := range []*big.Rat{new(big.Rat), big.NewRat(1, 1), big.NewRat(-1, 1), big.NewRat(1, 8), big.NewRat(-1, 8), big.NewRat(1, 100), big.NewRat(-1, 100)} {
				all = append(all, new(big.Rat).Add(rat(json.Number(bound.Literal)), by))
			}
		}
		for _, of := range s.MultipleOf {
			for _, n := range []*big.Rat{big.NewRat(1, 1), big.NewRat(7, 1), big.NewRat(3, 2)} {
				all = append(all, new(big.Rat).Mul(rat(json.Number(of)), n))
			}
		}
		if edges, ok := map[string]string{"int32": "2147483647", "int64": "9223372036854775807"}[s.Format]; ok {
			edge := rat(json.Number(edges))
			all = append(all, edge, new(big.Rat).Add(edge, big.NewRat(1, 1)), new(big.Rat).Sub(big.NewRat(-1, 1), edge), new(big.Rat).Sub(big.NewRat(-2, 1), edge))
		}
	}
	var literals []any
	for _, n := range all {
		text := n.FloatString(12)
		literals = append(literals, json.Number(strings.TrimSuffix(strings.TrimRight(text, "0"), ".")))
	}
	return append(literals, json.Number("1e39"), json.Number("1e400"))
}

func rat(n json.Number) *big.Rat {
	r, _ := new(big.Rat).SetString(string(n))
	return r
}
