// Package pace bounds the bodies of requests by how they move, not by how long they take:
//
//	server.Handler = pace.Handler(pace.Config{Piece: 10 * time.Second, Rate: 1 << 10, Response: 15 * time.Second}, next)
//
// A [http.Server] has deadlines for whole requests: a steady upload over a slow line ends at ReadTimeout, and its response
// at WriteTimeout. Here each piece moves both deadlines. A body below the rate fails with [os.ErrDeadlineExceeded].
package pace

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// Config says how a body has to move. All fields are required.
type Config struct {
	// Piece is how long each piece may take. The first one has the server's ReadTimeout.
	Piece time.Duration
	// Rate is how many bytes a second the body has to bring on average, after the first Piece.
	Rate int64
	// Response is how long the response may take from a piece on, as the server's WriteTimeout.
	Response time.Duration
}

// Handler returns a handler that gives next bodies with moving deadlines. It gives them in a copy of the request: net/http looks
// at the body of its own when a response is sent, and does not wait for one that the client sends only if told to (RFC 9110
// §10.1.1).
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
	read   int64 // one goroutine reads

	mu         sync.Mutex
	writer     http.ResponseWriter      // nil when the handler has returned
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
	// A deadline that cannot be set is the server's own.
	_ = b.controller.SetReadDeadline(deadline)
	_ = b.controller.SetWriteDeadline(deadline.Add(b.config.Response))
	return true
}

// end keeps the writer from being used when its handler has returned: net/http panics then, for HTTP/2.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writer, b.controller = nil, nil
}
