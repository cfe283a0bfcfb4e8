package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/traffic"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// route is an operation with what never changes about it.
type route struct {
	*validate.Operation
	types      []string      // of the request's body
	security   []alternative // without any, everybody may call
	scopes     [][]string    // of the alternatives that have some
	challenges []graph.Challenge
	takesToken bool            // some alternative asks for a token
	declared   []string        // the header fields that are parameters or hold credentials
	protected  []string        // the header fields that Connection must not name
	spots      []validate.Spot // that cannot be judged, outside of bodies
	matrix     []bool          // of the template's parameters: those that hold a semicolon
	rules      [2]policy.Rules
	unchecked  [2]bool // all kinds are off
	enforces   bool    // some kind for requests is refused
	preview    [2]policy.Rules
	counter    *traffic.Counter // nil if nothing is remembered
}

func newRoute(op *validate.Operation) *route {
	rt := &route{Operation: op, types: op.RequestTypes(), security: alternativesOf(op), spots: op.Spots}
	rt.describeSecurity()
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

// resource is what the operations of one path share.
type resource struct {
	template []string          // the literals of its segments, escaped, with each parameter as {}
	routes   map[string]*route // by method
	path     string            // as the document has it
	allow    string
	patch    string // the media types that its PATCH takes; "" if it has none
	allowed  string // the header fields that pages of other origins may send
	exposed  string // the header fields that they may read
	shadowed bool   // a value of the template could be taken for another segment of the contract
}

// route returns the operation that a method has, nil if there is none.
func (res *resource) route(method string) *route {
	rt := res.routes[method]
	if rt == nil && method == http.MethodHead {
		rt = res.routes[http.MethodGet] // RFC 9110 §9.3.2
	}
	return rt
}

// foldsMethod reports whether readers to whom methods are case-insensitive find an operation, or a tunnel, behind a method
// that is none here (RFC 9110 §9.1: methods are case-sensitive).
func (res *resource) foldsMethod(method string) bool {
	upper := strings.ToUpper(method)
	return isTunnel(upper) || upper != method && res.route(upper) != nil
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

// enforces reports whether some kind of violation is refused for an operation of the resource.
func (res *resource) enforces() bool {
	for _, rt := range res.routes {
		if takesBatches(rt.Operation) || slices.Contains(rt.rules[policy.Requests][:], policy.Enforce) {
			return true
		}
	}
	return false
}

// wouldEnforce is enforces by the rules of the preview.
func (res *resource) wouldEnforce() bool {
	for _, rt := range res.routes {
		if takesBatches(rt.Operation) || slices.Contains(rt.preview[policy.Requests][:], policy.Enforce) {
			return true
		}
	}
	return false
}
