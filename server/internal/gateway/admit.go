package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// admit checks the request, in the order in which the server does. It returns the request that is forwarded, or why there
// is none; neither if it was answered.
func (x *exchange) admit() (forward *http.Request, refusal *graph.Problem) {
	defer func() {
		if v := recover(); v != nil { // a check failed: what it would have said is not known
			x.gate.config.Log.Error("panic", "operation", x.operation(), "err", fmt.Sprint(v), "stack", string(debug.Stack()))
			forward, refusal = nil, graph.Internal(nil)
		}
	}()
	r := x.request
	if err := graph.CheckTarget(r); err != nil {
		return nil, problemOf(err) // in every mode: others would read another request
	}
	if err := graph.LimitHeader(r.Header); err != nil && x.judge(violation{kind: policy.Size, in: "header", keyword: "maxLength"}) {
		return nil, problemOf(err)
	}
	found, answered, refusal := x.locate()
	if refusal != nil || answered {
		return nil, refusal
	}
	if refusal := x.checkHeader(); refusal != nil {
		return nil, refusal
	}
	if refusal := x.authorize(); refusal != nil {
		return nil, refusal
	}
	if x.route == nil {
		return x.asCame(x.request), nil
	}
	if x.route.unchecked[policy.Requests] {
		return x.request, nil
	}
	return x.check(&found)
}

// locate finds the operation. It answers OPTIONS for the contract's paths, as HTTP servers do.
func (x *exchange) locate() (match, bool, *graph.Problem) {
	r, g := x.request, x.gate
	path := r.URL.EscapedPath()
	if g.config.Contract.Graph {
		path = graph.CanonicalPath(path)
	}
	found, ok := g.router.find(path)
	if !ok {
		if x.judge(violation{kind: policy.Path, in: "path"}) || r.Method == http.MethodConnect || r.Method == http.MethodTrace || x.isAlias(path) {
			return match{}, false, graph.NoRoute()
		}
		return match{}, false, nil
	}
	method := r.Method
	rt := found.resource.routes[method]
	if rt == nil && method == http.MethodHead {
		rt = found.resource.routes[http.MethodGet] // RFC 9110 §9.3.2
	}
	if rt != nil {
		x.route = rt
		return found, false, nil
	}
	if method == http.MethodOptions && g.unknown[policy.Requests][policy.Method] == policy.Enforce {
		x.options(found.resource)
		return match{}, true, nil
	}
	if method != http.MethodOptions && x.judge(violation{kind: policy.Method, in: "path"}) || method == http.MethodTrace {
		p := graph.MethodNotAllowed()
		p.Header = append(p.Header, graph.Field{Name: "Allow", Value: found.resource.allow})
		return match{}, false, p
	}
	return match{}, false, nil
}

// isAlias reports whether a path that leads nowhere here would lead a reader to an operation, past what is enforced for it
// or past its token.
func (x *exchange) isAlias(path string) bool {
	g := x.gate
	keys := func(s string) string { return s }
	if g.config.Contract.Graph {
		keys = graph.CanonicalPath
	}
	res := g.router.alias(path, keys)
	return res != nil && (g.config.Verifier != nil || res.enforces())
}

// isAmbiguous reports whether readers may take the path for another one: by dots, backslashes or control characters, or by
// an escaped slash that leads to another operation where it is one.
func (x *exchange) isAmbiguous(found *match) bool {
	if found.ambiguous || !found.slashes {
		return found.ambiguous
	}
	if x.gate.config.Contract.Graph {
		return true // no key has a slash
	}
	other := x.gate.router.alias(x.request.URL.EscapedPath(), func(s string) string { return s })
	return other != nil && other != found.resource
}

// options answers with the methods of a resource (RFC 9110 §9.3.7, RFC 5789 §3.1).
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
