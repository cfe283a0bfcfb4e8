package spec

// circles finds schemas that refer back to themselves for the same value, such as a parent whose oneOf has children whose
// allOf has the parent. These are the strongly connected components of the keywords that apply in place (Tarjan's
// algorithm).
type circles struct {
	*compiler
	of    map[*node]int // the circle of each visited node; 0 for none
	count int
	index map[*node]int // of the nodes that are being visited
	low   map[*node]int
	stack []*node
}

// circle returns the number of n's circle; 0 for none.
func (c *circles) circle(n *node) int {
	if id, ok := c.of[n]; ok || !n.combines() {
		return id
	}
	c.index, c.low, c.stack = map[*node]int{}, map[*node]int{}, nil
	c.visit(n)
	return c.of[n]
}

func (c *circles) visit(n *node) {
	c.steps++
	c.index[n] = len(c.index) + 1
	c.low[n] = c.index[n]
	c.stack = append(c.stack, n)
	itself := false
	c.inPlace(n, func(_ string, to *node) {
		if _, done := c.of[to]; done || !to.combines() {
			return
		}
		itself = itself || to == n
		if c.index[to] == 0 {
			c.visit(to)
			c.low[n] = min(c.low[n], c.low[to])
		} else {
			c.low[n] = min(c.low[n], c.index[to])
		}
	})
	if c.low[n] == c.index[n] {
		c.close(n, itself)
	}
}

func (c *circles) close(n *node, itself bool) {
	id := 0
	if itself || c.stack[len(c.stack)-1] != n {
		c.count++
		id = c.count
	}
	for {
		last := c.stack[len(c.stack)-1]
		c.stack = c.stack[:len(c.stack)-1]
		c.of[last] = id
		if last == n {
			return
		}
	}
}

// inPlace yields the places of the schemas that apply to the same value as n, each with its keyword. It ignores the dynamic
// scope: a $dynamicRef leads to all anchors of its name.
func (c *compiler) inPlace(n *node, yield func(keyword string, to *node)) {
	if n.kind != objectKind {
		return
	}
	if ref := n.get("$ref"); ref.is(textKind) {
		if to, err := c.follow(n, ref.text); err == nil {
			yield("$ref", to)
		}
		if !c.v31 {
			return
		}
	}
	c.dynamicTargets(n, func(to *node) { yield("$ref", to) })
	for _, keyword := range inPlaceMany {
		for _, child := range n.get(keyword).list() {
			yield(keyword, child)
		}
	}
	for _, keyword := range inPlaceOne {
		if child := n.get(keyword); child != nil && (c.v31 || keyword == "not") {
			yield(keyword, child)
		}
	}
	if c.v31 {
		for _, child := range n.get("dependentSchemas").members() {
			yield("dependentSchemas", child)
		}
	}
}

func (c *compiler) dynamicTargets(n *node, yield func(*node)) {
	ref := n.get("$dynamicRef")
	if !c.v31 || !ref.is(textKind) {
		return
	}
	to, err := c.follow(n, ref.text)
	if err != nil {
		return
	}
	yield(to)
	if name := to.get("$dynamicAnchor").string(); name != "" {
		for _, place := range c.places[name] {
			if place != to {
				yield(place)
			}
		}
	}
}
