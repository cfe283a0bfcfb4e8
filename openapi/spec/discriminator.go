package spec

import (
	"encoding/json"
	"strconv"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// choice is a discriminator whose values are collected when all schemas are filled: an alternative's const or enum of the
// member adds values, too.
type choice struct {
	*validate.Discriminator
	mapped       map[string]mapped
	alternatives []alternative
}

// mapped is the target of a value in a mapping.
type mapped struct {
	ref    *node
	schema *validate.Schema
}

type alternative struct {
	name   string // of the component
	schema *validate.Schema
}

// discriminator reads the keyword. Without alternatives next to it, it is only an annotation.
func (c *compiler) discriminator(e *entry, drop []string) {
	s, n := e.schema, e.node.get("discriminator")
	property := n.get("propertyName").string()
	if n == nil || len(s.AnyOf)+len(s.OneOf) == 0 {
		return
	}
	if property == "" {
		c.warn(n, "", "the discriminator has no propertyName, and is a note")
		return
	}
	keyword := "oneOf"
	if len(s.OneOf) == 0 {
		keyword = "anyOf"
	} else if len(s.AnyOf) > 0 {
		s.AllOf = append(s.AllOf, &validate.Schema{Pointer: s.Pointer, Types: validate.AnyType, AnyOf: s.AnyOf})
		s.AnyOf = nil
	}
	made := choice{Discriminator: &validate.Discriminator{Property: property}, mapped: map[string]mapped{}}
	var dangling []unmapped
	for value, ref := range n.get("mapping").members() {
		to, err := c.mapping(ref)
		if err != nil {
			dangling = append(dangling, unmapped{ref, err})
			continue
		}
		made.Explicit = true
		if p := c.apply(e, to, drop); p != nil {
			made.mapped[value] = mapped{ref, p}
		}
	}
	for _, item := range e.node.get(keyword).list() {
		if p := c.apply(e, item, drop); p != nil {
			made.alternatives = append(made.alternatives, alternative{c.nameOf(item, e.scope), p})
		}
	}
	c.dangling(s, dangling, made.Explicit)
	s.Discriminator = made.Discriminator
	c.choices = append(c.choices, made)
}

// unmapped is an entry of a mapping that leads nowhere.
type unmapped struct {
	ref *node
	err error
}

// dangling reports the entries of a mapping that lead nowhere. Next to others, it is unknown which alternative they select. A
// mapping that has only such entries is none.
func (c *compiler) dangling(s *validate.Schema, list []unmapped, explicit bool) {
	for _, u := range list {
		if explicit {
			c.unjudged(s, u.ref, "the mapping %v", u.err)
		} else {
			c.warn(u.ref, "", "the mapping "+u.err.Error()+", and is ignored")
		}
	}
}

// nameOf returns the name of the component that a schema refers to.
func (c *compiler) nameOf(n *node, s *scope) string {
	if to, _, err := c.destination(n, s); err == nil {
		return componentName(to)
	}
	return ""
}

// mapping resolves the value of a mapping: the name of a component, which may have dots, or a reference.
func (c *compiler) mapping(ref *node) (*node, error) {
	if to := ref.root().at("components", "schemas", ref.string()); to != nil {
		return to, nil
	}
	return c.follow(ref, ref.string())
}

// settle collects the values of all discriminators. A mapping selects among the alternatives and their alternatives. A value
// that maps to another schema selects none.
func (c *compiler) settle() {
	for _, made := range c.choices {
		values := map[string]*validate.Schema{}
		within := map[*validate.Schema]bool{}
		for _, a := range made.alternatives {
			compose(a.schema, within)
		}
		for value, to := range made.mapped {
			if within[to.schema] {
				values[value] = to.schema
			} else {
				c.warn(to.ref, "", "the mapping names none of the alternatives, so that no value with "+strconv.Quote(value)+" is allowed")
			}
		}
		add := func(value string, s *validate.Schema) {
			if value != "" && values[value] == nil {
				values[value] = s
			}
		}
		for _, a := range made.alternatives {
			for _, value := range valuesOf(a.schema, made.Property, map[*validate.Schema]bool{}) {
				add(value, a.schema)
			}
		}
		for _, a := range made.alternatives {
			add(a.name, a.schema)
		}
		made.Alternatives = values
	}
}

// compose adds s and the schemas that it is composed of.
func compose(s *validate.Schema, into map[*validate.Schema]bool) {
	if into[s] {
		return
	}
	into[s] = true
	for _, list := range [][]*validate.Schema{s.AllOf, s.OneOf, s.AnyOf} {
		for _, part := range list {
			compose(part, into)
		}
	}
}

// valuesOf returns the strings that a schema allows for a member.
func valuesOf(s *validate.Schema, property string, seen map[*validate.Schema]bool) []string {
	if seen[s] {
		return nil
	}
	seen[s] = true
	var values []string
	for _, p := range s.Properties {
		if p.Name == property && p.Schema != nil {
			values = append(values, texts(p.Schema)...)
		}
	}
	for _, list := range [][]*validate.Schema{s.AllOf, s.OneOf, s.AnyOf} {
		for _, part := range list {
			values = append(values, valuesOf(part, property, seen)...)
		}
	}
	return values
}

// texts returns the strings of an enum.
func texts(s *validate.Schema) []string {
	var list []string
	for _, v := range s.Enum {
		var text string
		if json.Unmarshal([]byte(v.JSON), &text) == nil {
			list = append(list, text)
		}
	}
	for _, part := range s.AllOf {
		if len(s.Enum) == 0 {
			list = append(list, texts(part)...)
		}
	}
	return list
}

// mapped returns the schemas that mappings refer to.
func (c *compiler) mapped() []*validate.Schema {
	var list []*validate.Schema
	for _, made := range c.choices {
		for _, to := range made.mapped {
			list = append(list, to.schema)
		}
	}
	return list
}
