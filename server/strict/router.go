package strict

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// node is a position after the segments that lead to it. Concrete segments win over templated ones (OpenAPI 3.0.3, Path
// Templating). A parameter matches a nonempty segment or a part of one.
type node struct {
	concrete  []child // sorted by the decoded segment
	templated []edge
	resource  *resource // nil if no path ends here
}

// child is a segment without parameters.
type child struct {
	segment string
	next    *node
}

func (c child) compare(segment string) int { return strings.Compare(c.segment, segment) }

// edge is a segment with parameters, separated by literals.
type edge struct {
	literals []string
	next     *node
}

// resource is what the operations of one path share.
type resource struct {
	pattern    string
	operations []*operation
	methods    []string // those of the operations and those that HTTP adds, sorted
	patch      string   // the media types of PATCH
}

// operation is an operation with its precomputed properties.
type operation struct {
	Operation
	pattern   string   // as in [http.ServeMux]
	types     []string // of requests
	responses []string // of responses; nil if they have no body
	simple    bool     // no media type of a request has parameters
}

// operation returns the operation of a method, or nil.
func (res *resource) operation(method string) *operation {
	var get *operation
	for _, op := range res.operations {
		switch op.Method {
		case method:
			return op
		case http.MethodGet:
			get = op
		}
	}
	if method == http.MethodHead {
		return get // net/http omits the body (RFC 9110 §9.3.2)
	}
	return nil
}

// add adds an operation at its own base paths, or at the configured one.
func (h *Handler) add(o Operation) {
	op := newOperation(o)
	if len(op.BasePaths) == 0 {
		h.routes.add(h.base, op)
	}
	for _, path := range op.BasePaths {
		base := ""
		for _, segment := range path.Segments {
			base += "/" + segment.Text
		}
		h.routes.add(base, op)
	}
}

func newOperation(o Operation) *operation {
	op := &operation{Operation: o, types: o.RequestTypes(), simple: true}
	for _, b := range o.Request {
		op.simple = op.simple && len(b.Parameters) == 0
	}
	op.responses = responseTypes(o.Responses, func(status string) bool { return status[0] == '2' || status[0] == '3' })
	if op.responses == nil {
		op.responses = responseTypes(o.Responses, func(status string) bool { return status == "default" })
	}
	return op
}

// responseTypes returns the media types of the responses whose status counts.
func responseTypes(list []*validate.Response, counts func(status string) bool) []string {
	var types []string
	for _, r := range list {
		if !counts(r.Status) {
			continue
		}
		types = slices.Grow(types, 1)
		for _, b := range r.Bodies {
			if !slices.Contains(types, b.Type) {
				types = append(types, b.Type)
			}
		}
	}
	return types
}

// add inserts an operation at its template. Of two operations that match the same requests, the first one counts.
func (n *node) add(base string, op *operation) {
	at, pattern := n, base+op.Path
	own := *op // an operation may have several base paths
	own.pattern = op.Method + " " + pattern
	for segment := range strings.SplitSeq(strings.TrimPrefix(pattern, "/"), "/") {
		at = at.follow(segment)
	}
	if at.resource == nil {
		at.resource = &resource{pattern: pattern}
	}
	res := at.resource
	if slices.ContainsFunc(res.operations, func(other *operation) bool { return other.Method == op.Method }) {
		return
	}
	res.operations = append(res.operations, &own)
	res.describe()
}

// describe lists the methods of the resource, including those that HTTP adds.
func (res *resource) describe() {
	methods := []string{http.MethodOptions}
	for _, op := range res.operations {
		methods = append(methods, op.Method)
		switch op.Method {
		case http.MethodGet:
			methods = append(methods, http.MethodHead)
		case http.MethodPatch:
			res.patch = strings.Join(op.types, ", ")
		}
	}
	slices.Sort(methods)
	res.methods = slices.Compact(methods)
}

// follow returns the node behind a segment of a template.
func (n *node) follow(segment string) *node {
	literals := validate.SegmentLiterals(segment)
	if len(literals) == 1 {
		text := unescape(segment)
		i, found := slices.BinarySearchFunc(n.concrete, text, child.compare)
		if !found {
			n.concrete = slices.Insert(n.concrete, i, child{text, &node{}})
		}
		return n.concrete[i].next
	}
	for _, e := range n.templated {
		if slices.Equal(e.literals, literals) {
			return e.next
		}
	}
	e := edge{literals, &node{}}
	n.templated = append(n.templated, e)
	slices.SortStableFunc(n.templated, func(a, b edge) int { return b.concreteness() - a.concreteness() })
	return e.next
}

func (e edge) concreteness() int { return len(strings.Join(e.literals, "")) }

// find returns the resource of a request, or nil, and stores the path values.
func (h *Handler) find(x *Exchange) *resource {
	path, ok := strings.CutPrefix(escapedPath(x.Request.URL), "/")
	if !ok {
		return nil
	}
	res, values := h.routes.find(path, x.values)
	x.values = values
	return res
}

// escapedPath is [url.URL.EscapedPath], which is slow even if nothing is escaped.
func escapedPath(u *url.URL) string {
	if u.RawPath != "" {
		return u.EscapedPath()
	}
	for i := range len(u.Path) {
		if c := u.Path[i]; c|0x20-'a' > 'z'-'a' && c-'-' > '9'-'-' && c != '_' && c != '~' {
			return u.EscapedPath()
		}
	}
	return u.Path
}

// find returns the resource of a path, and the values.
func (n *node) find(path string, values []string) (*resource, []string) {
	segment, rest, more := strings.Cut(path, "/")
	if i, found := slices.BinarySearchFunc(n.concrete, unescape(segment), child.compare); found {
		if res, all := n.concrete[i].next.behind(rest, more, values); res != nil {
			return res, all
		}
	}
	for i := range n.templated {
		e := &n.templated[i]
		if all, ok := validate.MatchSegment(e.literals, segment, values); ok {
			if res, all := e.next.behind(rest, more, all); res != nil {
				return res, all
			}
		}
	}
	return nil, values
}

// behind returns the resource for the rest of a path.
func (n *node) behind(rest string, more bool, values []string) (*resource, []string) {
	if more {
		return n.find(rest, values)
	}
	return n.resource, values
}

// unescape decodes a well-formed segment.
func unescape(segment string) string {
	if strings.IndexByte(segment, '%') < 0 {
		return segment
	}
	text, err := url.PathUnescape(segment)
	if err != nil {
		return segment
	}
	return text
}
