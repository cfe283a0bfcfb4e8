package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"
)

// maxBody is the length of a request body in bytes, before and after decompression.
const maxBody = 64 << 10

// buffers are reused between requests; a decoded value never points into one.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readBody reads the body, at most maxBody bytes before and after decompression, for the operations that have one.
// Nothing of it was read before: what refuses a request earlier costs the caller's bytes, not ours.
func readBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.ContentLength > maxBody {
			return payloadTooLarge()
		}
		buf := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(buf)
		buf.Reset()
		if err := readLimited(buf, r.Body); err != nil {
			return err
		}
		x := exchangeOf(r.Context())
		x.body = buf.Bytes()
		if isGzip(r.Header, x.body) {
			plain := buffers.Get().(*bytes.Buffer)
			defer buffers.Put(plain)
			plain.Reset()
			if err := gunzip(plain, buf); err != nil {
				return err
			}
			x.body = plain.Bytes()
		}
		return next(c)
	}
}

// isGzip reports whether the body is compressed. Microsoft's Go client labels a plain body gzip on some retries, so the
// label counts only with gzip's magic bytes (RFC 1952 §2.3.1), with which no JSON text begins.
func isGzip(h http.Header, body []byte) bool {
	return len(h.Get("Content-Encoding")) == len("gzip") && bytes.HasPrefix(body, []byte{0x1f, 0x8b})
}

func gunzip(to, from *bytes.Buffer) error {
	zr, err := gzip.NewReader(from)
	if err != nil {
		return malformedBody(err)
	}
	return readLimited(to, zr)
}

// readLimited reads all of r, or fails on the first byte past maxBody.
func readLimited(buf *bytes.Buffer, r io.Reader) error {
	n, err := buf.ReadFrom(io.LimitReader(r, maxBody+1))
	if n > maxBody {
		return payloadTooLarge()
	}
	if err != nil {
		return malformedBody(err) // broke off, badly framed, or not gzip
	}
	return nil
}
