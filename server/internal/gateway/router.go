package gateway

import (
	"cmp"
	"fmt"
	"iter"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// router finds the operations of a path, segment by segment.
type router struct{ bases []*base }

// base is a base path with the operations below it.
type base struct {
	validate.BasePath
	root *node
}

// node is a position after the segments that lead to it. Concrete segments win over templated ones (OpenAPI 3.0.3, Path
// Templating).
type node struct {
	concrete  map[string]*node // by the decoded segment
	templated []edge
	resource  *resource // nil if no path ends here
}

// edge is a segment with parameters, separated by literals that are escaped like segments.
type edge struct {
	literals []string
	folded   []string // the literals in lower case
	next     *node
}

func lower(literals []string) []string {
	folded := slices.Clone(literals)
	for i := range folded {
		folded[i] = strings.ToLower(folded[i])
	}
	return folded
}

// all returns the routes.
func (r *router) all() iter.Seq[*route] {
	return func(yield func(*route) bool) {
		for _, b := range r.bases {
			if !b.root.each(yield) {
				return
			}
		}
	}
}

func (n *node) each(yield func(*route) bool) bool {
	if n.resource != nil {
		for _, rt := range n.resource.routes {
			if !yield(rt) {
				return false
			}
		}
	}
	for _, next := range n.concrete {
		if !next.each(yield) {
			return false
		}
	}
	for i := range n.templated {
		if !n.templated[i].next.each(yield) {
			return false
		}
	}
	return true
}

// maxPlaces bounds the product of servers and operations: a place takes 3 kB.
const maxPlaces = 1 << 17

func newRouter(c *Contract) (*router, error) {
	r := &router{}
	everywhere := c.BasePaths
	if len(everywhere) == 0 {
		everywhere = validate.BasePaths("")
	}
	if err := checkPlaces(c, len(everywhere)); err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, op := range c.Operations {
		if ids[op.ID] {
			return nil, fmt.Errorf("the contract has two operations called %q", op.ID)
		}
		ids[op.ID] = true
		paths := op.BasePaths
		if paths == nil {
			paths = everywhere
		}
		rt := newRoute(op)
		if !c.Graph { // otherwise a batch is taken apart
			rt.spots = addSpot(rt.spots, op)
		}
		for _, path := range paths {
			r.base(path).add(rt)
		}
	}
	// Longest first, because one base path may be a prefix of another.
	slices.SortStableFunc(r.bases, func(a, b *base) int {
		return cmp.Or(cmp.Compare(len(b.Segments), len(a.Segments)), cmp.Compare(a.variables(), b.variables()))
	})
	for _, b := range r.bases {
		b.root.markShadowed(false)
	}
	return r, nil
}

// checkPlaces rejects a contract with more than maxPlaces before building any. everywhere is the number of base paths for
// operations without their own.
func checkPlaces(c *Contract, everywhere int) error {
	places := 0
	for _, op := range c.Operations {
		if op.BasePaths == nil {
			places += everywhere
		}
		places += len(op.BasePaths)
	}
	if places > maxPlaces {
		return fmt.Errorf("the contract's operations are at more than %d paths together, of all its servers", maxPlaces)
	}
	return nil
}

// markShadowed marks the resources behind a segment that competes with other segments.
func (n *node) markShadowed(shadowed bool) {
	if n.resource != nil {
		n.resource.shadowed = shadowed
	}
	for _, next := range n.concrete {
		next.markShadowed(shadowed)
	}
	for i := range n.templated {
		n.templated[i].next.markShadowed(shadowed || len(n.concrete) > 0 || len(n.templated) > 1)
	}
}

// base returns the base of a base path.
func (r *router) base(path validate.BasePath) *base {
	same := func(a, b validate.BaseSegment) bool {
		return a.Text == b.Text && a.Open == b.Open && slices.Equal(a.Values, b.Values)
	}
	for _, b := range r.bases {
		if slices.EqualFunc(b.Segments, path.Segments, same) {
			return b
		}
	}
	b := &base{path, &node{}}
	r.bases = append(r.bases, b)
	return b
}

func (b *base) variables() int {
	n := 0
	for _, s := range b.Segments {
		if s.Open || s.Values != nil {
			n++
		}
	}
	return n
}

// begins reports whether decoded segments start with the base path.
func (b *base) begins(segments []string, same func(a, b string) bool) bool {
	if len(segments) < len(b.Segments) {
		return false
	}
	for i, s := range b.Segments {
		switch {
		case s.Open:
			if segments[i] == "" {
				return false
			}
		case s.Values != nil:
			if !slices.ContainsFunc(s.Values, func(v string) bool { return same(v, segments[i]) }) {
				return false
			}
		case !same(s.Text, segments[i]):
			return false
		}
	}
	return true
}

// String returns the base path. A variable appears as its values, or as {*} if it is free.
func (b *base) String() string {
	text := ""
	for _, s := range b.Segments {
		switch {
		case s.Open:
			text += "/{*}"
		case s.Values != nil:
			text += "/{" + strings.Join(s.Values, "|") + "}"
		default:
			text += "/" + s.Text
		}
	}
	return cmp.Or(text, "/")
}

// path returns the base path of decoded segments, as it is forwarded.
func (b *base) path(segments []string) string {
	path := ""
	for i := range b.Segments {
		path += "/" + escapeSegment(segments[i])
	}
	return path
}

// add inserts a route at its template. Of two routes that match the same requests, the first one counts.
func (b *base) add(rt *route) {
	at := b.root
	var template []string
	for segment := range strings.SplitSeq(strings.TrimPrefix(rt.Path, "/"), "/") {
		next, text := at.follow(segment)
		at, template = next, append(template, text)
	}
	if at.resource == nil {
		at.resource = &resource{template: template, path: rt.Path, routes: map[string]*route{}}
	}
	if at.resource.routes[rt.Method] == nil {
		at.resource.routes[rt.Method] = rt
		at.resource.describe()
	}
}

// follow returns the node behind a template's segment, and the segment as it is forwarded.
func (n *node) follow(segment string) (*node, string) {
	literals := placeholder.Split(segment, -1)
	if len(literals) == 1 {
		decoded, err := url.PathUnescape(segment)
		if err != nil {
			decoded = segment
		}
		if n.concrete == nil {
			n.concrete = map[string]*node{}
		}
		if n.concrete[decoded] == nil {
			n.concrete[decoded] = &node{}
		}
		return n.concrete[decoded], escapeSegment(decoded)
	}
	for i := range literals {
		literals[i] = normalSegment(literals[i])
	}
	text := strings.Join(literals, "{}")
	for _, e := range n.templated {
		if slices.Equal(e.literals, literals) {
			return e.next, text
		}
	}
	e := edge{literals, lower(literals), &node{}}
	n.templated = append(n.templated, e)
	slices.SortStableFunc(n.templated, func(a, b edge) int { return b.concreteness() - a.concreteness() })
	return e.next, text
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

func (e edge) concreteness() int {
	n := 0
	for _, l := range e.literals {
		n += len(l)
	}
	return n
}

// match is the resource of a path, and the values in the path.
type match struct {
	resource  *resource
	base      string
	values    []string // of the parameters, escaped
	ambiguous bool     // another server may read a different path
	slashes   bool     // a value contains an escaped slash
}

// find returns the resource of an escaped path.
func (r *router) find(escaped string) (match, bool) {
	raw, ok := strings.CutPrefix(escaped, "/")
	if !ok {
		return match{}, false
	}
	var m match
	segments := strings.Split(raw, "/")
	decoded := segments
	if strings.IndexByte(raw, '%') >= 0 {
		decoded = slices.Clone(segments)
	}
	for i, s := range segments {
		if strings.IndexByte(s, '%') >= 0 {
			if decoded[i], _ = url.PathUnescape(s); decoded[i] == "" { // net/url has validated it
				return match{}, false
			}
		}
		m.ambiguous = m.ambiguous || isAmbiguous(decoded[i])
		m.slashes = m.slashes || strings.IndexByte(decoded[i], '/') >= 0
	}
	for _, b := range r.bases {
		if !b.begins(decoded, isSame) {
			continue
		}
		m.base = b.path(decoded)
		n := len(b.Segments)
		if n == len(segments) { // the base path without the slash of the path /
			segments, decoded = append(slices.Clip(segments), ""), append(slices.Clip(decoded), "")
		}
		if m.resource = b.root.find(segments[n:], decoded[n:], &m.values, exact); m.resource != nil {
			return m, true
		}
	}
	return match{}, false
}

func isSame(a, b string) bool { return a == b }

// reading is a way to compare segments with those of the contract.
type reading struct {
	concrete  func(n *node, segment string) *node
	templated func(e *edge, segment string, values []string) ([]string, bool)
}

// exact compares segments byte for byte.
var exact = reading{
	func(n *node, segment string) *node { return n.concrete[segment] },
	func(e *edge, segment string, values []string) ([]string, bool) {
		return validate.MatchSegment(e.literals, segment, values)
	},
}

// folded compares segments case-insensitively.
var folded = reading{
	func(n *node, segment string) *node {
		for s, next := range n.concrete {
			if strings.EqualFold(s, segment) {
				return next
			}
		}
		return nil
	},
	func(e *edge, segment string, values []string) ([]string, bool) {
		return validate.MatchSegment(e.folded, strings.ToLower(segment), values)
	},
}

// find returns the resource of the segments, and their values. decoded are the same segments decoded, for concrete ones; a
// value stays percent-encoded, because decoding it could split its items.
func (n *node) find(segments, decoded []string, values *[]string, how reading) *resource {
	if len(segments) == 0 {
		return n.resource
	}
	if next := how.concrete(n, decoded[0]); next != nil {
		if res := next.find(segments[1:], decoded[1:], values, how); res != nil {
			return res
		}
	}
	if len(n.templated) == 0 || segments[0] == "" {
		return nil
	}
	segment := normalSegment(segments[0])
	for i := range n.templated {
		e := &n.templated[i]
		before := len(*values)
		all, ok := how.templated(e, segment, *values)
		if ok {
			*values = all
			if res := e.next.find(segments[1:], decoded[1:], values, how); res != nil {
				return res
			}
		}
		*values = (*values)[:before]
	}
	return nil
}
