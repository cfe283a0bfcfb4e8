package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/conns"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pace"
)

// ServeHTTP forwards a request and its response. If the response breaks off, it panics with [http.ErrAbortHandler] like
// [httputil.ReverseProxy], so that no client takes a part for the whole.
func (c *Client) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := request{Request: r, patience: pace.Context(r)}
	defer m.free()
	err := m.read()
	if m.offered = m.protocols(); m.offered != "" && !c.config.Upgrade {
		err = &Error{Kind: NoUpgrade, Err: errors.New("upgrades are refused")}
	}
	if err == nil {
		err = c.pool.enter(m.patience, m.streamed)
	}
	if err == nil {
		defer c.pool.leave(m.streamed)
		if c.http2 != nil && m.offered == "" { // upgrades exist only in HTTP/1.1 (RFC 9113 §8.6)
			err = c.http2.forward(w, &m)
		} else {
			err = c.forward(w, &m)
		}
	}
	if err != nil {
		c.config.Fail(w, r, err)
	}
}

// request is a request with its body, or with the beginning of a streamed body.
type request struct {
	*http.Request
	patience context.Context // bounds the wait for the upstream
	body     []byte
	streamed bool
	offered  string // the protocols that the connection may switch to
	buffer   *[]byte
}

// small is the largest body, in bytes, that is read before taking a connection. It is sent with the header, so no connection
// waits for a slow client.
const small = 32 << 10

// read reads a small body, or the beginning of a larger one. Of a chunked body it reads the first piece, because the client
// may wait for a response to it.
func (m *request) read() error {
	if whole, ok := m.Body.(Bytes); ok {
		m.body = whole.Bytes()
		return nil
	}
	if m.Body == nil || m.Body == http.NoBody || m.ContentLength == 0 {
		return nil
	}
	m.streamed = m.ContentLength < 0 || m.ContentLength > small
	m.buffer = newBuffer()
	into, least := *m.buffer, 1
	if m.ContentLength > 0 {
		into = into[:min(m.ContentLength, small)]
		least = len(into)
	}
	n, err := io.ReadAtLeast(m.Body, into, least)
	m.body = into[:n]
	if err != nil && (m.ContentLength > 0 || !errors.Is(err, io.EOF)) {
		return unread(err)
	}
	return nil
}

func (m *request) free() {
	if m.buffer != nil {
		freeBuffer(m.buffer)
	}
}

// forward returns an error only if nothing of a response was written.
func (c *Client) forward(w http.ResponseWriter, m *request) error {
	sent := false
	for connect := c.take; ; connect = c.dial { // a retry does not use another old connection
		n, err := connect(m.patience)
		if err == nil {
			var again bool
			if again, err = c.attempt(w, m, n); err == nil {
				return nil
			}
			sent = sent || n.sent > 0
			if again {
				continue
			}
		}
		if sent {
			return unknown(err)
		}
		return unsent(m.patience, err)
	}
}

// attempt sends the request over a connection and forwards the response. If there is no response, it reports whether the
// request may be sent again.
func (c *Client) attempt(w http.ResponseWriter, m *request, n *conn) (again bool, err error) {
	ctx := m.patience
	_ = n.SetDeadline(time.Now().Add(c.config.Timeout)) // using a closed connection reports it
	stop := n.watch(ctx)
	err = c.send(n, w, m)
	head := readHead(n, w, m)
	if head == nil {
		if n.answer.status == http.StatusSwitchingProtocols {
			return false, c.open(w, n)
		}
		return false, c.pass(w, m, n, stop)
	}
	stop()
	n.close() // this ends the sending
	return ctx.Err() == nil && !n.fresh && isAgain(m, n), errors.Join(err, head, bodyError(n.sending))
}

// readHead reads the header of the response, and forwards earlier interim responses.
func readHead(n *conn, w http.ResponseWriter, m *request) error {
	for range 8 {
		if err := n.readHead(m.Method == http.MethodHead); err != nil {
			return err
		}
		h := &n.answer
		if h.status >= 200 || h.status == http.StatusSwitchingProtocols && isOffered(m.offered, h.protocol) {
			return nil
		}
		if h.status == http.StatusSwitchingProtocols {
			break
		}
		// The client's server sends 100 itself when the body is read.
		if h.status != http.StatusContinue && m.ProtoAtLeast(1, 1) {
			h.passInterim(w)
		}
	}
	return fmt.Errorf("%w: too many interim responses, or another protocol", errMalformed)
}

// passInterim forwards an interim response (RFC 9110 §15.2). Its fields do not become those of the response.
func (h *head) passInterim(w http.ResponseWriter) {
	to := w.Header()
	kept := maps.Clone(to)
	clear(to)
	h.copyTo(to, false)
	delete(to, "Content-Type")
	delete(to, "Content-Length")
	w.WriteHeader(h.status)
	clear(to)
	maps.Copy(to, kept)
}

