package message

import (
	"net/http"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/server/internal/authority"
)

// CheckTarget returns an error for a request line that net/http accepts but HTTP does not allow: a method that is not a
// token, a target with characters that no URI has, or an authority that is not a host with an optional port. Programs
// interpret such lines differently.
func CheckTarget(r *http.Request) error {
	switch {
	case !isToken(r.Method):
		return ErrMethod
	case !isTarget(r.RequestURI) || !isTarget(r.URL.RawQuery):
		return ErrTarget
	case !hasAuthority(r):
		return ErrHost
	}
	return nil
}

// EndsConnection reports whether the end of a request may be ambiguous, so that its connection must not be reused. That is a
// chunked body (RFC 9112 §6.1), and every request of HTTP/1.0: with Transfer-Encoding its framing is faulty (RFC 9112 §6.1),
// and net/http does not report that it has dropped the field.
func EndsConnection(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1)
}

// hasAuthority reports whether the authority is valid. It may be missing in HTTP/1.0 or with an empty Host, but not in an
// absolute-form target (RFC 9110 §4.2.1), where it must not name a user (RFC 9110 §4.2.4).
func hasAuthority(r *http.Request) bool {
	absolute := r.RequestURI != "" && r.RequestURI[0] != '/' && r.RequestURI != "*"
	switch {
	case r.URL.User != nil:
		return false
	case r.Host == "" || absolute && r.URL.Host == "":
		return !absolute
	}
	return authority.Valid(r.Host)
}

// isTarget reports whether s has only visible ASCII characters and no fragment (RFC 9112 §3.2).
func isTarget(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}

// isToken reports whether s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}
