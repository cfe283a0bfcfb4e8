package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"sync"
)

// maxBody is the length of a request body in bytes, before and after decompression.
const maxBody = 64 << 10

// buffers are reused between requests; a decoded value never points into one.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// newBuffer returns an empty buffer, which the caller puts back.
func newBuffer() *bytes.Buffer {
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	return buf
}

// readBody reads the body, at most maxBody bytes before and after decompression, for the operations that have one.
// Nothing of it was read before: what refuses a request earlier costs the caller's bytes, not ours.
func readBody(r *http.Request, x *exchange) error {
	if r.ContentLength > maxBody {
		return payloadTooLarge()
	}
	x.body = newBuffer()
	if err := x.readLimited(r.Body); err != nil {
		return err
	}
	if !isGzip(r.Header, x.body.Bytes()) {
		return nil
	}
	packed := x.body
	defer buffers.Put(packed)
	x.body = newBuffer()
	return x.gunzip(packed)
}

// releaseBody puts the body's buffer back, if there is one.
func (x *exchange) releaseBody() {
	if x.body != nil {
		buffers.Put(x.body)
		x.body = nil
	}
}

// isGzip reports whether the body is compressed. Microsoft's Go client labels a plain body gzip on some retries, so the
// label counts only with gzip's magic bytes (RFC 1952 §2.3.1), with which no JSON text begins.
func isGzip(h http.Header, body []byte) bool {
	return len(first(h["Content-Encoding"])) == len("gzip") && bytes.HasPrefix(body, []byte{0x1f, 0x8b})
}

func (x *exchange) gunzip(packed io.Reader) error {
	zr, err := gzip.NewReader(packed)
	if err != nil {
		return malformedBody(err)
	}
	return x.readLimited(zr)
}

// readLimited reads all of r into the body, or fails on the first byte past maxBody.
func (x *exchange) readLimited(r io.Reader) error {
	x.limit = io.LimitedReader{R: r, N: maxBody + 1}
	n, err := x.body.ReadFrom(&x.limit)
	if n > maxBody {
		return payloadTooLarge()
	}
	if err != nil {
		return malformedBody(err) // broke off, badly framed, or not gzip
	}
	return nil
}
