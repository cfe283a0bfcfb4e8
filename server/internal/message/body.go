package message

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
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

// Budget bounds the bytes of many bodies together.
type Budget interface {
	Take(bytes int) bool
	Give(bytes int)
}

// Body is the body of one request. Its zero value is none.
type Body struct {
	// Budget is what the bytes are taken from while they are held; nil for no bound but that of Read.
	Budget Budget

	raw      *bytes.Buffer // as it came
	plain    *bytes.Buffer // raw, or what it decompressed to
	source   io.Reader
	left     int64 // bytes of source that are read
	taken    int   // from Budget
	detached bool
}

// meter reads the source of a body up to its limit, and takes what it reads from the budget.
type meter Body

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, io.EOF
	}
	n, err := m.source.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	if m.Budget == nil || n == 0 {
		return n, err
	}
	if !m.Budget.Take(n) {
		return n, ErrNoRoom
	}
	m.taken += n
	return n, err
}

// Read reads the body of a request, at most limit bytes before and after decompression. Its error is a [*LimitError], or
// wraps [ErrSlow], [ErrNoRoom] or [ErrMalformed]. Release must follow.
func (b *Body) Read(r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return &LimitError{Limit: limit}
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
		return fmt.Errorf("%w: %w", ErrMalformed, err)
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
	if b.plain != b.raw && !b.detached {
		FreeBuffer(b.plain)
	}
	if b.raw != nil && !b.detached {
		FreeBuffer(b.raw)
	}
	if b.taken > 0 {
		b.Budget.Give(b.taken)
	}
	*b = Body{Budget: b.Budget}
}

// isGzip reports whether the body is compressed. Microsoft's Go client labels a plain body gzip on some retries, so the
// label counts only with gzip's magic bytes (RFC 1952 §2.3.1), with which no JSON text begins.
func isGzip(h http.Header, body []byte) bool {
	values := h["Content-Encoding"]
	return len(values) > 0 && len(values[0]) == len("gzip") && bytes.HasPrefix(body, []byte{0x1f, 0x8b})
}

// believed is how much of a body has to be there before room is made for the length that it claims.
const believed = 64 << 10

// fill reads all of r, or fails on the first byte past the limit. length is what r claims to have, -1 if it claims nothing.
func (b *Body) fill(r io.Reader, limit, length int64) error {
	b.source, b.left = r, limit+1
	if length > believed {
		b.left = believed
		if _, err := b.plain.ReadFrom((*meter)(b)); err != nil {
			return unreadable(err)
		}
		b.plain.Grow(int(length) - b.plain.Len() + bytes.MinRead) // else it would take up to twice its length
		b.left = limit + 1 - int64(b.plain.Len())
	}
	_, err := b.plain.ReadFrom((*meter)(b))
	if int64(b.plain.Len()) > limit {
		return &LimitError{Limit: limit}
	}
	if err != nil {
		return unreadable(err)
	}
	return nil
}

// unreadable is the error of a body that stalls, has no room, breaks off, is badly framed, or is not gzip.
func unreadable(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrSlow, err)
	case errors.Is(err, ErrNoRoom):
		return err
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}

// Detach leaves the bytes of the body to whoever has them: Release does not reuse their memory.
func (b *Body) Detach() { b.detached = true }
