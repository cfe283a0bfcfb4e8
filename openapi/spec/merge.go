package spec

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// A schema of allOf is merged into the schema that has it if the meaning stays the same. Then one pass over an object's
// members suffices, and generated code has one struct. Other schemas stay in AllOf.

// conjoinParts merges parts into s: a value must satisfy s and all of them.
func (c *compiler) conjoinParts(s *validate.Schema, parts []*validate.Schema) {
	if len(parts) == 0 {
		return
	}
	all := validate.Schema{Pointer: s.Pointer, Name: s.Name, Types: validate.AnyType}
	for _, part := range parts {
		c.steps += 1 + len(part.Properties)
		if !c.conjoin(&all, part) {
			all.AllOf = appendNew(all.AllOf, part)
		}
	}
	own := *s
	own.UnevaluatedItems, own.UnevaluatedProperties = nil, nil
	if c.conjoin(&all, &own) {
		all.UnevaluatedItems, all.UnevaluatedProperties = s.UnevaluatedItems, s.UnevaluatedProperties
		all.Expected = expected(all.Types, all.Expected.Format)
		*s = all
		return
	}
	s.AllOf = append(s.AllOf, parts...)
	s.Expected = expected(s.Types&all.Types, s.Expected.Format)
}

// appendNew appends the schemas that the list does not have yet.
func appendNew(list []*validate.Schema, more ...*validate.Schema) []*validate.Schema {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(slices.Clip(list), s)
		}
	}
	return list
}

// conjoin makes s the schema of the values that satisfy both s and p. If one schema cannot express that, it reports false
// and leaves s unchanged. It never changes p.
func (c *compiler) conjoin(s, p *validate.Schema) bool {
	if c.steps > c.maxSteps || !mergeable(s, p) {
		return false
	}
	c.mergeScalars(s, p)
	c.mergeArrays(s, p)
	c.mergeObjects(s, p)
	s.AllOf = appendNew(s.AllOf, p.AllOf...)
	if len(p.AnyOf) > 0 {
		s.AnyOf = p.AnyOf
	}
	if len(p.OneOf) > 0 {
		s.OneOf = p.OneOf
	}
	if p.Discriminator != nil {
		s.Discriminator = p.Discriminator
	}
	if p.Not != nil {
		s.Not = p.Not
	}
	if p.If != nil {
		s.If, s.Then, s.Else = p.If, p.Then, p.Else
	}
	return true
}

// mergeable reports whether one schema can express s and p together.
func mergeable(s, p *validate.Schema) bool {
	switch {
	case p.Unjudged != "" || p.UnevaluatedItems != nil || p.UnevaluatedProperties != nil:
		return false // unevaluated members are those that p itself does not evaluate
	case s.Format != "" && p.Format != "" && s.Format != p.Format:
		return false
	case s.Contains != nil && p.Contains != nil:
		return false
	case s.IgnoreMembers != nil && p.IgnoreMembers != nil && (s.IgnoreMembers.Text != p.IgnoreMembers.Text || s.IgnoreMaxDepth != p.IgnoreMaxDepth):
		return false
	case s.Not != nil && p.Not != nil && s.Not != p.Not, s.If != nil && p.If != nil && s.If != p.If:
		return false
	case !mergeableChoices(s, p):
		return false
	}
	return keepsAdditional(s, p) && keepsAdditional(p, s)
}

// mergeableChoices reports whether at most one of s and p has alternatives, or both have the same.
func mergeableChoices(s, p *validate.Schema) bool {
	if s.Discriminator != nil && s.Discriminator == p.Discriminator {
		return slices.Equal(s.AnyOf, p.AnyOf) && slices.Equal(s.OneOf, p.OneOf)
	}
	if s.Discriminator != nil && len(p.AnyOf)+len(p.OneOf) > 0 || p.Discriminator != nil && len(s.AnyOf)+len(s.OneOf) > 0 {
		return false
	}
	same := func(x, y []*validate.Schema) bool { return len(x) == 0 || len(y) == 0 || slices.Equal(x, y) }
	return same(s.AnyOf, p.AnyOf) && same(s.OneOf, p.OneOf)
}

