package gateway

import (
	"cmp"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// router finds the operations of a path, segment by segment.
type router struct{ bases []*base }

// base is a base path with the operations below it.
type base struct {
	validate.BasePath
	root *node
}

// node is what may follow the segments that lead to it. Concrete segments count before templated ones (OpenAPI 3.0.3,
// Path Templating).
type node struct {
	concrete  map[string]*node // by the decoded segment
	templated []edge
	resource  *resource // nil if no path ends here
}

// edge is a segment with parameters: before, between and behind them are literals, escaped as segments are.
type edge struct {
	literals []string
	next     *node
}

// resource is what the operations of one path share.
type resource struct {
	template []string          // the literals of its segments, escaped, with each parameter as {}
	routes   map[string]*route // by method
	path     string            // as the document has it
	allow    string
	patch    string // the media types that its PATCH takes; "" if it has none
	allowed  string // the header fields that pages of other origins may send
	exposed  string // the header fields that they may read
}

// route is an operation with what never changes about it.
type route struct {
	*validate.Operation
	types         []string // of the request's body
	permissions   []string
	tokenRequired bool
	declared      []string        // the header fields that are parameters or hold credentials
	protected     []string        // the header fields that Connection must not name
	spots         []validate.Spot // that cannot be judged, outside of bodies
	matrix        []bool          // of the template's parameters: those that hold a semicolon
	rules         [2]policy.Rules
	unchecked     [2]bool // all kinds are off
	enforces      bool    // some kind for requests is refused
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

func newRouter(c *Contract) (*router, error) {
	r := &router{}
	everywhere := c.BasePaths
	if len(everywhere) == 0 {
		everywhere = validate.BasePaths("")
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
		for _, path := range paths {
			r.base(path).add(rt)
		}
	}
	// The longest first: a base path may begin with another.
	slices.SortStableFunc(r.bases, func(a, b *base) int {
		return cmp.Or(cmp.Compare(len(b.Segments), len(a.Segments)), cmp.Compare(a.variables(), b.variables()))
	})
	return r, nil
}

// base returns the base with a path.
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

// match reports whether decoded segments begin with those of the base path, and returns that path as it is forwarded.
func (b *base) match(segments []string, same func(a, b string) bool) (string, bool) {
	if len(segments) < len(b.Segments) {
		return "", false
	}
	path := ""
	for i, s := range b.Segments {
		switch {
		case s.Open:
			if segments[i] == "" {
				return "", false
			}
		case s.Values != nil:
			if !slices.ContainsFunc(s.Values, func(v string) bool { return same(v, segments[i]) }) {
				return "", false
			}
		case !same(s.Text, segments[i]):
			return "", false
		}
		path += "/" + escapeSegment(segments[i])
	}
	return path, true
}

func newRoute(op *validate.Operation) *route {
	rt := &route{Operation: op, types: op.RequestTypes(), permissions: op.Permissions(), tokenRequired: op.TokenRequired(), spots: op.Spots}
	for _, p := range op.Parameters {
		if p.Spot != nil && !slices.Contains(rt.spots, *p.Spot) {
			rt.spots = append(slices.Clip(rt.spots), *p.Spot)
		}
	}
	rt.declared = slices.Clone(op.Headers())
	for _, alternative := range op.Security {
		for _, requirement := range alternative {
			if requirement.In == "header" {
				rt.declared = append(rt.declared, http.CanonicalHeaderKey(requirement.Name))
			}
		}
	}
	rt.protected = append([]string{"Authorization", "Accept", "Content-Encoding", "Content-Type", "Host"}, rt.declared...)
	for _, name := range validate.TemplateParameters(op.Path) {
		rt.matrix = append(rt.matrix, slices.ContainsFunc(op.Parameters, func(p *validate.Parameter) bool {
			return p.In == "path" && p.Name == name && p.Style == "matrix"
		}))
	}
	return rt
}

// add puts a route where its template leads. Of two routes that are the same to a request the first counts.
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

// route returns the operation of a method, nil if there is none. HEAD is answered by GET (RFC 9110 §9.3.2).
func (res *resource) route(method string) *route {
	rt := res.routes[method]
	if rt == nil && method == http.MethodHead {
		rt = res.routes[http.MethodGet]
	}
	return rt
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
	res.allowed, res.exposed = allowedFields(res.routes), exposedFields(res.routes)
}

// follow returns the node behind a segment of a template, and the segment as the path that is forwarded has it.
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
	e := edge{literals, &node{}}
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

// match is a resource, with the path that leads there and nowhere else.
type match struct {
	resource  *resource
	base      string
	values    []string // of the parameters, escaped
	ambiguous bool     // a value could lead a reader to another path
	slashes   bool     // a value has an escaped slash
}

// find returns the resource that an escaped path leads to.
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
			if decoded[i], _ = url.PathUnescape(s); decoded[i] == "" { // net/url has found it well-formed
				return match{}, false
			}
		}
		m.ambiguous = m.ambiguous || isAmbiguous(decoded[i])
		m.slashes = m.slashes || strings.IndexByte(decoded[i], '/') >= 0
	}
	for _, b := range r.bases {
		if m.base, ok = b.match(decoded, func(x, y string) bool { return x == y }); !ok {
			continue
		}
		n := len(b.Segments)
		if n == len(segments) { // the base path without the slash of the path /
			segments, decoded = append(slices.Clip(segments), ""), append(slices.Clip(decoded), "")
		}
		if m.resource = b.root.find(segments[n:], decoded[n:], &m.values, (*node).exact); m.resource != nil {
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
	segments = strings.Split(clean[1:], "/")
	for i, s := range segments {
		segments[i], _ = url.PathUnescape(s) // it was escaped here
	}
	for _, b := range r.bases {
		if _, ok := b.match(segments, strings.EqualFold); !ok {
			continue
		}
		var values []string
		below := segments[len(b.Segments):]
		if len(below) == 0 {
			below = []string{""}
		}
		if res := b.root.find(below, below, &values, (*node).folded); res != nil {
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

// isAmbiguous reports whether a segment is one that some readers resolve or split: dots, and what was a backslash or a
// control character behind its escape.
func isAmbiguous(s string) bool {
	if s == "." || s == ".." {
		return true
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f || c == '\\' {
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

// find returns the resource that segments lead to, and the values on the way. decoded are the same segments for concrete
// ones: a value keeps what is percent-encoded, which would separate items otherwise.
func (n *node) find(segments, decoded []string, values *[]string, concrete func(*node, string) *node) *resource {
	if len(segments) == 0 {
		return n.resource
	}
	if next := concrete(n, decoded[0]); next != nil {
		if res := next.find(segments[1:], decoded[1:], values, concrete); res != nil {
			return res
		}
	}
	if len(n.templated) == 0 || segments[0] == "" {
		return nil
	}
	segment := normalSegment(segments[0])
	for _, e := range n.templated {
		before := len(*values)
		all, ok := validate.MatchSegment(e.literals, segment, *values)
		if ok {
			*values = all
			if res := e.next.find(segments[1:], decoded[1:], values, concrete); res != nil {
				return res
			}
		}
		*values = (*values)[:before]
	}
	return nil
}

// path returns the path that is forwarded: the template with the values that were checked.
func (m *match) path(rt *route) string {
	var b strings.Builder
	b.WriteString(m.base)
	n := 0
	for _, segment := range m.resource.template {
		b.WriteByte('/')
		for i, literal := range strings.Split(segment, "{}") {
			if i > 0 {
				value := m.values[n]
				if n >= len(rt.matrix) || !rt.matrix[n] {
					value = strings.ReplaceAll(value, ";", "%3B") // behind which some readers see parameters (RFC 3986 §3.3)
				}
				b.WriteString(value)
				n++
			}
			b.WriteString(literal)
		}
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

// normalSegment escapes what may not stand in a segment, and takes back the escapes that say nothing: those of unreserved
// characters (RFC 3986 §6.2.2.2). An escaped delimiter stays escaped.
func normalSegment(s string) string { return normal(s, ":@!$&'()*+,=;", "") }

// normal escapes all but unreserved characters and those of also, and takes back the escapes of unreserved characters and
// of those in harmless.
func normal(s, also, harmless string) string {
	if escape(s, also) == s {
		return s
	}
	b := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); i++ {
		if c, ok := escapedByte(s[i:]); ok {
			if text := escape(string([]byte{c}), harmless); text[0] == '%' {
				b = append(b, text...)
			} else {
				b = append(b, c)
			}
			i += 2
			continue
		}
		b = append(b, escape(s[i:i+1], also)...)
	}
	return string(b)
}

// escapedByte returns the byte whose escape s begins with.
func escapedByte(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:3], 16, 8)
	return byte(n), err == nil
}

// canonicalQuery returns the options of a query that was found valid, each under its declared name, escaped in one way.
// Escaped delimiters stay escaped.
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
		decoded, _ := url.QueryUnescape(name) // it was checked, as was the value
		if declared := rt.QueryOption(decoded); declared != "" {
			decoded = declared
		}
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = append(b, escape(decoded, "$@:[]")...)
		if assigned {
			b = append(b, '=')
			b = append(b, normal(strings.ReplaceAll(value, "+", "%20"), "$@:,/'()*!|[]=?", "$@:/'()*!?")...)
		}
	}
	return string(b)
}
