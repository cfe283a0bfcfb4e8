package sample

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// demand combines what schemas require of one value, after alternatives are chosen.
type demand struct {
	all   []*validate.Schema
	types validate.Types
	enum  []validate.Value  // nil if any value is allowed
	fixed map[string][]byte // members that discriminators fix
	avoid map[string]bool   // members that would make another schema apply
	chose bool              // other alternatives exist
}

// collect returns the demand of schemas. Each try, counted by n, chooses other alternatives.
func (t *try) collect(schemas []*validate.Schema, n int) *demand {
	d := &demand{types: validate.AnyType, fixed: map[string][]byte{}, avoid: map[string]bool{}}
	for _, s := range schemas {
		t.add(d, s, n)
	}
	return d
}

// add adds a schema and the schemas that apply to the same value.
func (t *try) add(d *demand, s *validate.Schema, n int) {
	if s == nil || slices.Contains(d.all, s) {
		return
	}
	d.all = append(d.all, s)
	d.types &= s.Types
	if d.enum == nil {
		d.enum = s.Enum
	}
	for _, part := range s.AllOf {
		t.add(d, part, n)
	}
	for _, list := range [][]*validate.Schema{s.AnyOf, s.OneOf} {
		if len(list) > 0 {
			t.add(d, t.alternative(d, s.Discriminator, list, n), n)
		}
	}
	t.addConditions(d, s, n)
}

// addConditions adds conditional schemas: every other try assumes that the condition is true.
func (t *try) addConditions(d *demand, s *validate.Schema, n int) {
	if s.If != nil {
		d.chose = true
		if (n+t.pick(2))%2 == 0 {
			t.add(d, s.If, n)
			t.add(d, s.Then, n)
		} else {
			t.add(d, s.Else, n)
		}
	}
	for _, dependent := range s.DependentSchemas {
		d.chose = true
		if n%2 == 0 {
			t.add(d, dependent.Schema, n)
		} else {
			d.avoid[dependent.Name] = true
		}
	}
}

// alternative chooses an alternative, and fixes the discriminator's member for it.
func (t *try) alternative(d *demand, by *validate.Discriminator, list []*validate.Schema, n int) *validate.Schema {
	d.chose = d.chose || len(list) > 1
	fitting := slices.DeleteFunc(slices.Clone(list), func(s *validate.Schema) bool { return s.Types&d.types == 0 || t.heights[s] == endless })
	if len(fitting) == 0 {
		fitting = list
	}
	if t.depth > softDepth || slices.ContainsFunc(fitting, func(s *validate.Schema) bool { return slices.Contains(t.path, s) }) {
		slices.SortStableFunc(fitting, func(a, b *validate.Schema) int { return cmp.Compare(t.heights[a], t.heights[b]) })
	}
	chosen := fitting[n%len(fitting)]
	switch {
	case n >= len(fitting):
		chosen = fitting[t.random.IntN(len(fitting))]
	case t.Vary && t.depth <= softDepth:
		chosen = fitting[t.pick(len(fitting))]
	}
	if by != nil {
		d.fix(by, chosen, n)
	}
	return chosen
}

// fix sets the discriminator's member to a value that selects the alternative.
func (d *demand) fix(by *validate.Discriminator, chosen *validate.Schema, n int) {
	var values []string
	for _, value := range slices.Sorted(maps.Keys(by.Alternatives)) {
		if by.Alternatives[value] == chosen {
			values = append(values, value)
		}
	}
	switch {
	case len(values) == 0:
	case d.fixed[by.Property] == nil && (by.Explicit || n < maxTries/2):
		d.fixed[by.Property] = validate.AppendString(nil, values[n%len(values)])
		d.chose = d.chose || len(values) > 1
	}
}

// likely guesses the type of a value from keywords if its schema has no type.
func (d *demand) likely() validate.Types {
	for _, s := range d.all {
		switch {
		case len(s.Properties)+len(s.Required)+len(s.PatternProperties)+len(s.DependentRequired) > 0, s.AdditionalProperties != nil, s.MinProperties != nil, s.PropertyNames != nil:
			return validate.Object
		case s.Items != nil, s.PrefixItems != nil, s.MinItems != nil, s.Contains != nil, s.UniqueItems:
			return validate.Array
		case s.Minimum != nil, s.Maximum != nil, s.MultipleOf != nil:
			return validate.Number
		}
	}
	if len(d.fixed) > 0 {
		return validate.Object
	}
	return validate.String
}

// least returns the greatest lower bound of the schemas.
func (d *demand) least(of func(*validate.Schema) *int) int {
	n := 0
	for _, s := range d.all {
		if bound := of(s); bound != nil {
			n = max(n, *bound)
		}
	}
	return n
}

// unbounded is more characters, items or members than any value has.
const unbounded = 1 << 30

func (d *demand) most(of func(*validate.Schema) *int) int {
	n := unbounded
	for _, s := range d.all {
		if bound := of(s); bound != nil {
			n = min(n, *bound)
		}
	}
	return n
}