// keepsAdditional reports whether additionalProperties of s keeps its meaning next to the names of p.
func keepsAdditional(s, p *validate.Schema) bool {
	if s.AdditionalProperties == nil {
		return true
	}
	if len(p.PatternProperties) > 0 && !samePatterns(s, p) || len(s.PatternProperties) > 0 && p.AdditionalProperties != nil && !samePatterns(s, p) {
		return false
	}
	if s.AdditionalProperties.Types != 0 {
		return true
	}
	names := propertyIndex(s)
	for _, q := range p.Properties {
		if _, ok := names[q.Name]; !ok {
			return false // s rejects the member as unknown, and the fault should say so
		}
	}
	return true
}

func samePatterns(s, p *validate.Schema) bool {
	return slices.EqualFunc(s.PatternProperties, p.PatternProperties, func(x, y validate.PatternProperty) bool {
		return x.Pattern.Text == y.Pattern.Text
	})
}

func propertyIndex(s *validate.Schema) map[string]int {
	names := make(map[string]int, len(s.Properties))
	for i, p := range s.Properties {
		names[p.Name] = i
	}
	return names
}

func (c *compiler) mergeScalars(s, p *validate.Schema) {
	s.Types &= p.Types
	switch {
	case s.Enum == nil:
		s.Enum = p.Enum
	case p.Enum != nil:
		s.Enum = common(s.Enum, p.Enum)
	}
	if s.Format == "" {
		s.Format = p.Format
	}
	if s.Expected.Format == "" || p.Format != "" {
		s.Expected.Format = p.Expected.Format
	}
	s.Minimum, s.Maximum = tighter(s.Minimum, p.Minimum, 1), tighter(s.Maximum, p.Maximum, -1)
	for _, m := range p.MultipleOf {
		if !slices.Contains(s.MultipleOf, m) {
			s.MultipleOf = append(slices.Clip(s.MultipleOf), m)
		}
	}
	for _, q := range p.Patterns {
		if !slices.ContainsFunc(s.Patterns, func(have *validate.Pattern) bool { return have.Text == q.Text }) {
			s.Patterns = append(slices.Clip(s.Patterns), q)
		}
	}
	s.MinLength, s.MaxLength = larger(s.MinLength, p.MinLength), smaller(s.MaxLength, p.MaxLength)
	s.MaxBytes = smaller(s.MaxBytes, p.MaxBytes)
	s.MinItems, s.MaxItems = larger(s.MinItems, p.MinItems), smaller(s.MaxItems, p.MaxItems)
	s.MinProperties, s.MaxProperties = larger(s.MinProperties, p.MinProperties), smaller(s.MaxProperties, p.MaxProperties)
	s.UniqueItems = s.UniqueItems || p.UniqueItems
}

func larger(x, y *int) *int {
	if x == nil || y != nil && *y > *x {
		return y
	}
	return x
}

func smaller(x, y *int) *int {
	if x == nil || y != nil && *y < *x {
		return y
	}
	return x
}

func (c *compiler) mergeArrays(s, p *validate.Schema) {
	if len(s.PrefixItems)+len(p.PrefixItems) > 0 {
		prefix := make([]*validate.Schema, max(len(s.PrefixItems), len(p.PrefixItems)))
		for i := range prefix {
			prefix[i] = c.both(itemAt(s, i), itemAt(p, i))
			if prefix[i] == nil {
				prefix[i] = &validate.Schema{Pointer: s.Pointer, Types: validate.AnyType}
			}
		}
		s.PrefixItems = prefix
	}
	s.Items = c.both(s.Items, p.Items)
	if p.Contains != nil {
		s.Contains, s.MinContains, s.MaxContains = p.Contains, p.MinContains, p.MaxContains
	}
}

// itemAt returns the schema of the item at an index; nil accepts any item.
func itemAt(s *validate.Schema, i int) *validate.Schema {
	if i < len(s.PrefixItems) {
		return s.PrefixItems[i]
	}
	return s.Items
}

