package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/cors"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// admit checks the request in the same order as the server. It returns the request to forward, or the reason for a refusal.
// It returns neither if it has already sent a response.
func (x *exchange) admit() (forward *http.Request, refusal *graph.Problem) {
	defer func() {
		if v := recover(); v != nil { // a check panicked: its verdict is unknown
			x.gate.config.Log.Error("panic", "operation", x.operation(), "err", fmt.Sprint(v), "stack", string(debug.Stack()))
			forward, refusal = nil, graph.Internal(nil)
		}
	}()
	r := x.request
	if err := graph.CheckTarget(r); err != nil {
		// In every mode: other servers would read a different request.
		x.gate.record(x, &violation{kind: policy.Path, in: "path", keyword: "request-line", refused: true})
		return nil, problemOf(err)
	}
	if err := graph.LimitHeader(r.Header, x.gate.config.MaxHeader); err != nil && x.judge(violation{kind: policy.Size, in: "header", keyword: "maxLength"}) {
		return nil, problemOf(err)
	}
	found, answered, refusal := x.locate()
	if refusal != nil || answered {
		return nil, refusal
	}
	x.values = found.values
	if x.preflight != nil {
		return x.forwardPreflight(&found, x.preflight)
	}
	if refusal := x.checkHeader(); refusal != nil {
		return nil, refusal
	}
	if refusal := x.authorize(&found); refusal != nil {
		return nil, refusal
	}
	if x.route == nil {
		return x.asCame(x.request), nil
	}
	if x.route.unchecked[policy.Requests] {
		return x.asCame(x.request), nil
	}
	return x.check(&found)
}

// noRoute returns the refusal of a path that the contract does not have.
func (x *exchange) noRoute() *graph.Problem {
	if x.gate.config.Contract.Graph {
		return graph.NoPath(graph.CanonicalPath(x.request.URL.EscapedPath()))
	}
	return graph.NoRoute()
}

// locate finds the operation, or at least the path. It responds to OPTIONS for the contract's paths, as HTTP servers do.
func (x *exchange) locate() (match, bool, *graph.Problem) {
	r, g := x.request, x.gate
	path := r.URL.EscapedPath()
	if g.config.Contract.Graph {
		path = graph.CanonicalPath(path)
	}
	found, ok := g.router.find(path)
	if !ok {
		if x.judge(violation{kind: policy.Path, in: "path"}) || isTunnel(strings.ToUpper(r.Method)) || x.isAlias(path) {
			return match{}, false, x.noRoute()
		}
		return match{}, x.preflighted(), nil
	}
	x.resource = found.resource
	if x.preflighted() {
		return match{}, true, nil
	}
	method := r.Method
	if rt := found.resource.route(method); rt != nil {
		x.route = rt
		return found, false, nil
	}
	if x.preflight = found.resource.route(cors.AskedMethod(r)); x.preflight != nil {
		return found, false, nil
	}
	if method == http.MethodOptions && g.unknown[policy.Requests][policy.Method] == policy.Enforce {
		x.options(found.resource)
		return match{}, true, nil
	}
	x.wouldAnswer = method == http.MethodOptions && g.unknownPreview[policy.Requests][policy.Method] == policy.Enforce
	if method != http.MethodOptions && x.judge(violation{kind: policy.Method, in: "path"}) || found.resource.foldsMethod(method) {
		p := graph.MethodNotAllowed()
		p.Header = append(p.Header, graph.Field{Name: "Allow", Value: found.resource.allow})
		return match{}, false, p
	}
	return found, false, nil
}

// isAlias reports whether a path without a route here would lead another server to an operation, bypassing its enforcement
// or its token check.
func (x *exchange) isAlias(path string) bool {
	if x.alias = leadsToBatch(path); x.alias {
		return true
	}
	g, aliases := x.gate, x.aliases(path)
	x.alias = slices.ContainsFunc(aliases, (*resource).wouldEnforce)
	return slices.ContainsFunc(aliases, func(res *resource) bool { return g.config.Verifier != nil || res.enforces() })
}

// aliases returns the resources that other servers may find for a path.
func (x *exchange) aliases(path string) []*resource {
	keys := func(s string) string { return s }
	if x.gate.config.Contract.Graph {
		keys = graph.CanonicalPath
	}
	return x.gate.router.aliases(path, keys)
}

// siblings returns the operations that other servers may find for a path whose values were found here.
func (x *exchange) siblings(found *match) []*route {
	path := x.request.URL.EscapedPath()
	if len(found.values) == 0 || !found.resource.shadowed && !found.ambiguous && !strings.ContainsAny(path, "%;") {
		return nil
	}
	var others []*route
	for _, res := range x.aliases(path) {
		if rt := res.route(x.request.Method); rt != nil && res != found.resource {
			others = append(others, rt)
		}
	}
	return others
}

// isTunnel reports whether no operation may have the method, because its effect does not depend on the path.
func isTunnel(method string) bool { return method == http.MethodConnect || method == http.MethodTrace }

// isAmbiguous reports whether other servers may read a different path: because of dots, backslashes or control characters,
// or because an escaped slash leads to another operation when decoded.
func (x *exchange) isAmbiguous(found *match) bool {
	if found.ambiguous || !found.slashes {
		return found.ambiguous
	}
	if x.gate.config.Contract.Graph {
		return true // no key contains a slash
	}
	return slices.ContainsFunc(x.aliases(x.request.URL.EscapedPath()), func(other *resource) bool { return other != found.resource })
}

// options responds with the methods of a resource (RFC 9110 §9.3.7, RFC 5789 §3.1).
func (x *exchange) options(res *resource) {
	x.answerHead(http.StatusNoContent, graph.Field{Name: "Allow", Value: res.allow}, graph.Field{Name: "Accept-Patch", Value: res.patch})
}

func problemOf(err error) *graph.Problem {
	if p, ok := errors.AsType[*graph.Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*auth.Error](err); ok {
		return graph.OfToken(e)
	}
	return graph.Internal(err)
}
