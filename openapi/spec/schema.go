package spec

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// fill converts the schema at e to its normal form.
func (c *compiler) fill(e *entry) {
	if e.state != pending {
		return
	}
	e.state = filling
	c.steps++
	s, n := e.schema, e.node
	switch {
	case n.kind != objectKind:
		c.unjudged(s, n, "a schema must be an object")
	case c.foreign(n) != nil:
		at := c.foreign(n)
		s.Unjudged = "the dialect " + at.json() + " is not supported"
		c.spots[s] = at
	case c.exhausted():
		s.Unjudged = "the schemas of the document multiply too much"
		c.spots[s] = n
	default:
		c.object(e)
	}
	e.state = filled
}

// foreign returns the place that declares an unsupported dialect for the schema.
func (c *compiler) foreign(n *node) *node {
	if !c.v31 {
		return nil
	}
	if own := n.get("$schema"); own != nil {
		if isDialect(own.string()) {
			return nil
		}
		return own
	}
	return c.dialect
}

// isDialect reports whether the dialect with this URI is supported.
func isDialect(uri string) bool {
	uri = strings.TrimSuffix(uri, "#")
	return uri == "https://json-schema.org/draft/2020-12/schema" || strings.HasPrefix(uri, "https://spec.openapis.org/oas/3.1/dialect/")
}

// object reads a Schema Object.
func (c *compiler) object(e *entry) {
	s, n := e.schema, e.node
	c.scalars(s, n)
	always, possibly := c.hidden(n, e.direction)
	own := union2(split(e.drop), possibly)
	c.members(e, own)
	c.items(e)
	// An alternative hides members only from itself: another alternative may require them.
	c.alternatives(e, union2(split(e.drop), always))
	parts := c.parts(e, own)
	s.Expected = expected(s.Types, n.get("format").string())
	c.conjoinParts(s, parts)
}

// split returns the names in the drop of a setting.
func split(drop string) []string {
	if drop == "" {
		return nil
	}
	return strings.Split(drop, "\x00")
}

