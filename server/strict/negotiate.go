package strict

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// negotiate finds the contract's body for the request.
func (x *Exchange) negotiate() error {
	contentType, err := x.handler.config.Negotiate(x)
	if err != nil || contentType == "" {
		return err
	}
	x.contentType = contentType
	if x.operation.simple {
		for _, b := range x.Operation.Request {
			if b.Type == contentType {
				x.content, x.exact = b, true
				return nil
			}
		}
	}
	if x.content = x.Operation.RequestBody(contentType); x.content == nil {
		return UnsupportedMediaType(x.Operation.Method, x.operation.types)
	}
	return nil
}

// Negotiate is the default of [Config.Negotiate]: Accept must cover a media type of the operation's responses, and Content-Type
// must name one of its requests.
func Negotiate(x *Exchange) (string, error) {
	op, h := x.operation, x.Request.Header
	if !accepts(h["Accept"], op.responses) {
		return "", NotAcceptable(op.responses)
	}
	if len(op.types) == 0 || !op.BodyRequired && !carriesBody(x.Request) {
		return "", nil
	}
	for _, name := range []string{"Content-Type", "Content-Encoding"} {
		if len(h[name]) > 1 {
			return "", BadField(name, "repeated", "was sent more than once")
		}
	}
	contentType := h.Get("Content-Type")
	if op.RequestBody(contentType) == nil {
		return "", UnsupportedMediaType(op.Method, op.types)
	}
	return contentType, CheckEncoding(h.Get("Content-Encoding"))
}

// carriesBody reports whether a request has a body. A chunked or HTTP/2 body may be empty: it waits for the first byte.
func carriesBody(r *http.Request) bool {
	if r.ContentLength >= 0 {
		return r.ContentLength > 0
	}
	first := make([]byte, 1)
	n, err := io.ReadFull(r.Body, first)
	if n == 0 {
		return !errors.Is(err, io.EOF)
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(first), r.Body), r.Body}
	return true
}

// accepts reports whether Accept covers one of the media types. The most specific matching range decides, and its weight
// must not be 0 (RFC 9110 §12.5.1).
func accepts(lines, types []string) bool {
	if len(lines) == 0 || len(types) == 0 || len(lines) == 1 && (lines[0] == "*/*" || slices.Contains(types, lines[0])) {
		return true
	}
	var ranges []string
	for _, line := range lines {
		ranges = append(ranges, message.SplitList(line)...)
	}
	return slices.ContainsFunc(types, func(t string) bool { return acceptsType(ranges, t) })
}

func acceptsType(ranges []string, mediaType string) bool {
	best, accepted := 0, false
	for _, element := range ranges {
		m, ok := validate.ParseMediaType(element)
		if !ok {
			continue
		}
		specificity := covers(m.Type, mediaType)
		switch taken := weight(m) > 0; {
		case specificity > best:
			best, accepted = specificity, taken
		case specificity == best && best > 0:
			accepted = accepted || taken
		}
	}
	return accepted
}

// covers returns how specifically a media range covers a media type, which may itself be a range; 0 if it does not.
func covers(accepted, mediaType string) int {
	switch {
	case accepted == "*/*":
		return 1
	case accepted == mediaType:
		return 3
	}
	main, sub, _ := strings.Cut(accepted, "/")
	ours, ourSub, _ := strings.Cut(mediaType, "/")
	switch {
	case ours == "*":
		return 3
	case main != ours:
		return 0
	case sub == "*":
		return 2
	case strings.HasPrefix(ourSub, "*") && strings.HasSuffix(sub, ourSub[1:]):
		return 3
	}
	return 0
}

// weight returns the weight of a media range; 0 if it is malformed.
func weight(m validate.MediaType) float64 {
	q, ok := m.Parameter("q")
	if !ok {
		return 1
	}
	w, err := strconv.ParseFloat(q, 64)
	if err != nil || w > 1 {
		return 0
	}
	return w
}
