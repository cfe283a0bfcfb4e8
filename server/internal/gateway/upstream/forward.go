package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

// ServeHTTP forwards a request and its answer. An answer that breaks off ends in the panic of [http.ErrAbortHandler], as
// with [httputil.ReverseProxy], so that nobody takes half of it for the whole.
func (c *Client) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := message{Request: r}
	defer m.free()
	err := m.readSmall()
	if err == nil {
		err = c.pool.enter(r.Context())
	}
	if err == nil {
		defer c.pool.leave()
		err = c.forward(w, &m)
	}
	if err != nil {
		c.config.Fail(w, r, err)
	}
}

// message is a request with its body: all of it, or none if it is streamed.
type message struct {
	*http.Request
	body     []byte
	streamed bool
	pace     *paced // of a body that is being streamed
	buffer   *[]byte
}

// small is the length of a body up to which it is read before a connection is taken, so that it is sent with the head and
// no connection waits for a slow caller.
const small = 32 << 10

func (m *message) readSmall() error {
	if whole, ok := m.Body.(Bytes); ok {
		m.body = whole.Bytes()
		return nil
	}
	if m.Body == nil || m.Body == http.NoBody || m.ContentLength == 0 {
		return nil
	}
	if m.streamed = m.ContentLength < 0 || m.ContentLength > small; m.streamed {
		return nil
	}
	m.buffer = newBuffer()
	m.body = (*m.buffer)[:m.ContentLength]
	if _, err := io.ReadFull(m.Body, m.body); err != nil {
		return &Error{Kind: Gone, Err: fmt.Errorf("reading the request: %w", err)}
	}
	return nil
}

func (m *message) free() {
	if m.pace != nil {
		m.pace.end()
	}
	if m.buffer != nil {
		freeBuffer(m.buffer)
	}
}

// forward returns an error if nothing of an answer was written.
func (c *Client) forward(w http.ResponseWriter, m *message) error {
	ctx, now := m.Context(), time.Now()
	for {
		n, err := c.connection(ctx, now)
		if err != nil {
			return &Error{Kind: kindOf(ctx, err), Err: err}
		}
		_ = n.SetDeadline(now.Add(c.config.Timeout)) // a closed connection says so when it is used
		// A caller who leaves ends the wait for the upstream.
		stop := context.AfterFunc(ctx, func() { _ = n.SetDeadline(time.Unix(1, 0)) })
		written, err := c.send(n, w, m)
		if head := n.readHead(m.Method == http.MethodHead); head == nil {
			return c.pass(w, m, n, stop)
		} else if err = errors.Join(err, head); n.sending != nil {
			n.close() // which ends the sending
			err = errors.Join(err, bodyError(n.sending))
		}
		stop()
		n.close()
		if kind := kindOf(ctx, err); kind != Broken || n.fresh || !isAgain(m, n, written) {
			return &Error{Kind: kind, Err: err}
		}
	}
}

// connection returns a connection that nobody else uses.
func (c *Client) connection(ctx context.Context, now time.Time) (*conn, error) {
	if n := c.pool.take(now); n != nil {
		return n, nil
	}
	return c.dial(ctx)
}

// isAgain reports whether a request may be sent once more, after a connection that was used before has failed, as it does
// when the upstream closes it at that moment: nothing of the request was written, or it is one that changes nothing
// (RFC 9110 §9.2.2 would allow more, but a DELETE that is repeated can be told that there is nothing to delete).
func isAgain(m *message, n *conn, written int) bool {
	if n.sending != nil || n.in.Buffered() > 0 {
		return false
	}
	return written == 0 || m.Method == http.MethodGet || m.Method == http.MethodHead
}

// send sends the request, or begins to, and returns how many bytes were written so far.
func (c *Client) send(n *conn, w http.ResponseWriter, m *message) (int, error) {
	if m.streamed {
		return c.stream(n, w, m)
	}
	n.out = append(c.appendHead(n.out[:0], m.Request, int64(len(m.body))), m.body...)
	written, err := n.Write(n.out)
	n.sent, n.sending = err, nil // an upstream may refuse a body without reading all of it
	if cap(n.out) > 128<<10 {
		n.out = nil
	}
	return written, err
}