// union2 merges two sorted lists of names.
func union2(a, b []string) []string {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// within returns the setting for a schema at to that applies to the same value as e. It keeps only the names in drop that
// are required there, so that a schema with many references is compiled once.
func (c *compiler) within(e *entry, to *node, drop []string) setting {
	x := setting{direction: e.direction, scope: e.scope}
	if len(drop) > 0 {
		var kept []string
		for _, name := range c.gather(fact{to, 0, required}) {
			if _, ok := slices.BinarySearch(drop, name); ok {
				kept = append(kept, name)
			}
		}
		x.drop = strings.Join(kept, "\x00")
	}
	if circle := c.circles.circle(e.node); circle != 0 && c.circles.circle(to) == circle {
		x.open = e.open + strconv.Itoa(e.node.order) + " "
		x.bare = e.bare
	}
	return x
}

// isOpen reports whether the schema at n is e, or contains e and applies to the same value.
func (e *entry) isOpen(n *node) bool {
	return n == e.node || strings.Contains(" "+e.open, " "+strconv.Itoa(n.order)+" ")
}

// apply returns the schema at n, which applies to the same value as e; nil if it adds nothing.
func (c *compiler) apply(e *entry, n *node, drop []string) *validate.Schema {
	to, scope, err := c.destination(n, e.scope)
	if err != nil {
		return c.dead(n, setting{}, err).schema
	}
	x := c.within(e, to, drop)
	x.scope = scope
	if e.isOpen(to) {
		if to == e.node {
			return nil
		}
		x.open, x.bare = "", true
	}
	return c.part(to, x)
}

// parts returns the schemas of $ref and allOf.
func (c *compiler) parts(e *entry, drop []string) []*validate.Schema {
	var parts []*validate.Schema
	add := func(p *validate.Schema) {
		if p != nil && !slices.Contains(parts, p) {
			parts = append(parts, p)
		}
	}
	if c.v31 {
		for _, name := range []string{"$ref", "$dynamicRef"} {
			if ref := e.node.get(name); ref.is(textKind) {
				add(c.applyReference(e, name, drop))
			}
		}
	}
	for _, item := range c.listOf(e.schema, e.node, "allOf") {
		add(c.apply(e, item, drop))
	}
	return parts
}

// applyReference returns the target of $ref or $dynamicRef in a schema with siblings.
func (c *compiler) applyReference(e *entry, name string, drop []string) *validate.Schema {
	ref := e.node.get(name)
	to, err := c.follow(e.node, ref.text)
	if err != nil {
		return c.dead(ref, setting{}, err).schema
	}
	if name == "$dynamicRef" {
		to = e.scope.resolve(ref.text, to)
	}
	return c.apply(e, to, drop)
}

// alternatives reads the keywords that apply conditionally to the same value.
func (c *compiler) alternatives(e *entry, drop []string) {
	s, n := e.schema, e.node
	s.AnyOf, s.OneOf = c.choice(e, "anyOf", drop), c.choice(e, "oneOf", drop)
	c.discriminator(e, drop)
	s.Not = c.condition(e, "not")
	if !c.v31 {
		return
	}
	if s.If = c.condition(e, "if"); s.If != nil {
		s.Then, s.Else = c.branch(e, "then", drop), c.branch(e, "else", drop)
	}
	for name, child := range n.get("dependentSchemas").members() {
		if p := c.apply(e, child, drop); p != nil {
			s.DependentSchemas = append(s.DependentSchemas, validate.Property{Name: name, Schema: p})
		}
	}
}

// choice returns the alternatives of anyOf or oneOf. If one of them contains e, as a child contains its parent, the value is
// already being checked as that alternative.
func (c *compiler) choice(e *entry, keyword string, drop []string) []*validate.Schema {
	items := c.listOf(e.schema, e.node, keyword)
	for _, item := range items {
		to := c.meant(item, e.scope)
		if e.isOpen(to) || e.bare && c.circles.circle(to) != 0 && c.circles.circle(to) == c.circles.circle(e.node) {
			if to == e.node && !e.bare {
				c.unjudged(e.schema, item, "the schema is an alternative of itself")
			}
			return nil
		}
	}
	var list []*validate.Schema
	for _, item := range items {
		if p := c.apply(e, item, drop); p != nil {
			list = append(list, p)
		}
	}
	return list
}

// meant follows an alternative that is only a reference, or allOf with one schema.
func (c *compiler) meant(n *node, s *scope) *node {
	for range maxNesting {
		to, scope, err := c.destination(n, s)
		if err != nil {
			return n
		}
		n, s = to, scope
		list := n.get("allOf").list()
		if len(list) != 1 || n.has("properties") {
			return n
		}
		n = list[0]
	}
	return n
}

// condition returns the schema of not or if. Nothing is hidden there, and required is unchanged.
func (c *compiler) condition(e *entry, keyword string) *validate.Schema {
	child := e.node.get(keyword)
	if child == nil {
		return nil
	}
	neutral := *e
	neutral.direction, neutral.drop = neither, ""
	if to := c.meant(child, e.scope); e.isOpen(to) {
		c.unjudged(e.schema, child, "the schema depends on itself")
		return nil
	}
	return c.apply(&neutral, child, nil)
}

func (c *compiler) branch(e *entry, keyword string, drop []string) *validate.Schema {
	if child := e.node.get(keyword); child != nil {
		return c.apply(e, child, drop)
	}
	return nil
}

// listOf returns the schemas of a keyword with a list.
func (c *compiler) listOf(s *validate.Schema, n *node, keyword string) []*node {
	list := n.get(keyword)
	if list != nil && (list.kind != listKind || len(list.items) == 0) {
		c.unjudged(s, list, "%s is not a list of schemas", keyword)
	}
	return list.list()
}

// members reads the keywords for objects. No schema may require the members in drop.
func (c *compiler) members(e *entry, drop []string) {
	s, n, x := e.schema, e.node, e.below()
	for name, child := range c.objectOf(s, n, "properties").members() {
		p := validate.Property{Name: name, Schema: c.schema(child, x)}
		if c.isHidden(child, e.direction) {
			p.Hidden = e.direction.hides()
		}
		s.Properties = append(s.Properties, p)
	}
	s.Required = without(c.namesOf(s, n.get("required")), drop)
	if child := n.get("additionalProperties"); child != nil {
		s.AdditionalProperties = c.schema(child, x)
	}
	if !c.v31 {
		return
	}
	for name, list := range c.objectOf(s, n, "dependentRequired").members() {
		if names := without(c.namesOf(s, list), drop); len(names) > 0 {
			s.DependentRequired = append(s.DependentRequired, validate.DependentRequired{Name: name, Required: names})
		}
	}
	if child := n.get("propertyNames"); child != nil {
		s.PropertyNames = c.schema(child, x)
	}
	if child := n.get("unevaluatedProperties"); child != nil {
		s.UnevaluatedProperties = c.schema(child, x)
	}
	c.patternProperties(e, x)
}

// patternProperties reads the keyword. If a pattern is unsupported, it is unknown which members are left for
// additionalProperties.
func (c *compiler) patternProperties(e *entry, x setting) {
	s := e.schema
	for text, child := range c.objectOf(s, e.node, "patternProperties").members() {
		p, err := compilePattern(text)
		if err != nil {
			c.unjudged(s, child, "%v", err)
			s.AdditionalProperties, s.UnevaluatedProperties = nil, nil
			continue
		}
		s.PatternProperties = append(s.PatternProperties, validate.PatternProperty{Pattern: p, Schema: c.schema(child, x)})
	}
}

func (c *compiler) objectOf(s *validate.Schema, n *node, keyword string) *node {
	object := n.get(keyword)
	if object != nil && object.kind != objectKind {
		c.unjudged(s, object, "%s is not an object", keyword)
	}
	return object
}

// namesOf returns the names in required, without duplicates.
func (c *compiler) namesOf(s *validate.Schema, list *node) []string {
	if list == nil {
		return nil
	}
	if list.kind == boolKind && list.key == "required" {
		c.warn(list, "", "required is a list of members; in the schema of a member, "+list.text+" has no meaning")
		return nil
	}
	names := list.strings()
	if list.kind != listKind || len(names) != len(list.items) {
		c.unjudged(s, list, "%s is not a list of names", list.key)
		return nil
	}
	return unique(names)
}

// unique returns the names without duplicates.
func unique(names []string) []string {
	seen := make(map[string]bool, len(names))
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		twice := seen[name]
		seen[name] = true
		return twice
	})
}

// without returns the names that are not in drop, which is sorted.
func without(names, drop []string) []string {
	if len(drop) == 0 {
		return names
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, ok := slices.BinarySearch(drop, name)
		return ok
	})
}

// items reads the keywords for arrays.
func (c *compiler) items(e *entry) {
	s, n, x := e.schema, e.node, e.below()
	if child := n.get("items"); child != nil {
		s.Items = c.schema(child, x)
	}
	if !c.v31 {
		return
	}
	for _, child := range c.listOf(s, n, "prefixItems") {
		s.PrefixItems = append(s.PrefixItems, c.schema(child, x))
	}
	if child := n.get("contains"); child != nil {
		s.Contains = c.schema(child, x)
		s.MinContains, s.MaxContains = c.count(s, n, "minContains"), c.count(s, n, "maxContains")
	}
	if child := n.get("unevaluatedItems"); child != nil {
		s.UnevaluatedItems = c.schema(child, x)
	}
}
