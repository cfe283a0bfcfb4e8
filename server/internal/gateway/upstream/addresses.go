package upstream

import (
	"net/http"
	"regexp"
	"strings"
)

// Address returns what an address in an answer becomes for the caller of r, so that nobody is led past the gateway: one of
// the upstream's gets the caller's scheme and authority, and loses the path that is put before every request's. Any other
// address stays as it is.
func (c *Client) Address(r *http.Request, address string) string {
	scheme, rest, absolute := strings.Cut(address, "//")
	if scheme = strings.TrimSuffix(scheme, ":"); !absolute || strings.ContainsAny(scheme, "/?#") {
		return c.withoutPrefix(address)
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	proto, host := askedFor(r, c.isTrusted(r))
	if host == "" || !c.isOurs(scheme, authority) && !c.isCallers(scheme, authority, host) {
		return address
	}
	if scheme != "" {
		proto += ":"
	} else {
		proto = "" // a reference to the same scheme (RFC 3986 §4.2)
	}
	return proto + "//" + host + c.withoutPrefix(path)
}

// isOurs reports whether an authority is the upstream's.
func (c *Client) isOurs(scheme, authority string) bool {
	return strings.EqualFold(authority, c.host) || withoutPort(scheme, authority) == withoutPort(c.scheme(), c.host)
}

// isCallers reports whether an address is one that the upstream has made of the Host that it was sent and its own scheme.
func (c *Client) isCallers(scheme, authority, host string) bool {
	return (scheme == "" || strings.EqualFold(scheme, c.scheme())) && withoutPort(c.scheme(), authority) == withoutPort(c.scheme(), host)
}

func (c *Client) scheme() string {
	if c.tls != nil {
		return "https"
	}
	return "http"
}

// withoutPort returns an authority in lower case, without the port that its scheme has anyway (RFC 3986 §6.2.3).
func withoutPort(scheme, authority string) string {
	port := ":80"
	if strings.EqualFold(scheme, "https") {
		port = ":443"
	}
	return strings.ToLower(strings.TrimSuffix(authority, port))
}

func (c *Client) withoutPrefix(path string) string {
	rest, found := strings.CutPrefix(path, c.prefix)
	if c.prefix == "" || !found || rest != "" && !strings.ContainsAny(rest[:1], "/?#") {
		return path
	}
	if !strings.HasPrefix(rest, "/") {
		return "/" + rest
	}
	return rest
}

var (
	linkTarget  = regexp.MustCompile(`<[^<>]*>`)                      // RFC 8288 §3
	refreshTail = regexp.MustCompile(`(?i)(;\s*url\s*=\s*['"]?)(.*)`) // HTML, "The Refresh header"
)

// readdress replaces the upstream's addresses in the header fields of an answer. Alt-Svc names another way to the upstream,
// which does not lead through the gateway.
func (c *Client) readdress(h http.Header, r *http.Request) {
	delete(h, "Alt-Svc")
	for _, name := range [...]string{"Location", "Content-Location", "OData-EntityId"} {
		for i, value := range h[name] {
			h[name][i] = c.Address(r, value)
		}
	}
	for i, value := range h["Link"] {
		h["Link"][i] = linkTarget.ReplaceAllStringFunc(value, func(target string) string {
			return "<" + c.Address(r, target[1:len(target)-1]) + ">"
		})
	}
	for i, value := range h["Refresh"] {
		if at := refreshTail.FindStringSubmatchIndex(value); at != nil {
			h["Refresh"][i] = value[:at[4]] + c.Address(r, value[at[4]:])
		}
	}
}
