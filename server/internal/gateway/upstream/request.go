package upstream

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/pfxrecryption/pfxrecryption/server/internal/authority"
)

// Bytes is a request's body that is all there: it is sent together with the head.
type Bytes interface {
	// Bytes returns all of the body. The caller does not change it, and does not keep it beyond the request.
	Bytes() []byte
}

// appendHead appends the head of the request that the upstream gets, with the framing of its body: length bytes, or
// chunks if length is negative.
func (c *Client) appendHead(b []byte, m *message, length int64) []byte {
	r := m.Request
	b = append(b, r.Method...)
	b = append(b, ' ')
	if r.RequestURI == "*" { // of the server as a whole (RFC 9112 §3.2.4)
		b = append(b, '*')
	} else {
		b = append(append(b, c.prefix...), target(r)...)
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	if c.config.KeepHost && r.Host != "" {
		b = append(b, r.Host...)
	} else {
		b = append(b, c.host...)
	}
	b = append(b, "\r\n"...)
	trusted := c.isTrusted(r)
	for name, values := range r.Header {
		if stays(name) || !trusted && isAddress(name) || isNamed(r.Header["Connection"], name) {
			continue
		}
		for _, value := range values {
			b = appendField(b, name, value)
		}
	}
	b = appendForwarded(b, r, trusted)
	if m.offered != "" {
		b = appendField(append(b, "Connection: Upgrade\r\n"...), "Upgrade", m.offered)
	}
	switch {
	case length < 0:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		for name := range r.Trailer {
			if isTrailer(name) {
				b = appendField(b, "Trailer", name)
			}
		}
	case length > 0 || r.Method == http.MethodPatch || r.Method == http.MethodPost || r.Method == http.MethodPut:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// appendTrailers appends the trailers that may pass.
func appendTrailers(b []byte, trailers http.Header) []byte {
	for name, values := range trailers {
		for _, value := range values {
			if isTrailer(name) && httpguts.ValidHeaderFieldValue(value) {
				b = appendField(b, name, value)
			}
		}
	}
	return b
}

// target returns the request's target in origin form (RFC 9112 §3.2.1), as it came or as whoever called has set it.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	t := r.URL.EscapedPath()
	if !strings.HasPrefix(t, "/") {
		t = "/" + t
	}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		t += "?" + r.URL.RawQuery
	}
	return t
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// stays reports whether a field of the caller is not for the upstream.
func stays(name string) bool {
	switch name {
	case "Content-Length", "Expect", "Forwarded", "Host", "Http2-Settings", "Proxy", "Client-Cert", "Client-Cert-Chain":
		return true
	}
	return isHopByHop(name) || strings.HasPrefix(withHyphens(name), "X-Forwarded-")
}

// isAddress reports whether some upstreams take the caller's address from a field. Only a trusted proxy may send it.
func isAddress(name string) bool {
	name = withHyphens(name)
	switch name {
	case "Cdn-Src-Ip", "Cf-Pseudo-Ipv4", "Cf-Connecting-Ipv6", "Cloudfront-Viewer-Address", "Forwarded-For", "X-Appengine-Remote-Addr",
		"X-Appengine-User-Ip", "X-Azure-Clientip", "X-Azure-Socketip", "X-Client", "X-Envoy-External-Address", "X-Forwarded", "X-Forward-For",
		"X-Nf-Client-Connection-Ip", "X-Original-Forwarded-For", "X-Originating-Ip", "X-Real-Ip", "X-Remote-Addr", "X-Remote-Ip",
		"X-Sucuri-Clientip", "X-Vercel-Forwarded-For":
		return true
	}
	return strings.HasSuffix(name, "Client-Ip") || strings.HasSuffix(name, "-Connecting-Ip")
}

// withHyphens returns the name that CGI does not tell from this one (RFC 3875 §4.1.18).
func withHyphens(name string) string {
	if strings.IndexByte(name, '_') < 0 {
		return name
	}
	return http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
}

func isNamed(connection []string, name string) bool {
	for _, list := range connection {
		if hasToken(list, name) {
			return true
		}
	}
	return false
}

// appendForwarded appends who the caller is, for those who are told no other way: Forwarded (RFC 7239), and the fields
// that are older. What a trusted proxy has said of the caller stands before what is said of the proxy.
func appendForwarded(b []byte, r *http.Request, trusted bool) []byte {
	peer := peerOf(r)
	forwarded, forwardedFor := "", ""
	if trusted {
		forwarded, forwardedFor = listBefore(r.Header["Forwarded"]), listBefore(r.Header["X-Forwarded-For"])
		if forwarded == "" || !isComplete(forwarded) {
			forwarded = elements(forwardedFor)
		}
	}
	proto, host := askedFor(r, trusted)
	b = append(b, "Forwarded: "...)
	b = append(b, forwarded...)
	b = append(b, "for="...)
	b = append(b, node(peer)...)
	if host != "" { // HTTP/1.0 needs none
		b = appendQuoted(append(b, ";host="...), host)
	}
	b = append(b, `;proto=`...)
	b = append(b, proto...)
	b = append(b, "\r\nX-Forwarded-For: "...)
	b = append(b, forwardedFor...)
	b = append(b, peer...)
	if host != "" && strings.IndexByte(host, ',') < 0 { // the field has no quotes: a comma would make a list of it
		b = append(append(b, "\r\nX-Forwarded-Host: "...), host...)
	}
	b = append(b, "\r\nX-Forwarded-Proto: "...)
	b = append(b, proto...)
	return append(b, "\r\nVia: 1.1 pfxrd\r\n"...)
}

// askedFor returns the scheme and the authority that the caller has asked for, as a trusted proxy says it; the authority is
// empty for HTTP/1.0 without Host.
func askedFor(r *http.Request, trusted bool) (scheme, host string) {
	scheme, host = "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if trusted { // it may have passed on what its own caller said
		if first := firstOf(r.Header.Get("X-Forwarded-Proto")); isScheme(first) {
			scheme = first
		}
		if first := firstOf(r.Header.Get("X-Forwarded-Host")); authority.Valid(first) {
			host = first
		}
	}
	return scheme, host
}

// node writes an address as Forwarded has it (RFC 7239 §6).
func node(address string) string {
	if strings.IndexByte(address, ':') >= 0 {
		return `"[` + address + `]"`
	}
	return address
}

// elements returns what a list of addresses says in Forwarded, with a comma behind it.
func elements(list string) string {
	var b strings.Builder
	for address := range strings.SplitSeq(strings.TrimSuffix(list, ", "), ",") {
		ip, err := netip.ParseAddr(strings.TrimSpace(address))
		switch {
		case address == "":
		case err != nil:
			b.WriteString("for=unknown, ")
		default:
			b.WriteString("for=" + node(ip.String()) + ", ")
		}
	}
	return b.String()
}

// listBefore joins the lines of a list that another element follows.
func listBefore(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, ", ") + ", "
}

// isComplete reports whether every quoted string of a list ends: an open one would swallow what follows.
func isComplete(list string) bool {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '"':
			quoted = !quoted
		case list[i] == '\\' && quoted:
			i++
		}
	}
	return !quoted
}

// firstOf returns the first element of a list without quotes.
func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.Trim(first, " \t")
}

// isScheme reports whether s is the scheme of a URI (RFC 3986 §3.1).
func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		if isLetter := 'a' <= c|0x20 && c|0x20 <= 'z'; !isLetter && (i == 0 || (c < '0' || c > '9') && strings.IndexByte("+-.", c) < 0) {
			return false
		}
	}
	return s != ""
}

// appendQuoted appends a quoted string (RFC 9110 §5.6.4).
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

func peerOf(r *http.Request) string {
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	return peer
}

// isTrusted reports whether a request comes from a trusted proxy.
func (c *Client) isTrusted(r *http.Request) bool {
	if len(c.config.Trusted) == 0 {
		return false
	}
	ip, err := netip.ParseAddr(peerOf(r))
	if err != nil {
		return false
	}
	for _, p := range c.config.Trusted {
		if p.Contains(ip.Unmap()) {
			return true
		}
	}
	return false
}
