package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Direction is the direction of a value. A request must not have a readOnly member, a response no writeOnly member.
type Direction uint8

const (
	Request Direction = iota
	Response
	// neither applies below not and if: nothing is required or hidden there.
	neither
)

// hides returns the keyword that forbids a member in the direction.
func (d Direction) hides() string {
	switch d {
	case Request:
		return "readOnly"
	case Response:
		return "writeOnly"
	}
	return ""
}

// setting is what the meaning of a schema depends on in addition to its place. It is comparable.
type setting struct {
	direction Direction
	// drop has the names of hidden members: no schema that applies to the same value may require them.
	drop string
	// scope is the dynamic scope; nil if the document has no dynamic anchors.
	scope *scope
	// open has the schemas that apply to the same value, contain this one, and are in one circle with it.
	open string
	// bare omits the schemas that lead back to the start of the circle.
	bare bool
}

// below returns the setting for schemas of members or items.
func (x setting) below() setting { return setting{direction: x.direction, scope: x.scope} }

type key struct {
	node *node
	setting
}

// exhausted reports whether the schemas have exceeded the limits.
func (c *compiler) exhausted() bool { return c.steps > c.maxSteps || len(c.entries) > c.maxSchemas }

// entry is a schema that is being converted to its normal form.
type entry struct {
	key
	schema *validate.Schema
	state  state
}

type state uint8

const (
	pending state = iota
	filling
	filled
)

// compiler converts Schema Objects to their normal form. Each place has one schema per setting, so that each place is read
// once per setting, and recursion is a cycle of pointers.
type compiler struct {
	*library
	v31        bool
	dialect    *node // jsonSchemaDialect, if it is unsupported
	hiding     bool  // the document uses readOnly or writeOnly
	entries    map[key]*entry
	queue      []*entry
	free       map[*validate.Schema]bool // schemas that accept every value
	joined     map[string]*union
	unions     map[*validate.Schema]*union
	waiting    []*union
	identities map[*validate.Schema]int
	choices    []choice
	spots      map[*validate.Schema]*node // the places of schemas that are Unjudged
	scopes     map[string]*scope
	facts      map[fact][]string
	circles    circles
	ended      func() bool // whether the context is done
	warn       func(n *node, once, text string)
	steps      int // the work done, for the tests
	// The limits of what a small document can multiply to. Beyond them, schemas cannot be checked or stay unmerged.
	maxSteps, maxSchemas int
}

func newCompiler(l *library, v31 bool, warn func(*node, string, string)) *compiler {
	c := &compiler{
		library: l, v31: v31, warn: warn, entries: map[key]*entry{}, free: map[*validate.Schema]bool{}, identities: map[*validate.Schema]int{}, joined: map[string]*union{}, unions: map[*validate.Schema]*union{},
		spots: map[*validate.Schema]*node{}, scopes: map[string]*scope{}, facts: map[fact][]string{},
	}
	c.circles = circles{compiler: c, of: map[*node]int{}}
	c.maxSteps, c.maxSchemas = 1<<18+32*l.order, 1<<14+2*l.order
	return c
}

// add returns the schema at n. It is complete once finish has returned.
func (c *compiler) add(n *node, direction Direction) *validate.Schema {
	return c.schema(n, setting{direction: direction, scope: c.enter(nil, n)})
}

// schema returns the schema at n for members or items. It is filled later.
func (c *compiler) schema(n *node, x setting) *validate.Schema {
	return c.entry(n, x).schema
}

// part returns the schema at n for the same value and fills it now. It returns nil if the schema is being filled.
func (c *compiler) part(n *node, x setting) *validate.Schema {
	e := c.entry(n, x)
	if e.state == filling {
		return nil
	}
	c.fill(e)
	return e.schema
}

func (c *compiler) entry(n *node, x setting) *entry {
	c.steps++
	to, scope, err := c.destination(n, x.scope)
	if err != nil {
		return c.dead(n, x, err)
	}
	if !c.v31 && n.has("$ref") {
		c.siblings(n)
	}
	x.scope = scope
	if !c.hiding {
		x.direction = Request // the directions have the same schema
	}
	k := key{to, x}
	e := c.entries[k]
	if e == nil {
		e = &entry{key: k, schema: &validate.Schema{Pointer: to.pointer(), Name: componentName(to), Types: validate.AnyType}}
		c.entries[k] = e
		c.begin(e)
	}
	return e
}

// begin fills in what is known at once: whether the schema accepts every value, or none.
func (c *compiler) begin(e *entry) {
	switch {
	case e.node.kind == boolKind:
		e.state = filled
		if c.free[e.schema] = e.node.isTrue(); !c.free[e.schema] {
			e.schema.Types = 0
		}
		return
	case e.node.kind == nullKind:
		e.state, c.free[e.schema] = filled, true
		c.warn(e.node, "", "the schema is null: it is read as one that allows any value")
		return
	case e.node.kind == objectKind && !c.has(e.node):
		c.free[e.schema] = true
	}
	c.queue = append(c.queue, e)
}

