package batch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// request returns the request as if sent alone, over the connection of the batch. Even with an error, it can be passed to
// Reject.
func (s *step) request(ctx context.Context, whole *http.Request) (*http.Request, error) {
	r := new(http.Request)
	*r = *whole
	r.Method = strings.ToUpper(s.Method)
	r.RequestURI = graph.BasePath + "/" + escaped(strings.TrimPrefix(s.URL, "/"))
	r.TransferEncoding, r.Trailer, r.Pattern = nil, nil, ""
	r.Body, r.ContentLength = http.NoBody, int64(len(s.Body))
	if len(s.Body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(s.Body))
	}
	header, err := s.header(whole.Header)
	r.Header = header
	u, urlErr := url.ParseRequestURI(r.RequestURI)
	if urlErr != nil {
		u, err = &url.URL{Path: graph.BasePath}, malformed("url", "is malformed: send a path below the base path, percent-encoded where need be")
	}
	r.URL = u
	return r.WithContext(ctx), err
}

// escaped percent-encodes characters that a URL may have in a batch, but not in a request line.
func escaped(address string) string {
	var b strings.Builder
	for i := range len(address) {
		if c := address[i]; c == ' ' || c >= 0x80 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// inherited are the fields that a request takes from its batch: those of the sender.
var inherited = []string{"Authorization", "Client-Request-Id", "Forwarded", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

// header returns the fields of the request: its own, and those of the batch.
func (s *step) header(whole http.Header) (http.Header, error) {
	h := make(http.Header, len(s.Headers)+len(inherited))
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		value := s.Headers[name]
		if !httpguts.ValidHeaderFieldName(name) {
			return http.Header{}, malformed("headers", "has a name that no header field can have")
		}
		name = http.CanonicalHeaderKey(name)
		if isOfBatch(name) {
			continue
		}
		h[name] = append(h[name], strings.Trim(value, " \t"))
	}
	for _, name := range inherited {
		if lines := whole[name]; len(lines) > 0 && h[name] == nil {
			h[name] = lines
		}
	}
	return h, nil
}

// isOfBatch reports whether a request must not set a field: it identifies the sender of the batch, or frames messages on a
// connection.
func isOfBatch(name string) bool {
	switch name {
	case "Authorization", "Content-Length", "Cookie", "Expect", "Forwarded", "Host", "Origin", "User-Agent", "Via":
		return true
	}
	return message.IsHopByHop(name) || strings.HasPrefix(name, "X-Forwarded-")
}

// malformed is the problem of a member of a request that is refused alone.
func malformed(member, is string) *graph.Problem {
	return &graph.Problem{Status: http.StatusBadRequest, Code: graph.CodeBadRequest, Message: fmt.Sprintf("The member '%s' of the request %s.", member, is)}
}
