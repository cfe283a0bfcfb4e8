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

// route is an operation with its precomputed properties.
type route struct {
	*validate.Operation
	types      []string      // of the request's body
	security   []alternative // if empty, no credentials are needed
	scopes     [][]string    // of the alternatives that have any
	challenges []graph.Challenge
	takesToken bool            // an alternative needs a token
	declared   []string        // the header fields that are parameters or hold credentials
	protected  []string        // the header fields that Connection must not name
	spots      []validate.Spot // parts that cannot be judged, except in bodies
	matrix     []bool          // true for template parameters whose value may contain a semicolon
	rules      [2]policy.Rules
	unchecked  [2]bool // all kinds are off
	enforces   bool    // a kind of request violation is refused
	preview    [2]policy.Rules
	counter    *traffic.Counter // nil without a recorder
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
	template []string          // the escaped literals of its segments, with {} for each parameter
	routes   map[string]*route // by method
	path     string            // as in the document
	allow    string
	patch    string // the media types of PATCH, or ""
	allowed  string // the request header fields that pages of other origins may send
	exposed  string // the response header fields that they may read
	shadowed bool   // a value of the template could be read as another segment of the contract
}

// route returns the operation of a method, or nil.
func (res *resource) route(method string) *route {
	rt := res.routes[method]
	if rt == nil && method == http.MethodHead {
		rt = res.routes[http.MethodGet] // RFC 9110 §9.3.2
	}
	return rt
}

// foldsMethod reports whether servers with case-insensitive methods find an operation or a tunnel for a method that is
// unknown here (RFC 9110 §9.1: methods are case-sensitive).
func (res *resource) foldsMethod(method string) bool {
	upper := strings.ToUpper(method)
	return isTunnel(upper) || upper != method && res.route(upper) != nil
}

// describe lists the methods of the resource, including those that HTTP adds.
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

// enforces reports whether a kind of violation is refused for an operation of the resource.
func (res *resource) enforces() bool {
	for _, rt := range res.routes {
		if takesBatches(rt.Operation) || slices.Contains(rt.rules[policy.Requests][:], policy.Enforce) {
			return true
		}
	}
	return false
}

// wouldEnforce is enforces with the rules of the preview.
func (res *resource) wouldEnforce() bool {
	for _, rt := range res.routes {
		if takesBatches(rt.Operation) || slices.Contains(rt.preview[policy.Requests][:], policy.Enforce) {
			return true
		}
	}
	return false
}
