package sample

import (
	"math"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// endless is the height of a schema that no finite value satisfies.
const endless = math.MaxInt32

// heightsOf returns for each schema the least nesting depth of its values, according to its keywords.
func heightsOf(roots []*validate.Schema) map[*validate.Schema]int {
	all := reached(roots)
	heights := make(map[*validate.Schema]int, len(all))
	for _, s := range all {
		heights[s] = endless
	}
	for changed := true; changed; {
		changed = false
		for _, s := range all {
			if h := heightOf(heights, s); h < heights[s] {
				heights[s], changed = h, true
			}
		}
	}
	return heights
}

// reached returns all schemas that roots refer to.
func reached(roots []*validate.Schema) []*validate.Schema {
	seen := map[*validate.Schema]bool{nil: true}
	var all []*validate.Schema
	for queue := roots; len(queue) > 0; {
		s := queue[0]
		queue = queue[1:]
		if seen[s] {
			continue
		}
		seen[s] = true
		all = append(all, s)
		queue = append(queue[:len(queue):len(queue)], children(s)...)
	}
	return all
}

// children returns the schemas from which values of s are generated.
func children(s *validate.Schema) []*validate.Schema {
	list := []*validate.Schema{s.Items, s.Contains, s.AdditionalProperties, s.PropertyNames, s.If, s.Then, s.Else, s.UnevaluatedItems, s.UnevaluatedProperties}
	for _, more := range [][]*validate.Schema{s.PrefixItems, s.AllOf, s.AnyOf, s.OneOf} {
		list = append(list, more...)
	}
	for _, p := range s.Properties {
		list = append(list, p.Schema)
	}
	for _, p := range s.PatternProperties {
		list = append(list, p.Schema)
	}
	for _, p := range s.DependentSchemas {
		list = append(list, p.Schema)
	}
	if s.Discriminator != nil {
		for _, alternative := range s.Discriminator.Alternatives {
			list = append(list, alternative)
		}
	}
	return list
}

func heightOf(heights map[*validate.Schema]int, s *validate.Schema) int {
	h := endless
	if s.Types&^(validate.Array|validate.Object) != 0 || len(s.Enum) > 0 {
		h = 0
	}
	if s.Types&validate.Object != 0 {
		h = min(h, objectHeight(heights, s))
	}
	if s.Types&validate.Array != 0 {
		h = min(h, arrayHeight(heights, s))
	}
	for _, part := range s.AllOf {
		h = max(h, heights[part])
	}
	for _, list := range [][]*validate.Schema{s.AnyOf, s.OneOf} {
		if len(list) == 0 {
			continue
		}
		least := endless
		for _, alternative := range list {
			least = min(least, heights[alternative])
		}
		h = max(h, least)
	}
	return h
}

func objectHeight(heights map[*validate.Schema]int, s *validate.Schema) int {
	h := 0
	for _, name := range s.Required {
		for _, p := range s.Properties {
			if p.Name == name && p.Schema != nil {
				h = max(h, heights[p.Schema])
			}
		}
	}
	return above(h)
}

func arrayHeight(heights map[*validate.Schema]int, s *validate.Schema) int {
	h := 0
	if s.MinItems != nil {
		for i := range min(*s.MinItems, len(s.PrefixItems)) {
			h = max(h, heights[s.PrefixItems[i]])
		}
		if *s.MinItems > len(s.PrefixItems) && s.Items != nil {
			h = max(h, heights[s.Items])
		}
	}
	if s.Contains != nil && (s.MinContains == nil || *s.MinContains > 0) {
		h = max(h, heights[s.Contains])
	}
	return above(h)
}

func above(h int) int {
	if h == endless {
		return endless
	}
	return h + 1
}
