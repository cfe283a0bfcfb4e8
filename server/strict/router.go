package strict

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// node is what may follow the segments that lead to it. Concrete segments count before templated ones (OpenAPI 3.0.3, Path
// Templating). A parameter stands for a segment that is not empty, or a part of one.
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

// edge is a segment with parameters: before, between and behind them are literals.
type edge struct {
	literals []string
	next     *node
}

// resource is what the operations of one path share.
type resource struct {
	pattern    string
	operations []*operation
	methods    []string // those of the operations and those that HTTP adds, sorted
	patch      string   // the media types that its PATCH accepts
}

// operation is an operation with what never changes about it.
type operation struct {
	Operation
	pattern   string   // as [http.ServeMux] has it
	types     []string // of requests
	responses []string // the media types of responses, none if they have no body
	simple    bool     // no media type of requests has parameters
}

// operation returns the operation that a method has, nil if there is none.
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
		return get // net/http leaves the body out (RFC 9110 §9.3.2)
	}
	return nil
}

// add adds an operation at its own base paths, or at the one of the configuration.
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

// responseTypes returns the media types of the responses whose status counts; nil if none counts.
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

// add puts an operation where its template leads. Of two operations that are the same to a request the first counts.
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

// describe says which methods the resource has, those that HTTP adds included.
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

// find returns the resource of a request, nil if there is none, and keeps the values of its path.
func (h *Handler) find(x *Exchange) *resource {
	path, ok := strings.CutPrefix(escapedPath(x.Request.URL), "/")
	if !ok {
		return nil
	}
	res, values := h.routes.find(path, x.values)
	x.values = values
	return res
}

// escapedPath is [url.URL.EscapedPath], which is slow even where nothing is escaped.
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

// find returns the resource that a path leads to, and the values on the way.
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

// behind returns the resource that the rest of a path leads to.
func (n *node) behind(rest string, more bool, values []string) (*resource, []string) {
	if more {
		return n.find(rest, values)
	}
	return n.resource, values
}

// unescape decodes a segment, which is well-formed.
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
