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

	"github.com/pfxrecryption/pfxrecryption/server/internal/pace"
)

// ServeHTTP forwards a request and its answer. An answer that breaks off ends in the panic of [http.ErrAbortHandler], as
// with [httputil.ReverseProxy], so that nobody takes half of it for the whole.
func (c *Client) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := message{Request: r, patience: pace.Context(r)}
	defer m.free()
	err := m.read()
	if m.offered = m.protocols(); m.offered != "" && !c.config.Upgrade {
		err = &Error{Kind: NoUpgrade, Err: errors.New("upgrades are refused")}
	}
	if err == nil {
		err = c.pool.enter(m.patience)
	}
	if err == nil {
		defer c.pool.leave()
		err = c.forward(w, &m)
	}
	if err != nil {
		c.config.Fail(w, r, err)
	}
}

// message is a request with its body, or with the beginning of it if the rest is streamed.
type message struct {
	*http.Request
	patience context.Context // bounds the wait for the upstream
	body     []byte
	streamed bool
	offered  string // the protocols that the connection may change to
	buffer   *[]byte
}

// small is the length of a body up to which it is read before a connection is taken, so that it is sent with the head and
// no connection waits for a slow caller.
const small = 32 << 10

// read reads a small body, or the beginning of a larger one: small bytes of one with a length, the first piece of one in
// chunks, whose caller may wait for a response to it.
func (m *message) read() error {
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

func (m *message) free() {
	if m.buffer != nil {
		freeBuffer(m.buffer)
	}
}

// forward returns an error if nothing of an answer was written.
func (c *Client) forward(w http.ResponseWriter, m *message) error {
	ctx, now := m.patience, time.Now()
	for {
		n, err := c.connection(ctx, now)
		if err != nil {
			return unsent(ctx, err)
		}
		_ = n.SetDeadline(now.Add(c.config.Timeout)) // a closed connection says so when it is used
		stop := n.watch(ctx)
		written, err := c.send(n, w, m)
		if head := readHead(n, w, m); head == nil {
			if n.answer.status == http.StatusSwitchingProtocols {
				return c.open(w, m, n)
			}
			return c.pass(w, m, n, stop)
		} else if err = errors.Join(err, head); n.sending != nil {
			n.close() // which ends the sending
			err = errors.Join(err, bodyError(n.sending))
		}
		stop()
		n.close()
		switch {
		case ctx.Err() == nil && !n.fresh && isAgain(m, n, written):
		case written == 0:
			return unsent(ctx, err)
		default:
			return unknown(err)
		}
	}
}

// readHead reads the head of the response, and passes on the interim ones before it.
func readHead(n *conn, w http.ResponseWriter, m *message) error {
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
		// The server of the caller says 100 itself, when the body is read.
		if h.status != http.StatusContinue && m.ProtoAtLeast(1, 1) {
			h.passInterim(w)
		}
	}
	return fmt.Errorf("%w: interim answers without end, or another protocol", errMalformed)
}

// passInterim passes on an interim response (RFC 9110 §15.2). Its fields are not those of the response.
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

// watch closes the connection when ctx is done, until stop is called, which reports whether it was not.
func (c *conn) watch(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, c.close)
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
	n.out = append(c.appendHead(n.out[:0], m, int64(len(m.body))), m.body...)
	written, err := n.Write(n.out)
	n.sent, n.sending = err, nil // an upstream may refuse a body without reading all of it
	if cap(n.out) > 128<<10 {
		n.out = nil
	}
	return written, err
}

