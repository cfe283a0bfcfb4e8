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
	err := c.pool.enter(r.Context())
	if err == nil {
		defer c.pool.leave()
		err = c.forward(w, r)
	}
	if err != nil {
		c.config.Fail(w, r, err)
	}
}

// forward returns an error if nothing of an answer was written.
func (c *Client) forward(w http.ResponseWriter, r *http.Request) error {
	ctx, now := r.Context(), time.Now()
	for {
		n, err := c.connection(ctx, now)
		if err != nil {
			return &Error{kindOf(ctx, err), err}
		}
		_ = n.SetDeadline(now.Add(c.config.Timeout)) // a closed connection says so when it is used
		// A caller who leaves ends the wait for the upstream.
		stop := context.AfterFunc(ctx, func() { _ = n.SetDeadline(time.Unix(1, 0)) })
		written, err := c.send(n, w, r)
		if head := n.readHead(r.Method == http.MethodHead); head == nil {
			return c.pass(w, r, n, stop)
		} else if err = errors.Join(err, head); n.sending != nil {
			n.close() // which ends the sending
			err = errors.Join(err, bodyError(n.sending))
		}
		stop()
		n.close()
		if kind := kindOf(ctx, err); kind != Broken || n.fresh || !isAgain(r, n, written) {
			return &Error{kind, err}
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
func isAgain(r *http.Request, n *conn, written int) bool {
	if n.sending != nil || n.in.Buffered() > 0 {
		return false
	}
	return written == 0 || r.Method == http.MethodGet || r.Method == http.MethodHead
}

// send sends the request, or begins to, and returns how many bytes were written so far.
func (c *Client) send(n *conn, w http.ResponseWriter, r *http.Request) (int, error) {
	body, whole := r.Body.(Bytes)
	if !whole && r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0 {
		return c.stream(n, w, r)
	}
	var data []byte
	if whole {
		data = body.Bytes()
	}
	n.out = append(c.appendHead(n.out[:0], r, int64(len(data))), data...)
	written, err := n.Write(n.out)
	n.sent, n.sending = err, nil // an upstream may refuse a body without reading all of it
	if cap(n.out) > 128<<10 {
		n.out = nil
	}
	return written, err
}

// stream sends a body that comes in pieces. The answer may come before its end.
func (c *Client) stream(n *conn, w http.ResponseWriter, r *http.Request) (int, error) {
	// Without full duplex net/http would wait for the rest of the body before it sends an answer. HTTP/2 is always so.
	_ = http.NewResponseController(w).EnableFullDuplex()
	n.out = c.appendHead(n.out[:0], r, r.ContentLength)
	n.sending = make(chan error, 1)
	written, err := n.Write(n.out)
	if err != nil {
		n.sending <- nil
		return written, err
	}
	go func() {
		err := copyRequest(n, r)
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

func copyRequest(n *conn, r *http.Request) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	if r.ContentLength > 0 {
		copied, err := io.CopyBuffer(writerOnly{n}, io.LimitReader(r.Body, r.ContentLength), *buf)
		if err == nil && copied < r.ContentLength {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	w := httputil.NewChunkedWriter(n)
	if _, err := io.CopyBuffer(writerOnly{w}, r.Body, *buf); err != nil {
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

var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// pass passes the answer on, and keeps the connection if nothing is left on it.
func (c *Client) pass(w http.ResponseWriter, r *http.Request, n *conn, stop func() bool) error {
	h := &n.answer
	h.copyTo(w.Header(), r.Method == http.MethodHead)
	w.WriteHeader(h.status)
	err := c.copyBody(w, n)
	if stop() && err == nil && n.isDone() {
		c.pool.put(n)
		return nil
	}
	n.close()
	if err != nil {
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
func (c *Client) copyBody(w http.ResponseWriter, n *conn) error {
	left := n.answer.length
	if left == 0 {
		return nil
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
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
		if n.in.Buffered() == 0 {
			_ = n.SetDeadline(time.Now().Add(c.config.Timeout))
		}
	}
}
