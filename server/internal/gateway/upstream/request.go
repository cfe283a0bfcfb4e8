package upstream

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/pfxrecryption/pfxrecryption/server/internal/authority"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// Bytes is a complete request body. It is sent together with the header.
type Bytes interface {
	// Bytes returns the whole body. The caller must not change it or keep it beyond the request.
	Bytes() []byte
}

// appendHead appends the header of the request for the upstream, with the framing of its body: length bytes, or chunks if
// length is negative.
func (c *Client) appendHead(b []byte, m *request, length int64) []byte {
	r := m.Request
	b = append(b, r.Method...)
	b = append(b, ' ')
	if r.RequestURI == "*" { // for the server as a whole (RFC 9112 §3.2.4)
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
		if !passes(r, name, trusted) {
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

// appendTrailers appends the trailers that may be forwarded.
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

// target returns the request's target in origin form (RFC 9112 §3.2.1), as received or as the Go caller has set it.
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

// passes reports whether a client's field is forwarded.
func passes(r *http.Request, name string, trusted bool) bool {
	return !stays(name) && (trusted || !isAddress(name)) && !isNamed(r.Header["Connection"], name)
}

// stays reports whether a client's field is never forwarded.
func stays(name string) bool {
	switch name {
	case "Content-Length", "Expect", "Forwarded", "Host", "Http2-Settings", "Proxy", "Client-Cert", "Client-Cert-Chain":
		return true
	}
	return message.IsHopByHop(name) || strings.HasPrefix(withHyphens(name), "X-Forwarded-")
}

// isAddress reports whether some upstreams read the client's address from a field. Only trusted proxies may send it.
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

// withHyphens replaces underscores by hyphens: CGI cannot tell the two apart (RFC 3875 §4.1.18).
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

// appendForwarded appends the client's address in Forwarded (RFC 7239) and in the older fields. What a trusted proxy said of
// its client precedes the proxy's own address.
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
	if host != "" { // HTTP/1.0 may omit it
		b = appendQuoted(append(b, ";host="...), host)
	}
	b = append(b, `;proto=`...)
	b = append(b, proto...)
	b = append(b, "\r\nX-Forwarded-For: "...)
	b = append(b, forwardedFor...)
	b = append(b, peer...)
	if host != "" && strings.IndexByte(host, ',') < 0 { // the field has no quotes: a comma would make it a list
		b = append(append(b, "\r\nX-Forwarded-Host: "...), host...)
	}
	b = append(b, "\r\nX-Forwarded-Proto: "...)
	b = append(b, proto...)
	return append(b, "\r\nVia: 1.1 pfxrd\r\n"...)
}

// askedFor returns the scheme and the authority that the client used, according to a trusted proxy. The authority is empty
// for HTTP/1.0 without Host.
func askedFor(r *http.Request, trusted bool) (scheme, host string) {
	scheme, host = "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if trusted { // it may have forwarded what its own client said
		if first := firstOf(r.Header.Get("X-Forwarded-Proto")); isScheme(first) {
			scheme = first
		}
		if first := firstOf(r.Header.Get("X-Forwarded-Host")); authority.Valid(first) {
			host = first
		}
	}
	return scheme, host
}

// node formats an address for Forwarded (RFC 7239 §6).
func node(address string) string {
	if strings.IndexByte(address, ':') >= 0 {
		return `"[` + address + `]"`
	}
	return address
}

// elements converts a list of addresses to elements of Forwarded, each with a comma after it.
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

// listBefore joins the lines of a list to which an element is appended.
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
	peer, _, _ = strings.Cut(peer, "%") // a zone is only valid locally, and Forwarded does not allow one (RFC 7239 §6)
	return peer
}

// isTrusted reports whether a request comes from a trusted proxy.
func (c *Client) isTrusted(r *http.Request) bool {
	return len(c.config.Trusted) > 0 && c.trusts(peerOf(r))
}

// trusts reports whether an address is a trusted proxy's.
func (c *Client) trusts(address string) bool {
	ip, err := netip.ParseAddr(address)
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
