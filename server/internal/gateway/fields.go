package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// checkHeader refuses header fields that the upstream may read differently.
func (x *exchange) checkHeader() *graph.Problem {
	r := x.request
	if len(r.Header["Connection"]) > 0 {
		for _, name := range x.protected() {
			if !isNamed(r.Header["Connection"], name) {
				continue
			}
			if x.judge(violation{kind: policy.Header, in: "header", name: "Connection", keyword: "connection"}) {
				return graph.BadField("Connection", "connection", "names a header field that is not for this connection alone")
			}
			x.dropConnection()
			break
		}
	}
	if len(r.Header["Authorization"]) > 1 && x.judge(violation{kind: policy.Header, in: "header", name: "Authorization", keyword: "repeated"}) {
		return problemOf(auth.Repeated())
	}
	return nil
}

// dropConnection removes the Connection field, so that the fields it names are not taken for hop-by-hop.
func (x *exchange) dropConnection() {
	r := new(http.Request)
	*r = *x.request
	r.Header = r.Header.Clone()
	r.Header.Del("Connection")
	x.request = r
}

func (x *exchange) protected() []string {
	if x.route == nil {
		return []string{"Authorization"}
	}
	return x.route.protected
}

func isNamed(connection []string, name string) bool {
	for _, list := range connection {
		for token := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.Trim(token, " \t"), name) {
				return true
			}
		}
	}
	return false
}

// cleanHeader returns the header fields without the doubtful ones and without those that frame the body. If nothing has to
// be removed, it returns the request's own.
func (x *exchange) cleanHeader(hasBody bool) http.Header {
	h, cloned := x.request.Header, false
	clone := func() {
		if !cloned {
			h, cloned = h.Clone(), true
		}
	}
	if text := x.normalMediaType(hasBody); text != "" {
		clone()
		h["Content-Type"] = []string{text}
	}
	for name, lines := range x.request.Header {
		switch {
		case name == "Cookie" && len(lines) > 1 && slices.Contains(x.route.declared, name):
			clone()
			h[name] = []string{strings.Join(lines, "; ")} // RFC 6265 §5.4 allows one; servers disagree on several
		case name == "Content-Encoding", name == "Trailer", name == "Expect", x.isDoubtful(name):
			clone()
			delete(h, name)
		case name == "Accept-Encoding" && x.mustSeeResponse():
			clone()
			h[name] = []string{"identity"}
		}
	}
	return h
}

// normalMediaType returns the media type that the body was validated as, in normal form. It returns "" if the field is
// already normal.
func (x *exchange) normalMediaType(hasBody bool) string {
	sent := x.request.Header["Content-Type"]
	if !hasBody || len(sent) != 1 {
		return ""
	}
	m, ok := validate.ParseMediaType(sent[0])
	if !ok {
		return ""
	}
	if text := m.String(); text != sent[0] {
		return text
	}
	return ""
}

// isDoubtful reports whether some servers confuse the field with another one or let it override what was checked. Declared
// fields are not doubtful.
func (x *exchange) isDoubtful(name string) bool {
	return isOverride(name) && (x.route == nil || !slices.Contains(x.route.declared, name))
}

// isOverride reports whether a field may override the method, the target, a proxy's address or another field: CGI maps X-Y
// and X_Y to one variable (RFC 3875 §4.1.18), and Proxy to HTTP_PROXY.
func isOverride(name string) bool {
	switch name {
	case "Proxy", "X-Http-Method", "X-Method", "X-Forwarded-Method", "X-Forwarded-Path", "X-Forwarded-Prefix", "X-Forwarded-Uri",
		"X-Envoy-Original-Path", "X-Envoy-Original-Method", "X-Replaced-Path", "X-Waws-Unencoded-Url", "X-Request-Uri", "X-Http-Path":
		return true
	}
	return strings.HasPrefix(name, "X-Original-") || strings.HasPrefix(name, "X-Rewrite-") || strings.HasPrefix(name, "X-Override-") ||
		strings.HasSuffix(name, "-Override") || strings.IndexByte(name, '_') >= 0
}

// asCame returns a request that is not rebuilt. It removes doubtful fields if the policy enforces that, or if tokens are
// checked, because the permission depends on the method and the path.
func (x *exchange) asCame(r *http.Request) *http.Request {
	if x.rules(policy.Requests)[policy.Header] != policy.Enforce && x.gate.config.Verifier == nil {
		return r
	}
	var h http.Header
	for name := range r.Header {
		if x.isDoubtful(name) {
			if h == nil {
				h = r.Header.Clone()
			}
			delete(h, name)
		}
	}
	if h == nil {
		return r
	}
	of := r
	r = new(http.Request)
	*r = *of
	r.Header = h
	return r
}

// mustSeeResponse reports whether a response with an unknown coding would be refused.
func (x *exchange) mustSeeResponse() bool {
	return !x.route.unchecked[policy.Responses] && x.route.rules[policy.Responses][policy.MediaType] == policy.Enforce
}
