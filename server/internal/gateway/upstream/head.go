package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/stream"
)

var errMalformed = errors.New("the answer is not HTTP/1.1 beyond doubt")

// head is the head of an answer.
type head struct {
	status  int
	fields  []field
	length  int64 // of the body; -1 if only its end tells
	chunked bool
	closes  bool // the connection is of no use after the answer
	stream  bool // the body is a stream of messages, with pauses as long as they may be

	protocol string  // that the upstream changes to, or offers
	trailers []field // once the body was read
}

type field struct{ name, value string }

// The fields that are looked at in an answer, here or by net/http, or that must not pass, in the form that it knows them by. All other
// names keep the letter case in which the upstream has sent them.
var known = map[string]string{}

func init() {
	for _, name := range []string{
		"Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Keep-Alive", "Proxy-Authenticate",
		"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Location", "Vary",
		"Content-Location", "Link", "Refresh", "Alt-Svc", "OData-EntityId",
	} {
		known[name], known[strings.ToLower(name)], known[textproto.CanonicalMIMEHeaderKey(name)] = name, name, name
	}
}

func canonical(name string) string {
	if k, ok := known[name]; ok {
		return k
	}
	if k, ok := known[textproto.CanonicalMIMEHeaderKey(name)]; ok {
		return k
	}
	return name
}

// parse reads the head of an answer up to the empty line. It is stricter than net/http: lines end in CRLF, no line is
// folded, and whoever frames the body twice, or in two ways, is not understood (RFC 9112 §5.2, §6.3).
func (h *head) parse(block string, isHEAD bool) error {
	line, rest, _ := strings.Cut(block, "\r\n")
	*h = head{fields: h.fields[:0], length: -1, trailers: h.trailers[:0]}
	http10, err := h.statusLine(line)
	if err != nil {
		return err
	}
	h.closes = http10
	for rest != "\r\n" {
		if line, rest, _ = strings.Cut(rest, "\r\n"); !h.field(line) {
			return fmt.Errorf("%w: a header field", errMalformed)
		}
	}
	if h.chunked && (h.length >= 0 || http10) {
		return fmt.Errorf("%w: Transfer-Encoding with Content-Length or HTTP/1.0", errMalformed)
	}
	if isHEAD || h.status < 200 || h.status == http.StatusNoContent || h.status == http.StatusNotModified {
		h.length, h.chunked = 0, false
	}
	h.closes = h.closes || h.length < 0 && !h.chunked
	return nil
}

// statusLine reads the first line and reports whether it is of HTTP/1.0.
func (h *head) statusLine(line string) (bool, error) {
	if len(line) < len("HTTP/1.1 200") || line[:len("HTTP/1.")] != "HTTP/1." || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return false, fmt.Errorf("%w: the status line", errMalformed)
	}
	for _, c := range []byte(line[9:12]) {
		if c < '0' || c > '9' {
			return false, fmt.Errorf("%w: the status", errMalformed)
		}
		h.status = 10*h.status + int(c-'0')
	}
	if h.status < 100 || h.status > 599 || line[7] != '0' && line[7] != '1' || !httpguts.ValidHeaderFieldValue(line) {
		return false, fmt.Errorf("%w: the status line", errMalformed)
	}
	return line[7] == '0', nil
}

// parseField reads a field, and reports false if there is doubt what it means.
func parseField(line string) (field, bool) {
	name, value, found := strings.Cut(line, ":")
	if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return field{}, false
	}
	return field{canonical(name), textproto.TrimString(value)}, true
}

// field reads a header field, and reports false if there is doubt what it means.
func (h *head) field(line string) bool {
	f, ok := parseField(line)
	if !ok {
		return false
	}
	h.fields = append(h.fields, f)
	switch f.name {
	case "Content-Length":
		if h.length >= 0 {
			return false
		}
		h.length = parseLength(f.value)
		return h.length >= 0
	case "Transfer-Encoding":
		if h.chunked || !strings.EqualFold(f.value, "chunked") {
			return false
		}
		h.chunked = true
	case "Connection":
		h.closes = h.closes || hasToken(f.value, "close")
	case "Content-Type":
		h.stream = stream.Is(f.value)
	case "Upgrade":
		h.protocol = f.value
	}
	return true
}

// parseLength reads a Content-Length, -1 if it is none.
func parseLength(s string) int64 {
	if s == "" || len(s) > 18 {
		return -1
	}
	n := int64(0)
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int64(c-'0')
	}
	return n
}

// hasToken reports whether a list of tokens has one, in any letter case.
func hasToken(list, token string) bool {
	for element := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(textproto.TrimString(element), token) {
			return true
		}
	}
	return false
}

// copyTo copies the end-to-end fields to those of the answer. What Connection names is not end-to-end (RFC 9110 §7.6.1).
func (h *head) copyTo(to http.Header, isHEAD bool) {
	values := make([]string, 0, len(h.fields))
	for i := range h.fields {
		f := &h.fields[i]
		if isHopByHop(f.name) || f.name == "Content-Length" && h.length < 0 || h.isNamedByConnection(f.name) {
			continue
		}
		if old, ok := to[f.name]; ok {
			to[f.name] = append(old, f.value)
			continue
		}
		values = append(values, f.value)
		to[f.name] = values[len(values)-1 : len(values) : len(values)]
	}
	if _, ok := to["Content-Type"]; !ok {
		to["Content-Type"] = nil // net/http would guess one
	}
	if h.status == http.StatusNoContent || !isHEAD && h.status == http.StatusNotModified {
		delete(to, "Content-Length")
	}
}

// copyTrailersTo announces the trailers to net/http, which sends them where the framing has a place for them. Those that
// tell how to read or route the message mean nothing there (RFC 9110 §6.5.1).
func (h *head) copyTrailersTo(to http.Header) {
	for _, f := range h.trailers {
		if isTrailer(f.name) {
			name := http.TrailerPrefix + f.name
			to[name] = append(to[name], f.value)
		}
	}
}

// isTrailer reports whether a field passes as a trailer, of a request or a response.
func isTrailer(name string) bool {
	switch name = textproto.CanonicalMIMEHeaderKey(name); name {
	case "Cookie", "Set-Cookie", "Location", "Age", "Date", "Expires", "Retry-After", "Vary":
		return false
	}
	return httpguts.ValidTrailerHeader(name) && !stays(name) && strings.IndexByte(name, '_') < 0
}

func (h *head) isNamedByConnection(name string) bool {
	for i := range h.fields {
		if f := &h.fields[i]; f.name == "Connection" && hasToken(f.value, name) {
			return true
		}
	}
	return false
}

// isHopByHop reports whether a field is for one connection only (RFC 9110 §7.6.1). The name is in canonical form.
func isHopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding",
		"Upgrade":
		return true
	}
	return false
}
