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

// maxCodings bounds how many codings a response may have.
const maxCodings = 4

// plain returns the body without its codings, the last one removed first (RFC 9110 §8.4).
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

// maxWindow is the largest window of a zstd frame, in bytes (RFC 9659 §3).
const maxWindow = 8 << 20

// decode returns a reader of the decoded content: gzip and deflate (RFC 9110 §8.4.1), br (RFC 7932) or zstd (RFC 8878).
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

// uncode adjusts the header of a response that is forwarded without its codings. The bytes differ from those that the
// upstream tagged, so a strong ETag becomes weak (RFC 9110 §8.8.1).
func (x *exchange) uncode() {
	h := x.Header()
	h.Del("Content-Encoding")
	if x.request.Method == http.MethodHead {
		h.Del("Content-Length") // GET has a different one (RFC 9110 §9.3.2)
	}
	for name, tags := range h { // the upstream chose their case
		if strings.EqualFold(name, "ETag") && len(tags) == 1 && strings.HasPrefix(tags[0], `"`) {
			h[name] = []string{"W/" + tags[0]}
		}
	}
}
