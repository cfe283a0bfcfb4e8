package upstream

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
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
	for name, values := range r.Header {
		if stays(name) || isNamed(r.Header["Connection"], name) {
			continue
		}
		for _, value := range values {
			b = appendField(b, name, value)
		}
	}
	b = c.appendForwarded(b, r)
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
	case "Content-Length", "Expect", "Forwarded", "Host", "Http2-Settings",
		"Client-Ip", "True-Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Real-Ip":
		return true
	}
	return isHopByHop(name) || strings.HasPrefix(name, "X-Forwarded-")
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
func (c *Client) appendForwarded(b []byte, r *http.Request) []byte {
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		peer = "unknown"
	}
	host, proto := r.Host, "http"
	if r.TLS != nil {
		proto = "https"
	}
	forwarded, forwardedFor := "", ""
	if len(c.config.Trusted) > 0 && c.isTrusted(peer) {
		forwarded, forwardedFor = listBefore(r.Header["Forwarded"]), listBefore(r.Header["X-Forwarded-For"])
		if forwarded == "" {
			forwarded = elements(forwardedFor)
		}
		host = orElse(r.Header.Get("X-Forwarded-Host"), host)
		proto = orElse(r.Header.Get("X-Forwarded-Proto"), proto)
	}
	b = append(b, "Forwarded: "...)
	b = append(b, forwarded...)
	b = append(b, "for="...)
	b = append(b, node(peer)...)
	if host != "" { // HTTP/1.0 needs none
		b = append(append(append(b, `;host="`...), host...), '"') // net/http lets no quote into a host
	}
	b = append(b, `;proto=`...)
	b = append(b, proto...)
	b = append(b, "\r\nX-Forwarded-For: "...)
	b = append(b, forwardedFor...)
	b = append(b, peer...)
	if host != "" {
		b = append(append(b, "\r\nX-Forwarded-Host: "...), host...)
	}
	b = append(b, "\r\nX-Forwarded-Proto: "...)
	b = append(b, proto...)
	return append(b, "\r\nVia: 1.1 pfxrd\r\n"...)
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

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (c *Client) isTrusted(peer string) bool {
	ip, err := netip.ParseAddr(peer)
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
