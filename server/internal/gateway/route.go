package gateway

import (
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// router finds the operations of a path, segment by segment.
type router struct {
	bases []string
	root  *node
}

// node is what may follow the segments that lead to it. Concrete segments count before templated ones (OpenAPI 3.0.3,
// Path Templating).
type node struct {
	concrete  map[string]*node // by the decoded segment
	templated []edge
	resource  *resource // nil if no path ends here
}

// edge is a segment with a parameter between a prefix and a suffix.
type edge struct {
	prefix, suffix string
	next           *node
}

// resource is what the operations of one path share.
type resource struct {
	template []string          // the concrete segments escaped, the others with their parameter as {}
	routes   map[string]*route // by method
	allow    string
	patch    string // the media types that its PATCH takes; "" if it has none
}

// route is an operation with what never changes about it.
type route struct {
	Operation
	id            string
	types         []string // of the request's body
	mustHaveBody  bool
	permissions   []string
	tokenRequired bool
	protected     []string // the header fields that Connection must not name
	responses     map[int]documented
	rules         [2]policy.Rules
	unchecked     [2]bool // all kinds are off
	enforces      bool    // some kind for requests is refused
}

// documented is what the contract says of a status.
type documented struct{ types []string }

// all returns the routes.
func (r *router) all() iter.Seq[*route] {
	return func(yield func(*route) bool) { r.root.each(yield) }
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

func newRouter(c *Contract) (*router, error) {
	r := &router{root: &node{}}
	for _, base := range c.BasePaths {
		r.bases = append(r.bases, strings.TrimSuffix(base, "/"))
	}
	if len(r.bases) == 0 {
		r.bases = []string{""}
	}
	// The longest first: a base path may begin with another.
	slices.SortStableFunc(r.bases, func(a, b string) int { return len(b) - len(a) })
	ids := map[string]bool{}
	for _, op := range c.Operations {
		rt := newRoute(op)
		if ids[rt.id] {
			return nil, fmt.Errorf("the contract has two operations called %q", rt.id)
		}
		ids[rt.id] = true
		if err := r.add(rt); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func newRoute(op Operation) *route {
	id, _, _ := op.Route()
	rt := &route{Operation: op, id: id, permissions: op.Permissions(), tokenRequired: op.TokenRequired(), responses: map[int]documented{}}
	rt.types, rt.mustHaveBody = op.RequestBody()
	rt.protected = append([]string{"Authorization", "Accept", "Content-Encoding", "Content-Type", "Host"}, op.Headers()...)
	for status := 100; status < 600; status++ {
		if types, ok := op.Response(status); ok {
			rt.responses[status] = documented{types}
		}
	}
	return rt
}

func (r *router) add(rt *route) error {
	id, method, path := rt.Route()
	at := r.root
	var template []string
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		next, text, err := at.follow(segment)
		if err != nil {
			return fmt.Errorf("the path %s of %s: %w", path, id, err)
		}
		at, template = next, append(template, text)
	}
	if at.resource == nil {
		at.resource = &resource{template: template, routes: map[string]*route{}}
	}
	res := at.resource
	if other := res.routes[method]; other != nil {
		return fmt.Errorf("%s and %s are the same to a request: %s %s", other.id, id, method, path)
	}
	res.routes[method] = rt
	res.describe()
	return nil
}

// describe says which methods the resource has, those that HTTP adds included.
func (res *resource) describe() {
	methods := []string{http.MethodOptions}
	for method, rt := range res.routes {
		methods = append(methods, method)
		switch method {
		case http.MethodGet:
			methods = append(methods, http.MethodHead)
		case http.MethodPatch:
			res.patch = strings.Join(rt.types, ", ")
		}
	}
	slices.Sort(methods)
	res.allow = strings.Join(slices.Compact(methods), ", ")
}

// follow returns the node behind a segment of a template, and the segment as the path that is forwarded has it.
func (n *node) follow(segment string) (*node, string, error) {
	prefix, rest, found := strings.Cut(segment, "{")
	_, suffix, closed := strings.Cut(rest, "}")
	if !found {
		decoded, err := url.PathUnescape(segment)
		if err != nil {
			return nil, "", fmt.Errorf("the segment %q is not well escaped", segment)
		}
		next := n.concrete[decoded]
		if next == nil {
			next = &node{}
			if n.concrete == nil {
				n.concrete = map[string]*node{}
			}
			n.concrete[decoded] = next
		}
		return next, escapeSegment(decoded), nil
	}
	if !closed || strings.ContainsAny(suffix, "{}") {
		return nil, "", fmt.Errorf("the segment %q must have one parameter", segment)
	}
	for _, e := range n.templated {
		if e.prefix == prefix && e.suffix == suffix {
			return e.next, escapeSegment(prefix) + "{}" + escapeSegment(suffix), nil
		}
	}
	e := edge{prefix, suffix, &node{}}
	n.templated = append(n.templated, e)
	slices.SortStableFunc(n.templated, func(a, b edge) int { return len(b.prefix) + len(b.suffix) - len(a.prefix) - len(a.suffix) })
	return e.next, escapeSegment(prefix) + "{}" + escapeSegment(suffix), nil
}

// match is a resource, with the path that leads there and nowhere else.
type match struct {
	resource  *resource
	base      string
	values    []string // of the parameters, escaped
	ambiguous bool     // a value could lead a reader to another path
}

// find returns the resource that an escaped path leads to.
func (r *router) find(escaped string) (match, bool) {
	for _, base := range r.bases {
		rest, ok := strings.CutPrefix(escaped, base)
		if !ok || !strings.HasPrefix(rest, "/") {
			continue
		}
		m := match{base: base}
		segments := strings.Split(rest[1:], "/")
		for i, s := range segments {
			if strings.IndexByte(s, '%') >= 0 {
				if segments[i], _ = url.PathUnescape(s); segments[i] == "" { // net/url has found it well-formed
					return match{}, false
				}
			}
			m.ambiguous = m.ambiguous || isAmbiguous(segments[i])
		}
		if m.resource = r.root.find(segments, &m.values, (*node).exact); m.resource != nil {
			return m, true
		}
	}
	return match{}, false
}

// alias returns the resource that a path which leads nowhere here leads some readers to: those who decode twice, merge
// slashes, resolve dots, cut parameters, trailing dots or spaces off a segment, drop what is not text, or fold letters.
func (r *router) alias(escaped string, keys func(string) string) *resource {
	decoded := escaped
	for range 3 {
		next, err := url.PathUnescape(decoded)
		if err != nil || next == decoded {
			break
		}
		decoded = next
	}
	segments := strings.Split(strings.ReplaceAll(decoded, "\\", "/"), "/")
	for i, s := range segments {
		bare, _, _ := strings.Cut(strings.Map(text, strings.ToValidUTF8(s, "")), ";")
		if bare != "." && bare != ".." {
			bare = strings.TrimRight(bare, ". ")
		}
		segments[i] = escapeSegment(bare)
	}
	clean := keys(path.Clean("/" + strings.Join(segments, "/")))
	for _, base := range r.bases {
		if len(clean) <= len(base) || !strings.EqualFold(clean[:len(base)], base) || clean[len(base)] != '/' {
			continue
		}
		segments := strings.Split(clean[len(base)+1:], "/")
		for i, s := range segments {
			segments[i], _ = url.PathUnescape(s) // it was escaped here
		}
		var values []string
		if res := r.root.find(segments, &values, (*node).folded); res != nil {
			return res
		}
	}
	return nil
}

// text drops control characters.
func text(c rune) rune {
	if unicode.IsControl(c) {
		return -1
	}
	return c
}

// enforces reports whether some kind of violation is refused for an operation of the resource.
func (res *resource) enforces() bool {
	for _, rt := range res.routes {
		if slices.Contains(rt.rules[policy.Requests][:], policy.Enforce) {
			return true
		}
	}
	return false
}

// isAmbiguous reports whether a segment is one that some readers resolve or split: dots, and what was a slash, a
// backslash or a control character behind its escape.
func isAmbiguous(s string) bool {
	if s == "." || s == ".." {
		return true
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f || c == '/' || c == '\\' {
			return true
		}
	}
	return false
}

// exact returns the node behind a concrete segment, nil if there is none.
func (n *node) exact(segment string) *node { return n.concrete[segment] }

// folded is exact for readers to whom letters of either case are the same.
func (n *node) folded(segment string) *node {
	for s, next := range n.concrete {
		if strings.EqualFold(s, segment) {
			return next
		}
	}
	return nil
}

func (n *node) find(segments []string, values *[]string, concrete func(*node, string) *node) *resource {
	if len(segments) == 0 {
		return n.resource
	}
	if next := concrete(n, segments[0]); next != nil {
		if res := next.find(segments[1:], values, concrete); res != nil {
			return res
		}
	}
	for i := range n.templated {
		e := &n.templated[i]
		value, ok := strings.CutPrefix(segments[0], e.prefix)
		if ok {
			value, ok = strings.CutSuffix(value, e.suffix)
		}
		if !ok || value == "" {
			continue
		}
		before := len(*values)
		*values = append(*values, escapeSegment(value))
		if res := e.next.find(segments[1:], values, concrete); res != nil {
			return res
		}
		*values = (*values)[:before]
	}
	return nil
}

// path returns the path that is forwarded: the template with the values that were checked, escaped in one way.
func (m *match) path() string {
	var b strings.Builder
	b.WriteString(m.base)
	values := m.values
	for _, segment := range m.resource.template {
		b.WriteByte('/')
		prefix, suffix, templated := strings.Cut(segment, "{}")
		b.WriteString(prefix)
		if templated {
			b.WriteString(values[0])
			values = values[1:]
		}
		b.WriteString(suffix)
	}
	return b.String()
}

const upperHex = "0123456789ABCDEF"

// escapeSegment escapes what may not stand in a segment, and the semicolon, behind which some readers see parameters
// (RFC 3986 §3.3).
func escapeSegment(s string) string { return escape(s, ":@!$&'()*+,=") }

// escape percent-encodes all but unreserved characters and those of also.
func escape(s, also string) string {
	plain := func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 || strings.IndexByte(also, c) >= 0
	}
	first := 0
	for first < len(s) && plain(s[first]) {
		first++
	}
	if first == len(s) {
		return s
	}
	b := []byte(s[:first])
	for i := first; i < len(s); i++ {
		if c := s[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&0xf])
		}
	}
	return string(b)
}

// canonicalQuery returns the options of a query that was found valid, each under its declared name, escaped in one way.
func (rt *route) canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	b := make([]byte, 0, len(raw)+16)
	for option := range strings.SplitSeq(raw, "&") {
		if option == "" {
			continue
		}
		name, value, assigned := strings.Cut(option, "=")
		name, _ = url.QueryUnescape(name) // it was checked, as was the value
		value, _ = url.QueryUnescape(value)
		if declared := rt.QueryOption(name); declared != "" {
			name = declared
		}
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = append(b, escape(name, "$@:[]")...)
		if assigned {
			b = append(b, '=')
			b = append(b, escape(value, "$@:,/'()*!")...)
		}
	}
	return string(b)
}