// has reports whether the schema has a keyword that affects validation.
func (c *compiler) has(n *node) bool {
	for name := range n.members() {
		if meaning[name] || meaning30[name] || ours[name] {
			return true
		}
	}
	return c.dialect != nil
}

// siblings warns of keywords next to a $ref, which OpenAPI 3.0 ignores.
func (c *compiler) siblings(n *node) {
	for name, value := range n.members() {
		if name != "$ref" && (meaning[name] || meaning30[name] || ours[name] || name == "readOnly" || name == "writeOnly") {
			c.warn(value, "", "next to $ref, "+name+" has no meaning in OpenAPI 3.0")
		}
	}
}

// dead returns the schema of a reference that cannot be resolved.
func (c *compiler) dead(n *node, x setting, err error) *entry {
	k := key{n, x}
	e := c.entries[k]
	if e == nil {
		e = &entry{key: k, state: filled, schema: &validate.Schema{Pointer: n.pointer(), Types: validate.AnyType, Unjudged: "the reference " + err.Error()}}
		c.entries[k] = e
		c.spots[e.schema] = n
	}
	return e
}

func componentName(n *node) string {
	if p := n.parent; p != nil && p.key == "schemas" && p.parent != nil && p.parent.key == "components" {
		if root := p.parent.parent; root.source != nil && root.source.name == "" {
			return n.key
		}
	}
	return ""
}

// finish fills the schemas that were added.
func (c *compiler) finish() {
	for len(c.queue) > 0 && !c.ended() {
		e := c.queue[0]
		c.queue = c.queue[1:]
		c.fill(e)
	}
	for len(c.waiting) > 0 && !c.ended() {
		u := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.join(u)
	}
}

// destination follows references, as long as they have no siblings that apply.
func (c *compiler) destination(n *node, s *scope) (*node, *scope, error) {
	from := n
	for range maxNesting {
		s = c.enter(s, n)
		to, err := c.referred(n, s)
		if to == nil || err != nil || c.v31 && c.hasSiblings(n) {
			return n, s, err
		}
		c.steps++
		n = to
		if n == from {
			break
		}
	}
	return nil, nil, fmt.Errorf("leads back to itself")
}

// referred returns the target of $ref or $dynamicRef of n; nil if it has neither.
func (c *compiler) referred(n *node, s *scope) (*node, error) {
	if ref := n.get("$ref"); ref.is(textKind) {
		return c.follow(n, ref.text)
	}
	if ref := n.get("$dynamicRef"); c.v31 && ref.is(textKind) {
		to, err := c.follow(n, ref.text)
		if err != nil {
			return nil, err
		}
		return s.resolve(ref.text, to), nil
	}
	return nil, nil
}

// hasSiblings reports whether a schema has more than a reference and annotations.
func (c *compiler) hasSiblings(n *node) bool {
	references := 0
	for name := range n.members() {
		if name == "$ref" || name == "$dynamicRef" {
			references++
			continue
		}
		if meaning[name] || ours[name] {
			return true
		}
	}
	return references > 1
}

// scope maps names to the targets of $dynamicRef: the outermost resource with that anchor wins.
type scope struct {
	key    string
	places map[string]*node
}

// enter adds the dynamic anchors of the resource that n is in.
func (c *compiler) enter(s *scope, n *node) *scope {
	if len(c.dynamic) == 0 {
		return nil
	}
	return c.extend(s, c.dynamic[c.resource(n)])
}

func (c *compiler) extend(s *scope, list []dynamicAnchor) *scope {
	places := map[string]*node{}
	if s != nil {
		places = s.places
	}
	for copied, i := false, 0; i < len(list); i++ {
		if places[list[i].name] != nil {
			continue
		}
		if !copied {
			more := make(map[string]*node, len(places)+1)
			for name, n := range places {
				more[name] = n
			}
			places, copied = more, true
		}
		places[list[i].name] = list[i].node
	}
	if s != nil && len(places) == len(s.places) || len(places) == 0 {
		return s
	}
	var text []string
	for name, n := range places {
		text = append(text, name+" "+strconv.Itoa(n.order))
	}
	slices.Sort(text)
	k := strings.Join(text, " ")
	if c.scopes[k] == nil {
		c.scopes[k] = &scope{k, places}
	}
	return c.scopes[k]
}

// resolve returns the target of a $dynamicRef. As a $ref it would lead to to: the scope applies only if to is a dynamic
// anchor of that name.
func (s *scope) resolve(ref string, to *node) *node {
	_, name, _ := strings.Cut(ref, "#")
	if s == nil || name == "" || to.get("$dynamicAnchor").string() != name || s.places[name] == nil {
		return to
	}
	return s.places[name]
}

// unjudged records that the value of a keyword at n cannot be checked. It adds a part for it, so that the rest stays in
// effect.
func (c *compiler) unjudged(s *validate.Schema, n *node, format string, args ...any) {
	leaf := &validate.Schema{Pointer: n.pointer(), Types: validate.AnyType, Unjudged: fmt.Sprintf(format, args...)}
	c.spots[leaf] = n
	s.AllOf = append(s.AllOf, leaf)
}
