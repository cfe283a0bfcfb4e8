// Package pace limits the bodies of requests by their progress, not by their total time:
//
//	server.Handler = pace.Handler(pace.Config{Piece: 10 * time.Second, Rate: 1 << 10, Response: 15 * time.Second}, next)
//
// The deadlines of [http.Server] apply to whole requests: a steady upload over a slow line ends at ReadTimeout, and its
// response at WriteTimeout. Here each piece extends both deadlines. A body below the rate fails with
// [os.ErrDeadlineExceeded].
package pace

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// Config says how fast a body must arrive. All fields are required.
type Config struct {
	// Piece is the longest time for each piece. For the first one, the server's ReadTimeout applies.
	Piece time.Duration
	// Rate is the lowest average rate in bytes per second, after the first Piece.
	Rate int64
	// Response is the longest time from a piece to the end of the response, as in the server's WriteTimeout.
	Response time.Duration
}

// Handler returns a handler that gives next bodies with moving deadlines. It passes a copy of the request, because net/http
// reads the body of the original when a response is sent. It does not wait for a body that the client sends only after 100
// (RFC 9110 §10.1.1).
func Handler(c Config, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		b := &body{ReadCloser: r.Body, config: &c, writer: w}
		defer b.end()
		paced := new(http.Request)
		*paced = *r
		paced.Body = b
		next.ServeHTTP(w, paced)
	})
}

type body struct {
	io.ReadCloser
	config *Config
	read   int64 // only one goroutine reads

	mu         sync.Mutex
	writer     http.ResponseWriter      // nil once the handler has returned
	controller *http.ResponseController // of writer; nil before the second piece
	start      time.Time                // of the second piece
}

func (b *body) Read(p []byte) (int, error) {
	if !b.extend() {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	return n, err
}

// extend moves the deadlines for another piece, and reports whether the handler still runs.
func (b *body) extend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.writer == nil {
		return false
	}
	if b.read == 0 { // most bodies have one piece
		return true
	}
	now := time.Now()
	if b.controller == nil {
		b.controller, b.start = http.NewResponseController(b.writer), now
	}
	deadline := now.Add(b.config.Piece)
	slowest := b.start.Add(b.config.Piece + time.Duration(b.read/b.config.Rate)*time.Second)
	if slowest.Before(deadline) {
		deadline = slowest
	}
	// If a deadline cannot be set, the server's own applies.
	_ = b.controller.SetReadDeadline(deadline)
	_ = b.controller.SetWriteDeadline(deadline.Add(b.config.Response))
	return true
}

// end prevents use of the writer after its handler has returned: for HTTP/2, net/http would panic.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writer, b.controller = nil, nil
}