func (c *compiler) mergeObjects(s, p *validate.Schema) {
	c.mergeProperties(s, p)
	if have := len(s.Required); len(p.Required) > 0 {
		s.Required = unique(slices.Concat(s.Required[:have:have], p.Required))
	}
	if samePatterns(s, p) {
		s.PatternProperties = slices.Clone(s.PatternProperties)
		for i := range s.PatternProperties {
			s.PatternProperties[i].Schema = c.both(s.PatternProperties[i].Schema, p.PatternProperties[i].Schema)
		}
	} else {
		s.PatternProperties = slices.Concat(s.PatternProperties, p.PatternProperties)
	}
	s.AdditionalProperties = c.both(s.AdditionalProperties, p.AdditionalProperties)
	s.PropertyNames = c.both(s.PropertyNames, p.PropertyNames)
	if p.IgnoreMembers != nil {
		s.IgnoreMembers, s.IgnoreMaxDepth = p.IgnoreMembers, p.IgnoreMaxDepth
	}
	for _, d := range p.DependentRequired {
		if !slices.ContainsFunc(s.DependentRequired, func(have validate.DependentRequired) bool {
			return have.Name == d.Name && slices.Equal(have.Required, d.Required)
		}) {
			s.DependentRequired = append(slices.Clip(s.DependentRequired), d)
		}
	}
	for _, d := range p.DependentSchemas {
		if !slices.Contains(s.DependentSchemas, d) {
			s.DependentSchemas = append(slices.Clip(s.DependentSchemas), d)
		}
	}
}

// mergeProperties combines the properties of s and p. A property that only one declares must also satisfy
// additionalProperties of the other, unless a pattern of the other matches its name.
func (c *compiler) mergeProperties(s, p *validate.Schema) {
	list := make([]validate.Property, len(s.Properties), len(s.Properties)+len(p.Properties))
	mine, theirs := propertyIndex(s), propertyIndex(p)
	for i, q := range s.Properties {
		list[i] = q
		if j, ok := theirs[q.Name]; ok {
			list[i].Schema = c.both(q.Schema, p.Properties[j].Schema)
			if q.Hidden == "" {
				list[i].Hidden = p.Properties[j].Hidden
			}
		} else if !matches(p, q.Name) {
			list[i].Schema = c.both(q.Schema, p.AdditionalProperties)
		}
	}
	for _, q := range p.Properties {
		if _, ok := mine[q.Name]; !ok {
			if !matches(s, q.Name) {
				q.Schema = c.both(q.Schema, s.AdditionalProperties)
			}
			list = append(list, q)
		}
	}
	if len(list) > 0 {
		s.Properties = list
	}
}

// matches reports whether a pattern of patternProperties matches the name.
func matches(s *validate.Schema, name string) bool {
	return slices.ContainsFunc(s.PatternProperties, func(p validate.PatternProperty) bool { return p.Pattern.Matcher.MatchString(name) })
}

// union is the schema of the values that satisfy several others.
type union struct {
	schema *validate.Schema
	atoms  []*validate.Schema
	state  state
}

// both returns the schema of the values that satisfy x and y; nil accepts any value. The same pair always has the same
// schema, so that recursion stays a cycle.
func (c *compiler) both(x, y *validate.Schema) *validate.Schema {
	switch {
	case x == nil || x == y || y != nil && c.free[x]:
		return y
	case y == nil || c.free[y]:
		return x
	}
	atoms := appendNew(slices.Clone(c.atoms(x)), c.atoms(y)...)
	switch len(atoms) {
	case len(c.atoms(x)):
		return x
	case len(c.atoms(y)):
		return y
	}
	if len(c.joined) > c.maxSchemas {
		return &validate.Schema{Pointer: y.Pointer, Types: validate.AnyType, AllOf: []*validate.Schema{x, y}}
	}
	var k strings.Builder
	for _, s := range atoms {
		k.WriteString(strconv.Itoa(c.identity(s)) + " ")
	}
	u := c.joined[k.String()]
	if u == nil {
		c.steps++
		u = &union{schema: &validate.Schema{Pointer: y.Pointer, Types: validate.AnyType, AllOf: atoms}, atoms: atoms}
		c.joined[k.String()] = u
		c.unions[u.schema] = u
		c.waiting = append(c.waiting, u)
	}
	return u.schema
}

func (c *compiler) atoms(s *validate.Schema) []*validate.Schema {
	if u := c.unions[s]; u != nil {
		return u.atoms
	}
	return []*validate.Schema{s}
}

// identity returns a unique number for a schema.
func (c *compiler) identity(s *validate.Schema) int {
	if c.identities[s] == 0 {
		c.identities[s] = len(c.identities) + 1
	}
	return c.identities[s]
}

// join merges the schemas of a union, which are filled by then.
func (c *compiler) join(u *union) {
	if u.state != pending {
		return
	}
	u.state = filling
	s := u.schema
	s.AllOf = nil
	c.conjoinParts(s, u.atoms)
	u.state = filled
}
