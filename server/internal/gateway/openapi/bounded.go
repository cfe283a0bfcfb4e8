package openapi

import (
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// The validator lists every fault, which would make gigabytes out of a megabyte of wrong items. The keywords below, which
// apply one schema to as many values as somebody sends, therefore give up after maxFaults values.

// bound replaces them in a compiled schema and in those that it leads to.
func bound(s *jsonschema.Schema, seen map[*jsonschema.Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	additional, _ := s.AdditionalProperties.(*jsonschema.Schema)
	for _, next := range []*jsonschema.Schema{s.Ref, s.Not, s.If, s.Then, s.Else, s.PropertyNames, s.UnevaluatedProperties, s.UnevaluatedItems, s.Items2020, s.Contains, additional} {
		bound(next, seen)
	}
	for _, list := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf, s.PrefixItems} {
		for _, next := range list {
			bound(next, seen)
		}
	}
	for _, next := range s.Properties {
		bound(next, seen)
	}
	for _, next := range s.PatternProperties {
		bound(next, seen)
	}
	for _, next := range s.DependentSchemas {
		bound(next, seen)
	}
	if s.Items2020 != nil {
		s.Extensions = append(s.Extensions, &itemsOf{s.Items2020, len(s.PrefixItems)})
		s.Items2020 = nil
	}
	if s.Contains != nil {
		c := &containing{schema: s.Contains, min: 1, max: s.MaxContains}
		if s.MinContains != nil {
			c.min = *s.MinContains
		}
		s.Extensions = append(s.Extensions, c)
		s.Contains, s.MinContains, s.MaxContains = nil, nil, nil
	}
	if s.PropertyNames != nil {
		s.Extensions = append(s.Extensions, &namesOf{s.PropertyNames})
		s.PropertyNames = nil
	}
	if additional != nil {
		s.Extensions = append(s.Extensions, &restOf{s.Properties, s.PatternProperties, additional})
		s.AdditionalProperties = nil
	}
}

// itemsOf is the keyword items.
type itemsOf struct {
	schema *jsonschema.Schema
	from   int
}

// Validate reports the faults of the items of v.
func (e *itemsOf) Validate(ctx *jsonschema.ValidatorContext, v any) {
	list, _ := v.([]any)
	for i, faulty := e.from, 0; i < len(list) && faulty < maxFaults; i++ {
		if err := ctx.Validate(e.schema, list[i], []string{strconv.Itoa(i)}); err != nil {
			ctx.AddErr(err)
			faulty++
		}
	}
}

// containing is the keywords contains, minContains and maxContains.
type containing struct {
	schema *jsonschema.Schema
	min    int
	max    *int
}

// Validate reports whether too few or too many items of v are such.
func (e *containing) Validate(ctx *jsonschema.ValidatorContext, v any) {
	list, ok := v.([]any)
	if !ok {
		return
	}
	n := 0
	for i, item := range list {
		if ctx.Validate(e.schema, item, []string{strconv.Itoa(i)}) == nil {
			ctx.EvaluatedItem(i)
			n++
		}
	}
	switch {
	case n < e.min && e.min == 1:
		ctx.AddError(&kind.Contains{})
	case n < e.min:
		ctx.AddError(&kind.MinContains{Want: e.min})
	case e.max != nil && n > *e.max:
		ctx.AddError(&kind.MaxContains{Want: *e.max})
	}
}

// namesOf is the keyword propertyNames. The validator's own forgets where it was (its location shares memory with the next).
type namesOf struct{ schema *jsonschema.Schema }

// Validate reports the names of v that are not such.
func (e *namesOf) Validate(ctx *jsonschema.ValidatorContext, v any) {
	object, _ := v.(map[string]any)
	faulty := 0
	for _, name := range sortedKeys(object) {
		if faulty == maxFaults {
			return
		}
		if ctx.Validate(e.schema, name, []string{name}) != nil {
			ctx.AddError(&kind.PropertyNames{Property: name})
			faulty++
		}
	}
}

// restOf is the keyword additionalProperties.
type restOf struct {
	properties map[string]*jsonschema.Schema
	patterns   map[jsonschema.Regexp]*jsonschema.Schema
	schema     *jsonschema.Schema
}

// Validate reports the faults of the members of v that no other keyword names, in the order of their names: of more faults
// than are reported they are always the same.
func (e *restOf) Validate(ctx *jsonschema.ValidatorContext, v any) {
	object, _ := v.(map[string]any)
	faulty := 0
	for _, name := range sortedKeys(object) {
		if faulty == maxFaults {
			return
		}
		if e.properties[name] != nil || e.named(name) {
			continue
		}
		if err := ctx.Validate(e.schema, object[name], []string{name}); err != nil {
			ctx.AddErr(err)
			faulty++
		}
	}
}

func (e *restOf) named(name string) bool {
	for pattern := range e.patterns {
		if pattern.MatchString(name) {
			return true
		}
	}
	return false
}