// watch closes the connection when ctx is done, until stop is called. stop reports whether the connection is still open.
func (c *conn) watch(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, c.close)
}

// take returns a free connection.
func (c *Client) take(ctx context.Context) (*conn, error) {
	if n := c.pool.take(time.Now()); n != nil {
		return n, nil
	}
	return c.dial(ctx)
}

// isAgain reports whether a request may be sent again after a reused connection failed before the response, as when the
// upstream closes it at that moment. It may if nothing was sent or if the request is idempotent (RFC 9110 §9.2.2). A
// conditional request is not: the second may fail because the first succeeded.
func isAgain(m *request, n *conn) bool {
	if n.sending != nil || n.in.Buffered() > 0 {
		return false
	}
	switch m.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	case http.MethodPut, http.MethodDelete:
		return n.sent == 0 || !isConditional(m.Header)
	}
	return n.sent == 0
}

func isConditional(h http.Header) bool {
	return len(h["If-Match"]) > 0 || len(h["If-None-Match"]) > 0 || len(h["If-Unmodified-Since"]) > 0
}

// send sends the request, or starts to send it.
func (c *Client) send(n *conn, w http.ResponseWriter, m *request) error {
	if m.streamed {
		return c.stream(n, w, m)
	}
	n.out = append(c.appendHead(n.out[:0], m, int64(len(m.body))), m.body...)
	n.sent, n.unsent = n.Write(n.out)
	n.sending = nil // an upstream may reject a body without reading all of it
	if cap(n.out) > 128<<10 {
		n.out = nil
	}
	return n.unsent
}

// stream sends the header and the beginning of a body. It sends the rest while the response is read, because that may arrive
// earlier.
func (c *Client) stream(n *conn, w http.ResponseWriter, m *request) error {
	// Without full duplex, net/http would wait for the rest of the body before it sends a response. HTTP/2 is always full
	// duplex.
	_ = http.NewResponseController(w).EnableFullDuplex()
	// The response may end before the body: the rest of the body must not reach the next request.
	w.Header()["Connection"] = []string{"close"}
	n.out = c.appendHead(n.out[:0], m, m.ContentLength)
	if m.ContentLength < 0 {
		n.out = appendChunk(n.out, m.body)
	} else {
		n.out = append(n.out, m.body...)
	}
	n.sending = nil
	if n.sent, n.unsent = n.Write(n.out); n.unsent != nil {
		return n.unsent
	}
	// The upstream need not respond before the end of the body, and a slow client is not its fault.
	_ = n.SetReadDeadline(time.Time{})
	sending := make(chan error, 1)
	n.sending = sending
	go func() {
		err := c.copyRequest(n, m.Body, rest(m), m.Trailer)
		sending <- err
		if err != nil {
			n.close() // half a request gets no response
			return
		}
		_ = n.SetReadDeadline(time.Now().Add(c.config.Timeout))
	}()
	return nil
}

func appendChunk(b, data []byte) []byte {
	if len(data) == 0 {
		return b // it would be the last chunk
	}
	b = append(strconv.AppendInt(b, int64(len(data)), 16), "\r\n"...)
	return append(append(b, data...), "\r\n"...)
}

// rest returns how much of the body is unread, or -1 if its length is unknown.
func rest(m *request) int64 {
	if m.ContentLength < 0 {
		return -1
	}
	return m.ContentLength - int64(len(m.body))
}

// bodyError returns the error of sending a body, if that has ended.
func bodyError(sending chan error) error {
	select {
	case err := <-sending:
		return err
	default:
		return nil // the client is slow: its server's deadline ends the sending
	}
}

