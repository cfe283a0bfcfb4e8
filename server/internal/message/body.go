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

// buffers are reused between requests; no decoded value refers to one.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// NewBuffer returns an empty buffer. The caller returns it with [FreeBuffer].
func NewBuffer() *bytes.Buffer {
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	return buf
}

// FreeBuffer returns a buffer for reuse. The caller must not use it afterwards.
func FreeBuffer(buf *bytes.Buffer) { buffers.Put(buf) }

// Budget bounds the total bytes of many bodies.
type Budget interface {
	Take(bytes int) bool
	Give(bytes int)
}

// Body is the body of one request. The zero value is empty.
type Body struct {
	// Budget supplies the bytes while they are held; nil means that only Read's limit applies.
	Budget Budget

	raw      *bytes.Buffer // as received
	plain    *bytes.Buffer // raw, or its decompressed content
	source   io.Reader
	left     int64 // bytes of source that may still be read
	taken    int   // from Budget
	detached bool
}

// meter reads the source of a body up to its limit, and charges the budget.
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
// wraps [ErrSlow], [ErrNoRoom] or [ErrMalformed]. The caller must call Release.
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

// Bytes returns the decompressed body, valid until Release.
func (b *Body) Bytes() []byte { return b.plain.Bytes() }

// Raw returns the bytes received so far, valid until Release. If Read succeeded, that is the whole body.
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
// label counts only with gzip's magic bytes (RFC 1952 §2.3.1), which no JSON text starts with.
func isGzip(h http.Header, body []byte) bool {
	values := h["Content-Encoding"]
	return len(values) > 0 && len(values[0]) == len("gzip") && bytes.HasPrefix(body, []byte{0x1f, 0x8b})
}

// believed is how much of a body must arrive before memory is allocated for its declared length.
const believed = 64 << 10

// fill reads all of r, or fails on the first byte beyond the limit. length is the declared length, or -1.
func (b *Body) fill(r io.Reader, limit, length int64) error {
	b.source, b.left = r, limit+1
	if length > believed {
		b.left = believed
		if _, err := b.plain.ReadFrom((*meter)(b)); err != nil {
			return unreadable(err)
		}
		b.plain.Grow(int(length) - b.plain.Len() + bytes.MinRead) // otherwise it takes up to twice its length
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

// unreadable returns the error of a body that stalls, exceeds the budget, breaks off, is badly framed, or is not gzip.
func unreadable(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrSlow, err)
	case errors.Is(err, ErrNoRoom):
		return err
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}

// Detach keeps the bytes of the body valid: Release does not reuse their memory.
func (b *Body) Detach() { b.detached = true }
