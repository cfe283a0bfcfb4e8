package gateway

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

var errEncoding = errors.New("the response has a coding that is not known, or more of it than is ever held")

// maxCodings is how many codings a response may have, one upon the other.
const maxCodings = 4

// plain returns the body without its codings, the last first (RFC 9110 §8.4).
func (x *exchange) plain(body []byte) ([]byte, error) {
	codings := x.codings()
	if len(codings) == 0 {
		return body, nil
	}
	if len(codings) > maxCodings {
		return nil, errEncoding
	}
	var from io.Reader = bytes.NewReader(body)
	for _, coding := range slices.Backward(codings) {
		decoder, err := decode(coding, from)
		if err != nil {
			return nil, err
		}
		defer decoder.Close()
		from = decoder
	}
	plain, err := io.ReadAll(io.LimitReader(from, int64(x.gate.config.MaxResponse)+1))
	if err == nil && len(plain) > x.gate.config.MaxResponse {
		err = errEncoding
	}
	return plain, err
}

// codings returns the content codings of the response in the order in which they were applied, without identity.
func (x *exchange) codings() []string {
	var codings []string
	for _, list := range x.Header()["Content-Encoding"] {
		for coding := range strings.SplitSeq(list, ",") {
			coding = strings.ToLower(strings.Trim(coding, " \t"))
			if coding != "" && coding != "identity" {
				codings = append(codings, coding)
			}
		}
	}
	return codings
}

// maxWindow is how far back a zstd frame may refer, in bytes (RFC 9659 §3).
const maxWindow = 8 << 20

// decode returns a reader of what a coding stands for: gzip and deflate (RFC 9110 §8.4.1), br (RFC 7932) or zstd (RFC 8878).
func decode(coding string, from io.Reader) (io.ReadCloser, error) {
	switch coding {
	case "gzip", "x-gzip":
		return gzip.NewReader(from)
	case "deflate":
		return zlib.NewReader(from)
	case "br":
		return io.NopCloser(brotli.NewReader(from)), nil
	case "zstd":
		decoder, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	}
	return nil, errEncoding
}

// uncode says that the body of the response is passed on without its codings. The bytes are others than those that the
// upstream has named, so that its ETag is no strong one any more (RFC 9110 §8.8.1).
func (x *exchange) uncode() {
	h := x.Header()
	h.Del("Content-Encoding")
	if x.request.Method == http.MethodHead {
		h.Del("Content-Length") // GET has another (RFC 9110 §9.3.2)
	}
	for name, tags := range h { // whose letter case is the upstream's
		if strings.EqualFold(name, "ETag") && len(tags) == 1 && strings.HasPrefix(tags[0], `"`) {
			h[name] = []string{"W/" + tags[0]}
		}
	}
}