// copyRequest sends the rest of a body: left bytes, or chunks and trailers if left is negative. Each piece has its own
// deadline.
func (c *Client) copyRequest(n *conn, body io.Reader, left int64, trailers http.Header) error {
	buf := newBuffer()
	defer freeBuffer(buf)
	to := &punctual{n, c.config.Timeout}
	if left >= 0 {
		copied, err := io.CopyBuffer(to, io.LimitReader(body, left), *buf)
		if err == nil && copied < left {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	w := httputil.NewChunkedWriter(to)
	if _, err := io.CopyBuffer(writerOnly{w}, body, *buf); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err := to.Write(append(appendTrailers(nil, trailers), "\r\n"...))
	return err
}

// punctual gives each write its own deadline.
type punctual struct {
	conn    *conn
	timeout time.Duration
}

func (p *punctual) Write(b []byte) (int, error) {
	_ = p.conn.SetWriteDeadline(time.Now().Add(p.timeout))
	return p.conn.Write(b)
}

// writerOnly makes io.CopyBuffer use its buffer.
type writerOnly struct{ io.Writer }

var buffers = sync.Pool{New: func() any { b := make([]byte, small); return &b }}

func newBuffer() *[]byte { return buffers.Get().(*[]byte) }

func freeBuffer(b *[]byte) { buffers.Put(b) }

// pass forwards the response, and keeps the connection if it can be reused.
func (c *Client) pass(w http.ResponseWriter, m *request, n *conn, stop func() bool) error {
	h := &n.answer
	h.copyTo(w.Header(), m.Method == http.MethodHead)
	c.readdress(w.Header(), m.Request)
	w.WriteHeader(h.status)
	err := c.copyBody(w, m, n)
	if len(h.trailers) > 0 {
		_ = http.NewResponseController(w).Flush() // otherwise net/http gives a short body a length, which leaves no place for trailers
		h.copyTrailersTo(w.Header())
	}
	if stop() && err == nil && n.isDone() {
		c.pool.put(n)
		return nil
	}
	n.close()
	if err != nil {
		c.config.Fail(w, m.Request, begun(err))
		panic(http.ErrAbortHandler)
	}
	return nil
}

// isDone reports whether the request was sent, its response read, and the connection can be reused.
func (c *conn) isDone() bool {
	if c.sending != nil {
		select {
		case c.unsent = <-c.sending:
		default:
			return false
		}
	}
	return c.unsent == nil && !c.answer.closes && c.in.Buffered() == 0
}

// copyBody copies the body of a response piece by piece, with a deadline for each.
func (c *Client) copyBody(w http.ResponseWriter, m *request, n *conn) error {
	left := n.answer.length
	if left == 0 {
		return nil
	}
	controller := http.NewResponseController(w)
	if left < 0 || int64(n.in.Buffered()) < left {
		defer n.follow(controller)()
		if n.answer.stream {
			defer c.beginStream(controller, m, n)()
		}
	}
	buf := newBuffer()
	defer freeBuffer(buf)
	for body := n.body(); ; {
		read, err := body.Read(*buf)
		if read > 0 {
			if _, err := n.write(w, (*buf)[:read]); err != nil {
				return &Error{Kind: Gone, Err: fmt.Errorf("writing the response: %w", err)}
			}
		}
		if left -= int64(read); left == 0 || errors.Is(err, io.EOF) {
			return nil // exactly never ends early, and left is never 0 otherwise
		}
		if err != nil {
			return fmt.Errorf("reading the response: %w", err)
		}
		// There is more than one piece. Buffered bytes do not mean that the next piece is complete.
		c.extend(controller, m, n)
		if m.patience.Err() != nil {
			return &Error{Kind: Gone, Err: m.patience.Err()}
		}
	}
}

// extend sets the deadline for the next piece of a response.
func (c *Client) extend(controller *http.ResponseController, m *request, n *conn) {
	now := time.Now()
	last := now.Add(c.config.Timeout)
	if n.answer.stream {
		last = now.Add(c.config.StreamTimeout)
		n.longer = func() bool { return c.wait(m, n, last) }
	}
	_ = n.SetDeadline(c.nextDeadline(now, last))
	_ = controller.SetWriteDeadline(c.writeDeadline(last)) // if this fails, the server's own deadline applies
}

// nextDeadline returns when to look again whether the client of a stream is there, at the latest at last.
func (c *Client) nextDeadline(now, last time.Time) time.Time {
	if next := now.Add(c.config.Timeout); next.Before(last) {
		return next
	}
	return last
}

// wait extends the deadline for the next piece of a stream, but not beyond last and not for a client that seems to have left.
func (c *Client) wait(m *request, n *conn, last time.Time) bool {
	now := time.Now()
	if !now.Before(last) || conns.Left(m.Context()) {
		return false
	}
	return n.SetDeadline(c.nextDeadline(now, last)) == nil
}

// minWriteTime is the least time that a client has for a piece of a response, however short the timeout is.
const minWriteTime = 15 * time.Second

// writeDeadline returns the client's deadline for a piece that the upstream must send by a deadline. The client gets longer,
// because the upstream's timeout may lead to another response.
func (c *Client) writeDeadline(piece time.Time) time.Time {
	return piece.Add(max(c.config.Timeout, minWriteTime))
}

// beginStream sets the deadline for a stream's first message.
func (c *Client) beginStream(controller *http.ResponseController, m *request, n *conn) (end func()) {
	if !m.streamed {
		_ = controller.SetReadDeadline(time.Time{}) // net/http takes the end of ReadTimeout for a client that left
	}
	c.extend(controller, m, n)
	remove := c.endless.add(n)
	return func() {
		n.longer = nil
		remove()
	}
}
