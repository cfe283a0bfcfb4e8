// Package cors says which pages of other origins may call, and which response fields allow it (Fetch Standard, HTTP
// extensions). The gateway and the server share it; they decide which methods and header fields a path has.
package cors

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Policy names the origins whose pages may call. The zero Policy names none.
type Policy struct {
	// Origins are scheme and authority, such as https://app.example, or * for all.
	Origins []string
	// Credentials lets pages send cookies and client certificates. It excludes *, because any page could then act as its
	// user.
	Credentials bool
	// Loopback adds all origins of this machine.
	Loopback bool
}

// Validate reports origins that no browser sends, and credentials combined with *.
func (p *Policy) Validate() error {
	for _, o := range p.Origins {
		switch {
		case o == "*" && (p.Credentials || len(p.Origins) > 1):
			return errors.New("* excludes credentials and other origins")
		case o != "*" && !isOrigin(o):
			return fmt.Errorf("%q is not an origin: want *, or a scheme and an authority in lower case without the scheme's default port, such as https://app.example", o)
		}
	}
	if p.Credentials && len(p.Origins) == 0 {
		return errors.New("credentials need an origin")
	}
	return nil
}

// isOrigin reports whether a browser can send the origin (RFC 6454 §6.2). null is refused, because any page can have it.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || u.Scheme+"://"+u.Host != s || strings.ToLower(s) != s || strings.Contains(s, "*") {
		return false
	}
	port := u.Port()
	return !strings.HasSuffix(u.Host, ":") && (u.Scheme != "http" || port != "80") && (u.Scheme != "https" || port != "443")
}

// isLoopback reports whether a page with the origin comes from this machine. Names below localhost always resolve to it (RFC
// 6761 §6.3).
func isLoopback(origin string) bool {
	if !isOrigin(origin) {
		return false
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// Enabled reports whether any page may call.
func (p *Policy) Enabled() bool { return len(p.Origins) > 0 || p.Loopback }

// Allowed returns Access-Control-Allow-Origin for a request, or "" if the page must not read the response.
func (p *Policy) Allowed(r *http.Request) string {
	origin := r.Header["Origin"]
	switch {
	case slices.Contains(p.Origins, "*"):
		return "*"
	case len(origin) != 1:
		return ""
	case slices.Contains(p.Origins, origin[0]) || p.Loopback && isLoopback(origin[0]):
		return origin[0]
	}
	return ""
}

// MaxAge is how many seconds a browser may cache a preflight: a reload may change the contract.
const MaxAge = "600"

// Header fields that pages may always use: those that HTTP and Microsoft Graph have for every operation.
var (
	alwaysAllowed = []string{
		"Accept", "Accept-Language", "Authorization", "Content-Language", "Content-Type", "If-Match", "If-Modified-Since", "If-None-Match",
		"If-Range", "If-Unmodified-Since", "Prefer", "Range", "Traceparent", "Tracestate", "client-request-id",
	}
	alwaysExposed = []string{"Date", "ETag", "Location", "Retry-After", "WWW-Authenticate", "client-request-id", "request-id"}
)

// AllowedFields lists the header fields that pages may send, with those of declared.
func AllowedFields(declared []string) string { return fieldList(alwaysAllowed, declared) }

// ExposedFields lists the header fields of responses that pages may read, with those of declared.
func ExposedFields(declared []string) string { return fieldList(alwaysExposed, declared) }

// fieldList joins names without duplicates.
func fieldList(always, declared []string) string {
	names := slices.Concat(always, declared)
	slices.SortStableFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return strings.Join(slices.CompactFunc(names, strings.EqualFold), ", ")
}

// AskedMethod returns the method that a preflight asks for, or "" if the request is not a preflight.
func AskedMethod(r *http.Request) string {
	method := r.Header["Access-Control-Request-Method"]
	if r.Method != http.MethodOptions || len(r.Header["Origin"]) != 1 || len(method) != 1 || r.ContentLength != 0 {
		return ""
	}
	return method[0]
}
