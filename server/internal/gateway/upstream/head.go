package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/stream"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

var errMalformed = errors.New("the response is not valid HTTP/1.1")

// head is the status line and header of a response.
type head struct {
	status  int
	fields  []field
	length  int64 // of the body; -1 if unknown
	chunked bool
	closes  bool // the connection cannot be reused
	stream  bool // the body is a stream of messages with pauses of any length

	protocol string        // that the upstream switches to, or offers
	keep     time.Duration // how long the upstream keeps the connection; 0 if unknown
	trailers []field       // available once the body is read
}

type field struct{ name, value string }

// known has the canonical names of the fields that this package or net/http reads, or that must not pass. Other names keep
// the upstream's case.
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

// parse reads the header of a response up to the empty line. It is stricter than net/http: lines end in CRLF, folded lines
// are invalid, and a body must be framed exactly once (RFC 9112 §5.2, §6.3).
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

// statusLine reads the first line and reports whether it is HTTP/1.0.
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

// parseField parses a field, and returns false if it is ambiguous. Spaces before the colon are removed (RFC 9112 §5.1).
func parseField(line string) (field, bool) {
	name, value, found := strings.Cut(line, ":")
	name = strings.TrimRight(name, " \t")
	if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return field{}, false
	}
	return field{canonical(name), textproto.TrimString(value)}, true
}

// field reads a header field, and returns false if it is ambiguous.
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
	case "Keep-Alive":
		h.keep = keepOf(f.value)
	case "Content-Type":
		h.stream = stream.Is(f.value)
	case "Upgrade":
		h.protocol = f.value
	}
	return true
}

// keepOf returns the timeout of a Keep-Alive field, which is in seconds (RFC 2068 §19.7.1.1); 0 if there is none.
func keepOf(value string) time.Duration {
	for parameter := range strings.SplitSeq(value, ",") {
		name, text, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(name, "timeout") {
			continue
		}
		if seconds, err := strconv.ParseUint(strings.Trim(text, `"`), 10, 16); err == nil {
			return max(time.Duration(seconds)*time.Second, 1)
		}
	}
	return 0
}

// parseLength parses a Content-Length. It returns -1 if it is invalid.
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

// hasToken reports whether a list of tokens contains one, case-insensitively.
func hasToken(list, token string) bool {
	for element := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(textproto.TrimString(element), token) {
			return true
		}
	}
	return false
}

// copyTo copies the end-to-end fields to the client's response. Fields that Connection names are hop-by-hop (RFC 9110
// §7.6.1).
func (h *head) copyTo(to http.Header, isHEAD bool) {
	values := make([]string, 0, len(h.fields))
	for i := range h.fields {
		f := &h.fields[i]
		if message.IsHopByHop(f.name) || f.name == "Content-Length" && h.length < 0 || h.isNamedByConnection(f.name) {
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
		to["Content-Type"] = nil // otherwise net/http guesses one
	}
	if h.status == http.StatusNoContent || !isHEAD && h.status == http.StatusNotModified {
		delete(to, "Content-Length")
	}
}

// copyTrailersTo announces the trailers to net/http, which sends them if the framing allows it. Fields for framing or
// routing are not valid as trailers (RFC 9110 §6.5.1).
func (h *head) copyTrailersTo(to http.Header) {
	for _, f := range h.trailers {
		if isTrailer(f.name) {
			name := http.TrailerPrefix + f.name
			to[name] = append(to[name], f.value)
		}
	}
}

// isTrailer reports whether a field may be forwarded as a trailer, of a request or a response.
func isTrailer(name string) bool {
	switch name = textproto.CanonicalMIMEHeaderKey(name); name {
	case "Cookie", "Set-Cookie", "Location", "Age", "Date", "Expires", "Retry-After", "Vary":
		return false
	}
	return httpguts.ValidTrailerHeader(name) && !stays(name) && !isAddress(name) && strings.IndexByte(name, '_') < 0
}

func (h *head) isNamedByConnection(name string) bool {
	for i := range h.fields {
		if f := &h.fields[i]; f.name == "Connection" && hasToken(f.value, name) {
			return true
		}
	}
	return false
}
