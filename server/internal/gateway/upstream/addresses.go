package upstream

import (
	"net/http"
	"regexp"
	"strings"
)

// Address rewrites an address in a response for the client of r, so that the client keeps using the gateway. An address of
// the upstream gets the scheme and authority that the client used, and loses the path prefix of the upstream. Other
// addresses stay unchanged.
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
		proto = "" // a relative reference keeps the scheme (RFC 3986 §4.2)
	}
	return proto + "//" + host + c.withoutPrefix(path)
}

// isOurs reports whether an authority is the upstream's.
func (c *Client) isOurs(scheme, authority string) bool {
	return strings.EqualFold(authority, c.host) || withoutPort(scheme, authority) == withoutPort(c.scheme(), c.host)
}

// isCallers reports whether the upstream built an address from the Host it received and its own scheme.
func (c *Client) isCallers(scheme, authority, host string) bool {
	return (scheme == "" || strings.EqualFold(scheme, c.scheme())) && withoutPort(c.scheme(), authority) == withoutPort(c.scheme(), host)
}

func (c *Client) scheme() string {
	if c.tls != nil {
		return "https"
	}
	return "http"
}

// withoutPort returns an authority in lower case, without the scheme's default port (RFC 3986 §6.2.3).
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

// readdress replaces the upstream's addresses in the header fields of a response. It removes Alt-Svc, which names a way
// around the gateway.
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
