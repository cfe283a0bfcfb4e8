package spec

import "slices"

// topic is a question about a schema and the schemas that apply to the same value.
type topic uint8

const (
	hidesItself    topic = iota // the schema hides the member that has it: one name if so
	hiddenAlways                // the members that are hidden for every alternative
	hiddenPossibly              // the members that at least one alternative hides
	required                    // the members that are required
)

// fact is a question about a node. Results are kept, so that schemas with many references are visited once.
type fact struct {
	node      *node
	direction Direction
	topic     topic
}

// gather returns the names for f, sorted.
func (c *compiler) gather(f fact) []string {
	if names, ok := c.facts[f]; ok {
		return names
	}
	c.facts[f] = nil // cycles are visited as a whole
	circle := c.circles.circle(f.node)
	var names []string
	seen := map[*node]bool{f.node: true}
	walk := []*node{f.node}
	for len(walk) > 0 {
		n := walk[0]
		walk = walk[1:]
		c.steps++
		names = append(names, c.own(n, f)...)
		c.inPlace(n, func(keyword string, to *node) {
			switch {
			case !f.topic.follows(keyword) || seen[to]:
			case circle != 0 && c.circles.circle(to) == circle:
				walk = append(walk, to)
			default:
				names = append(names, c.gather(fact{to, f.direction, f.topic})...)
			}
			seen[to] = true
		})
	}
	slices.Sort(names)
	names = slices.Compact(names)
	c.facts[f] = names
	return names
}

// follows reports whether a schema below the keyword matters for the topic.
func (t topic) follows(keyword string) bool {
	switch keyword {
	case "$ref", "allOf":
		return true
	case "not", "if":
		return false
	}
	return t == hiddenPossibly || t == required
}

// own returns the names from n itself.
func (c *compiler) own(n *node, f fact) []string {
	if !c.v31 && n.has("$ref") {
		return nil
	}
	var names []string
	switch f.topic {
	case hidesItself:
		if n.get(f.direction.hides()).isTrue() {
			names = append(names, "")
		}
	case required:
		names = n.get("required").strings()
		for _, list := range n.get("dependentRequired").members() {
			names = append(names, list.strings()...)
		}
	default:
		for name, child := range n.get("properties").members() {
			if c.isHidden(child, f.direction) {
				names = append(names, name)
			}
		}
	}
	return names
}

// isHidden reports whether the schema of a member forbids the member in this direction.
func (c *compiler) isHidden(n *node, d Direction) bool {
	if !c.hiding || d == neither {
		return false
	}
	if !n.combines() {
		return n.get(d.hides()).isTrue()
	}
	return len(c.gather(fact{n, d, hidesItself})) > 0
}

// combines reports whether other schemas apply to the same value as n.
func (n *node) combines() bool {
	if n.kind != objectKind {
		return false
	}
	for _, name := range n.names {
		if combining[name] {
			return true
		}
	}
	return false
}

var combining = words("$ref $dynamicRef allOf anyOf oneOf not if then else dependentSchemas")

// hidden returns the members that a schema hides: always, or in at least one alternative.
func (c *compiler) hidden(n *node, d Direction) (always, possibly []string) {
	if !c.hiding || d == neither || !n.combines() && !n.has("properties") {
		return nil, nil
	}
	return c.gather(fact{n, d, hiddenAlways}), c.gather(fact{n, d, hiddenPossibly})
}
