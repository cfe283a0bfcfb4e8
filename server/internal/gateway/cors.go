package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// CORS names the origins whose pages may call through the gate (Fetch Standard, HTTP extensions). Without any, the upstream
// decides: preflights of declared methods go to it.
//
// The libraries for it stand in front of a handler with one list of methods and field names. Here both are those of the
// document's path, and the fields replace the upstream's when its response begins, so that no response has them twice.
type CORS struct {
	// Origins are such as https://app.example, or * for all.
	Origins []string
	// Credentials lets pages send cookies and client certificates. It does not go with *: any page would act as its user.
	Credentials bool
}

// Validate reports origins that no browser sends, and credentials for all.
func (c *CORS) Validate() error {
	for _, o := range c.Origins {
		switch {
		case o == "*" && (c.Credentials || len(c.Origins) > 1):
			return errors.New("* goes neither with credentials nor with other origins")
		case o != "*" && !isOrigin(o):
			return fmt.Errorf("%q is not an origin: want *, or a scheme and an authority in lower case without the scheme's default port, such as https://app.example", o)
		}
	}
	if c.Credentials && len(c.Origins) == 0 {
		return errors.New("credentials need an origin")
	}
	return nil
}

// isOrigin reports whether a browser can send the origin (RFC 6454 §6.2). null is none: any page can have it.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || u.Scheme+"://"+u.Host != s || strings.ToLower(s) != s || strings.Contains(s, "*") {
		return false
	}
	port := u.Port()
	return !strings.HasSuffix(u.Host, ":") && (u.Scheme != "http" || port != "80") && (u.Scheme != "https" || port != "443")
}

// preflightAge is how many seconds a browser keeps the response to a preflight: after a reload the contract may be another.
const preflightAge = "600"

// The header fields that pages may use whatever the document says of them: those that HTTP and the gate have for every
// operation.
var (
	alwaysAllowed = []string{
		"Accept", "Accept-Language", "Authorization", "Content-Language", "Content-Type", "If-Match", "If-Modified-Since", "If-None-Match",
		"If-Range", "If-Unmodified-Since", "Prefer", "Range", "Traceparent", "Tracestate", "client-request-id",
	}
	alwaysExposed = []string{"ETag", "Location", "Retry-After", "WWW-Authenticate", "client-request-id", "request-id"}
)

// allowedFields returns the names of the request's header fields that operations declare.
func allowedFields(routes map[string]*route) string {
	names := slices.Clone(alwaysAllowed)
	for _, rt := range routes {
		for _, name := range rt.declared {
			if name != "Cookie" { // no page may set it
				names = append(names, name)
			}
		}
	}
	return fieldList(names)
}

// exposedFields returns the names of the responses' header fields that operations declare.
func exposedFields(routes map[string]*route) string {
	names := slices.Clone(alwaysExposed)
	for _, rt := range routes {
		for i := range rt.Responses {
			for _, h := range rt.Responses[i].Headers {
				names = append(names, h.Name)
			}
		}
	}
	return fieldList(names)
}

// fieldList lists names once each.
func fieldList(names []string) string {
	slices.SortStableFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return strings.Join(slices.CompactFunc(names, strings.EqualFold), ", ")
}

// askedMethod returns the method for which a browser asks with a preflight; "" if the request is none.
func askedMethod(r *http.Request) string {
	method := r.Header["Access-Control-Request-Method"]
	if r.Method != http.MethodOptions || len(r.Header["Origin"]) != 1 || len(method) != 1 || r.ContentLength != 0 {
		return ""
	}
	return method[0]
}

// allowedOrigin returns what Access-Control-Allow-Origin says; "" if the page may not read the response.
func (x *exchange) allowedOrigin() string {
	c, origin := &x.gate.config.CORS, x.request.Header["Origin"]
	switch {
	case slices.Contains(c.Origins, "*"):
		return "*"
	case len(origin) == 1 && slices.Contains(c.Origins, origin[0]):
		return origin[0]
	}
	return ""
}

// setCORS replaces the fields by which an upstream opens a response to pages of other origins by those of the gate.
func (x *exchange) setCORS() {
	if len(x.gate.config.CORS.Origins) == 0 {
		return
	}
	h := x.writer.Header()
	for name := range h {
		if strings.HasPrefix(textproto.CanonicalMIMEHeaderKey(name), "Access-Control-") {
			delete(h, name)
		}
	}
	origin := x.allowedOrigin()
	if origin != "*" && !isNamed(h["Vary"], "Origin") { // a cache must not give one origin's response to another
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

// preflighted reports whether the request was a preflight that the gate has answered.
func (x *exchange) preflighted() bool {
	asked := askedMethod(x.request)
	if asked == "" || len(x.gate.config.CORS.Origins) == 0 {
		return false
	}
	x.answerPreflight(asked)
	return true
}

// answerPreflight answers a preflight from the document. Where the document does not have the path and the policy lets it
// pass, the page may send what it asks for.
func (x *exchange) answerPreflight(asked string) {
	methods, names, allow := asked, x.request.Header.Get("Access-Control-Request-Headers"), ""
	if res := x.resource; res != nil {
		methods, names, allow = res.allow, res.allowed, res.allow
	}
	fields := []graph.Field{{Name: "Allow", Value: allow}, {Name: "Vary", Value: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}}
	if x.allowedOrigin() != "" {
		fields = append(fields, graph.Field{Name: "Access-Control-Allow-Methods", Value: methods},
			graph.Field{Name: "Access-Control-Allow-Headers", Value: names}, graph.Field{Name: "Access-Control-Max-Age", Value: preflightAge})
	}
	x.answerHead(http.StatusNoContent, fields...)
}

// forwardPreflight returns the preflight for an operation as it goes to the upstream: with the checked path and query, and
// without credentials, of which a browser sends none (Fetch Standard, CORS-preflight fetch) and which nobody has verified.
func (x *exchange) forwardPreflight(found *match, rt *route) (*http.Request, *graph.Problem) {
	x.route = rt
	defer func() { x.route = nil }() // its responses are not those of the operation
	forward := x.request
	if !rt.unchecked[policy.Requests] {
		if refusal := x.checkParameters(found); refusal != nil {
			return nil, refusal
		}
		if x.isAmbiguous(found) && x.judge(violation{kind: policy.Path, in: "path"}) {
			return nil, graph.NoRoute()
		}
		if !x.asItCame && rt.enforces {
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