// stream sends a body that comes in pieces. The answer may come before its end.
func (c *Client) stream(n *conn, w http.ResponseWriter, m *message) (int, error) {
	controller := http.NewResponseController(w)
	// Without full duplex net/http would wait for the rest of the body before it sends an answer. HTTP/2 is always so.
	_ = controller.EnableFullDuplex()
	// The answer may be over before the body is: what is left of it must not meet the next request.
	w.Header()["Connection"] = []string{"close"}
	n.out = c.appendHead(n.out[:0], m.Request, m.ContentLength)
	n.sending = make(chan error, 1)
	written, err := n.Write(n.out)
	if err != nil {
		n.sending <- nil
		return written, err
	}
	m.pace = &paced{Reader: m.Body, controller: controller, timeout: c.config.Timeout}
	go func() {
		err := copyRequest(n, m.pace, m.ContentLength)
		if err != nil {
			n.close() // no answer comes to half of a request
		}
		n.sending <- err
	}()
	return written, nil
}

// bodyError returns the error that ended the sending of a body, if it is over.
func bodyError(sending chan error) error {
	select {
	case err := <-sending:
		return err
	default:
		return nil // the caller is slow: net/http's own deadline ends the sending
	}
}

// paced reads a request's body, and gives each piece of it a deadline of its own.
type paced struct {
	io.Reader
	timeout    time.Duration
	mu         sync.Mutex
	controller *http.ResponseController // nil when the request is over
}

func (p *paced) Read(b []byte) (int, error) {
	if !p.extend() {
		return 0, http.ErrBodyReadAfterClose
	}
	return p.Reader.Read(b)
}

// extend gives the next piece a deadline, and reports whether anybody still wants it.
func (p *paced) extend() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.controller == nil {
		return false
	}
	_ = p.controller.SetReadDeadline(time.Now().Add(p.timeout)) // one that cannot be set is the server's own
	return true
}

// end keeps the writer from being used when its handler has returned: net/http panics then, for HTTP/2, and there is
// nobody to recover.
func (p *paced) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.controller = nil
}

func copyRequest(n *conn, body io.Reader, length int64) error {
	buf := newBuffer()
	defer freeBuffer(buf)
	if length > 0 {
		copied, err := io.CopyBuffer(writerOnly{n}, io.LimitReader(body, length), *buf)
		if err == nil && copied < length {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	w := httputil.NewChunkedWriter(n)
	if _, err := io.CopyBuffer(writerOnly{w}, body, *buf); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(n, "\r\n")
	return err
}

// writerOnly keeps io.CopyBuffer from other ways than the buffer.
type writerOnly struct{ io.Writer }

var buffers = sync.Pool{New: func() any { b := make([]byte, small); return &b }}

func newBuffer() *[]byte { return buffers.Get().(*[]byte) }

func freeBuffer(b *[]byte) { buffers.Put(b) }

// pass passes the answer on, and keeps the connection if nothing is left on it.
func (c *Client) pass(w http.ResponseWriter, m *message, n *conn, stop func() bool) error {
	h := &n.answer
	h.copyTo(w.Header(), m.Method == http.MethodHead)
	c.readdress(w.Header(), m.Request)
	w.WriteHeader(h.status)
	err := c.copyBody(m.Context(), w, n)
	if stop() && err == nil && n.isDone() {
		c.pool.put(n)
		return nil
	}
	n.close()
	if err != nil {
		c.config.Fail(w, m.Request, &Error{Kind: kindOf(m.Context(), err), Begun: true, Err: err})
		panic(http.ErrAbortHandler)
	}
	return nil
}

// isDone reports whether the request was sent, its answer was read, and the connection is good for another.
func (c *conn) isDone() bool {
	if c.sending != nil {
		select {
		case c.sent = <-c.sending:
		default:
			return false
		}
	}
	return c.sent == nil && !c.answer.closes && c.in.Buffered() == 0
}

// copyBody copies the body of an answer, piece by piece, with a deadline for each.
func (c *Client) copyBody(ctx context.Context, w http.ResponseWriter, n *conn) error {
	left := n.answer.length
	if left == 0 {
		return nil
	}
	controller := http.NewResponseController(w)
	buf := newBuffer()
	defer freeBuffer(buf)
	for body := n.body(); ; {
		read, err := body.Read(*buf)
		if read > 0 {
			if _, err := w.Write((*buf)[:read]); err != nil {
				return fmt.Errorf("writing the answer: %w", err)
			}
		}
		if left -= int64(read); left == 0 || errors.Is(err, io.EOF) {
			return nil // exactly never ends early, and left is never 0 for the others
		}
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		// There is more than one piece. That something is left in the buffer does not mean that the next is all there.
		deadline := time.Now().Add(c.config.Timeout)
		_ = n.SetDeadline(deadline)
		// The caller gets longer: the upstream's time may end in an answer of another's.
		_ = controller.SetWriteDeadline(deadline.Add(c.config.Timeout)) // one that cannot be set is the server's own
		if ctx.Err() != nil {
			return fmt.Errorf("writing the answer: %w", ctx.Err()) // whose deadline may just have been replaced
		}
	}
}
