package spec

import (
	"slices"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// children yields the schemas that a schema refers to. It may yield one more than once.
func children(s *validate.Schema, yield func(*validate.Schema)) {
	for _, child := range s.Subschemas() {
		yield(child)
	}
	if s.Discriminator != nil {
		for _, alternative := range s.Discriminator.Alternatives {
			yield(alternative)
		}
	}
}

// Reached returns the schemas that can be reached from roots, each once. A root may be nil.
func Reached(roots ...*validate.Schema) []*validate.Schema {
	seen := map[*validate.Schema]bool{}
	var all []*validate.Schema
	visit := func(s *validate.Schema) {
		if s != nil && !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	for _, s := range roots {
		visit(s)
	}
	for i := 0; i < len(all); i++ {
		children(all[i], visit)
	}
	return all
}

// doubtful has the schemas from which one that cannot be checked can be reached.
type doubtful map[*validate.Schema]bool

// doubts returns the schemas among all from which one that cannot be checked can be reached.
func doubts(all []*validate.Schema) doubtful {
	parents := map[*validate.Schema][]*validate.Schema{}
	var list []*validate.Schema
	for _, s := range all {
		if s.Unjudged != "" {
			list = append(list, s)
		}
	}
	d := doubtful{}
	if len(list) == 0 {
		return d
	}
	for _, s := range all {
		children(s, func(child *validate.Schema) { parents[child] = append(parents[child], s) })
	}
	for _, s := range list {
		d[s] = true
	}
	for i := 0; i < len(list); i++ {
		for _, parent := range parents[list[i]] {
			if !d[parent] {
				d[parent] = true
				list = append(list, parent)
			}
		}
	}
	return d
}

// below returns the schemas that cannot be checked and can be reached from s.
func (d doubtful) below(s *validate.Schema) []*validate.Schema {
	if s == nil || !d[s] {
		return nil
	}
	seen := map[*validate.Schema]bool{s: true}
	all := []*validate.Schema{s}
	for i := 0; i < len(all); i++ {
		children(all[i], func(child *validate.Schema) {
			if d[child] && !seen[child] {
				seen[child] = true
				all = append(all, child)
			}
		})
	}
	return slices.DeleteFunc(all, func(s *validate.Schema) bool { return s.Unjudged == "" })
}

// soften makes schemas accept what cannot be checked. A part that cannot be checked accepts every value. Below not, if,
// oneOf and maxContains that could reject the whole, so these keywords are removed.
func (d doubtful) soften(all []*validate.Schema) {
	for _, s := range all {
		if !d[s] {
			continue
		}
		if s.Not != nil && d[s.Not] {
			s.AllOf = append(slices.Clip(s.AllOf), d.below(s.Not)...)
			s.Not = nil
		}
		if s.If != nil && d[s.If] {
			s.AllOf = append(slices.Clip(s.AllOf), d.below(s.If)...)
			s.If, s.Then, s.Else = nil, nil, nil
		}
		if s.Contains != nil && d[s.Contains] {
			s.MaxContains = nil
		}
		if len(s.OneOf) > 0 && slices.ContainsFunc(s.OneOf, func(o *validate.Schema) bool { return d[o] }) {
			d.softenOneOf(s)
		}
	}
}

// softenOneOf replaces oneOf by anyOf, unless an explicit mapping selects the alternative.
func (d doubtful) softenOneOf(s *validate.Schema) {
	switch {
	case s.Discriminator != nil && s.Discriminator.Explicit:
	case len(s.AnyOf) == 0:
		s.AnyOf, s.OneOf = s.OneOf, nil
	default:
		either := &validate.Schema{Pointer: s.Pointer, Types: validate.AnyType, AnyOf: s.OneOf}
		d[either] = true
		s.AllOf, s.OneOf = append(slices.Clip(s.AllOf), either), nil
	}
}