// stream sends the head and the beginning of a body, and goes on with the rest while the response is read, which may come
// before the end of the body.
func (c *Client) stream(n *conn, w http.ResponseWriter, m *message) (int, error) {
	// Without full duplex net/http would wait for the rest of the body before it sends an answer. HTTP/2 is always so.
	_ = http.NewResponseController(w).EnableFullDuplex()
	// The answer may be over before the body is: what is left of it must not meet the next request.
	w.Header()["Connection"] = []string{"close"}
	n.out = c.appendHead(n.out[:0], m, m.ContentLength)
	if m.ContentLength < 0 {
		n.out = appendChunk(n.out, m.body)
	} else {
		n.out = append(n.out, m.body...)
	}
	n.sent, n.sending = nil, nil
	written, err := n.Write(n.out)
	if err != nil {
		n.sent = err
		return written, err
	}
	// The upstream has nothing to answer before the end of the body, and the caller's pace is not its fault.
	_ = n.SetReadDeadline(time.Time{})
	sending := make(chan error, 1)
	n.sending = sending
	go func() {
		err := c.copyRequest(n, m.Body, rest(m), m.Trailer)
		sending <- err
		if err != nil {
			n.close() // no answer comes to half of a request
			return
		}
		_ = n.SetReadDeadline(time.Now().Add(c.config.Timeout))
	}()
	return written, nil
}

func appendChunk(b, data []byte) []byte {
	if len(data) == 0 {
		return b // it would be the last one
	}
	b = append(strconv.AppendInt(b, int64(len(data)), 16), "\r\n"...)
	return append(append(b, data...), "\r\n"...)
}

// rest returns the length of what was not read of the body, -1 if it has none.
func rest(m *message) int64 {
	if m.ContentLength < 0 {
		return -1
	}
	return m.ContentLength - int64(len(m.body))
}

// bodyError returns the error that ended the sending of a body, if it is over.
func bodyError(sending chan error) error {
	select {
	case err := <-sending:
		return err
	default:
		return nil // the caller is slow: its server's deadline ends the sending
	}
}

// copyRequest sends the rest of a body: left bytes, or chunks and trailers if left is negative. Each piece has a deadline of its own.
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

// punctual gives each write a deadline of its own.
type punctual struct {
	conn    *conn
	timeout time.Duration
}

func (p *punctual) Write(b []byte) (int, error) {
	_ = p.conn.SetWriteDeadline(time.Now().Add(p.timeout))
	return p.conn.Write(b)
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
	err := c.copyBody(w, m, n)
	if len(h.trailers) > 0 {
		_ = http.NewResponseController(w).Flush() // else net/http gives a short body a length, and no place for trailers
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
func (c *Client) copyBody(w http.ResponseWriter, m *message, n *conn) error {
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
				return &Error{Kind: Gone, Err: fmt.Errorf("writing the answer: %w", err)}
			}
		}
		if left -= int64(read); left == 0 || errors.Is(err, io.EOF) {
			return nil // exactly never ends early, and left is never 0 for the others
		}
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		// There is more than one piece. That something is left in the buffer does not mean that the next is all there.
		c.extend(controller, m, n)
		if m.patience.Err() != nil {
			return &Error{Kind: Gone, Err: m.patience.Err()}
		}
	}
}

// extend gives the next piece of an answer a deadline.
func (c *Client) extend(controller *http.ResponseController, m *message, n *conn) {
	timeout := c.config.Timeout
	if n.answer.stream && m.Context().Err() == nil {
		timeout = c.config.StreamTimeout
	}
	deadline := time.Now().Add(timeout)
	_ = n.SetDeadline(deadline)
	// The caller gets longer: the upstream's time may end in an answer of another's.
	_ = controller.SetWriteDeadline(deadline.Add(c.config.Timeout)) // one that cannot be set is the server's own
}

// beginStream gives the first message of a stream its time, and takes it away when the caller seems to have left, until
// the function that it returns is called.
func (c *Client) beginStream(controller *http.ResponseController, m *message, n *conn) func() bool {
	if !m.streamed {
		_ = controller.SetReadDeadline(time.Time{}) // net/http takes the end of ReadTimeout for the caller's leaving
	}
	c.extend(controller, m, n)
	return context.AfterFunc(m.Context(), func() { _ = n.SetReadDeadline(time.Now().Add(c.config.Timeout)) })
}
