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

// checkHeader refuses header fields that mean one thing here and another thing behind.
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
	if x.gate.config.Verifier == nil && len(r.Header["Authorization"]) > 1 &&
		x.judge(violation{kind: policy.Header, in: "header", name: "Authorization", keyword: "repeated"}) {
		return problemOf(auth.Repeated())
	}
	return nil
}

// dropConnection takes the Connection field out of the request, so that nobody takes what it names for hop-by-hop.
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

// cleanHeader returns the header fields without those that a reader could take for others, and without those that say
// how the body came. It is the request's own where nothing is to be removed.
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
			h[name] = []string{strings.Join(lines, "; ")} // RFC 6265 §5.4: there is one; readers disagree on more
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

// normalMediaType returns the media type by which the body was judged in its normal form, "" if it is in that form.
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

// isDoubtful reports whether some readers take a field for another one, or let it undo what was checked, and the operation
// does not declare it.
func (x *exchange) isDoubtful(name string) bool {
	return isOverride(name) && (x.route == nil || !slices.Contains(x.route.declared, name))
}

// isOverride reports whether a field may say another method, target, address of a proxy, or field than the request does: CGI
// makes one variable of X-Y and X_Y (RFC 3875 §4.1.18), and HTTP_PROXY of Proxy.
func isOverride(name string) bool {
	switch name {
	case "Proxy", "X-Http-Method", "X-Method", "X-Forwarded-Method", "X-Forwarded-Path", "X-Forwarded-Prefix", "X-Forwarded-Uri",
		"X-Envoy-Original-Path", "X-Envoy-Original-Method", "X-Replaced-Path", "X-Waws-Unencoded-Url", "X-Request-Uri", "X-Http-Path":
		return true
	}
	return strings.HasPrefix(name, "X-Original-") || strings.HasPrefix(name, "X-Rewrite-") || strings.HasPrefix(name, "X-Override-") ||
		strings.HasSuffix(name, "-Override") || strings.IndexByte(name, '_') >= 0
}

// asCame returns a request that is not rebuilt, without the doubtful fields where the policy refuses what is in doubt, and
// where tokens are checked: the permission is that of the method and the path.
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

// mustSeeResponse reports whether a response in a coding that is not known here would be refused.
func (x *exchange) mustSeeResponse() bool {
	return !x.route.unchecked[policy.Responses] && x.route.rules[policy.Responses][policy.MediaType] == policy.Enforce
}
