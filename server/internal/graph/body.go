package graph

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
)

// buffers are reused between requests; a decoded value never points into one.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// NewBuffer returns an empty buffer. The caller gives it back with [FreeBuffer].
func NewBuffer() *bytes.Buffer {
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	return buf
}

// FreeBuffer takes a buffer back that nobody reads any more.
func FreeBuffer(buf *bytes.Buffer) { buffers.Put(buf) }

// Body is the body of one request. Its zero value is none.
type Body struct {
	raw   *bytes.Buffer // as it came
	plain *bytes.Buffer // raw, or what it decompressed to
	limit io.LimitedReader
}

// Read reads the body of a request, at most limit bytes before and after decompression, or returns a [*Problem].
// Release must follow.
func (b *Body) Read(r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return PayloadTooLarge(limit)
	}
	b.raw = NewBuffer()
	b.plain = b.raw
	if err := b.fill(r.Body, limit, r.ContentLength); err != nil {
		return err
	}
	if !isGzip(r.Header, b.raw.Bytes()) {
		return nil
	}
	zr, err := gzip.NewReader(bytes.NewReader(b.raw.Bytes()))
	if err != nil {
		return MalformedBody(err)
	}
	b.plain = NewBuffer()
	return b.fill(zr, limit, -1)
}

// Bytes returns the decompressed body, until Release.
func (b *Body) Bytes() []byte { return b.plain.Bytes() }

// Raw returns what was read of the body as it came, until Release: all of it, if Read did not fail.
func (b *Body) Raw() []byte {
	if b.raw == nil {
		return nil
	}
	return b.raw.Bytes()
}

// Release frees the body.
func (b *Body) Release() {
	if b.plain != b.raw {
		FreeBuffer(b.plain)
	}
	if b.raw != nil {
		FreeBuffer(b.raw)
	}
	b.raw, b.plain = nil, nil
}

// isGzip reports whether the body is compressed. Microsoft's Go client labels a plain body gzip on some retries, so the
// label counts only with gzip's magic bytes (RFC 1952 §2.3.1), with which no JSON text begins.
func isGzip(h http.Header, body []byte) bool {
	return len(first(h["Content-Encoding"])) == len("gzip") && bytes.HasPrefix(body, []byte{0x1f, 0x8b})
}

// believed is how much of a body has to be there before room is made for the length that it claims.
const believed = 64 << 10

// fill reads all of r, or fails on the first byte past the limit. length is what r claims to have, -1 if it claims nothing.
func (b *Body) fill(r io.Reader, limit, length int64) error {
	b.limit = io.LimitedReader{R: r, N: limit + 1}
	if length > believed {
		b.limit.N = believed
		if _, err := b.plain.ReadFrom(&b.limit); err != nil {
			return unreadable(err)
		}
		b.plain.Grow(int(length) - b.plain.Len() + bytes.MinRead) // else it would take up to twice its length
		b.limit.N = limit + 1 - int64(b.plain.Len())
	}
	_, err := b.plain.ReadFrom(&b.limit)
	if int64(b.plain.Len()) > limit {
		return PayloadTooLarge(limit)
	}
	if err != nil {
		return unreadable(err)
	}
	return nil
}

// unreadable is the problem of a body that stalls, breaks off, is badly framed, or is not gzip.
func unreadable(err error) *Problem {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return SlowBody(err)
	}
	return MalformedBody(err)
}
