package gateway

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/cors"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// CORS names the origins whose pages may call through the gate. If it is empty, the upstream decides: preflights of declared
// methods go to it.
//
// CORS libraries wrap a handler with one list of methods and field names. Here both come from the document's path, and they
// replace the upstream's fields when its response begins, so that no response has duplicates.
type CORS = cors.Policy

// allowedFields returns the names of the request header fields that operations declare.
func allowedFields(routes map[string]*route) string {
	var names []string
	for _, rt := range routes {
		for _, name := range rt.declared {
			if name != "Cookie" { // no page can set it
				names = append(names, name)
			}
		}
	}
	return cors.AllowedFields(names)
}

// exposedFields returns the names of the response header fields that operations declare.
func exposedFields(routes map[string]*route) string {
	var names []string
	for _, rt := range routes {
		for i := range rt.Responses {
			for _, h := range rt.Responses[i].Headers {
				names = append(names, h.Name)
			}
		}
	}
	return cors.ExposedFields(names)
}

// setCORS replaces the upstream's CORS fields by those of the gate.
func (x *exchange) setCORS() {
	if !x.gate.config.CORS.Enabled() {
		return
	}
	h := x.writer.Header()
	for name := range h {
		if strings.HasPrefix(textproto.CanonicalMIMEHeaderKey(name), "Access-Control-") {
			delete(h, name)
		}
	}
	origin := x.gate.config.CORS.Allowed(x.request)
	if origin != "*" && !isNamed(h["Vary"], "Origin") { // a cache must not serve one origin's response to another
		h["Vary"] = append(slices.Clip(h["Vary"]), "Origin")
	}
	if origin == "" {
		return
	}
	h["Access-Control-Allow-Origin"] = []string{origin}
	if x.gate.config.CORS.Credentials {
		h["Access-Control-Allow-Credentials"] = []string{"true"}
	}
	exposed := x.gate.exposed
	if x.resource != nil {
		exposed = x.resource.exposed
	}
	h["Access-Control-Expose-Headers"] = []string{exposed}
}

// preflighted reports whether the gate has responded to the request as a preflight.
func (x *exchange) preflighted() bool {
	asked := cors.AskedMethod(x.request)
	if asked == "" || !x.gate.config.CORS.Enabled() {
		return false
	}
	x.answerPreflight(asked)
	return true
}

// answerPreflight responds to a preflight from the document. If the document lacks the path and the policy passes it, the
// page may send what it asks for.
func (x *exchange) answerPreflight(asked string) {
	methods, names, allow := asked, x.request.Header.Get("Access-Control-Request-Headers"), ""
	if res := x.resource; res != nil {
		methods, names, allow = res.allow, res.allowed, res.allow
	}
	fields := []graph.Field{{Name: "Allow", Value: allow}, {Name: "Vary", Value: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}}
	if x.gate.config.CORS.Allowed(x.request) != "" {
		fields = append(fields, graph.Field{Name: "Access-Control-Allow-Methods", Value: methods},
			graph.Field{Name: "Access-Control-Allow-Headers", Value: names}, graph.Field{Name: "Access-Control-Max-Age", Value: cors.MaxAge})
	}
	x.answerHead(http.StatusNoContent, fields...)
}

// forwardPreflight returns the preflight as it goes to the upstream: with the checked path and query, and without
// credentials. A browser sends none (Fetch Standard, CORS-preflight fetch), and here they would be unverified.
func (x *exchange) forwardPreflight(found *match, rt *route) (*http.Request, *graph.Problem) {
	x.route = rt
	defer func() { x.route = nil }() // the operation does not describe its responses
	forward := x.request
	if !rt.unchecked[policy.Requests] {
		if refusal := x.checkParameters(found); refusal != nil {
			return nil, refusal
		}
		if x.isAmbiguous(found) && x.judge(violation{kind: policy.Path, in: "path"}) {
			return nil, x.noRoute()
		}
		if !x.original && rt.enforces {
			forward = x.rebuilt(found, false)
		}
	}
	r := new(http.Request)
	*r = *forward
	r.Header = forward.Header.Clone()
	for name := range r.Header {
		if isOverride(name) || isCredential(rt.Operation, name) || name == "Connection" || strings.HasPrefix(name, "Content-") {
			delete(r.Header, name)
		}
	}
	return r, nil
}

// isCredential reports whether a header field holds credentials.
func isCredential(op *validate.Operation, name string) bool {
	if name == "Authorization" || name == "Cookie" {
		return true
	}
	for _, alternative := range op.Security {
		for _, requirement := range alternative {
			if requirement.In == "header" && strings.EqualFold(requirement.Name, name) {
				return true
			}
		}
	}
	return false
}
