package upstream

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/stream"
)

// protocols returns what a request wants to change to, as its Upgrade field has it, "" for nothing (RFC 9110 §7.8). A
// change to HTTP/2 or TLS concerns this connection only, and is ignored.
func (m *message) protocols() string {
	if m.ProtoMajor != 1 || m.ProtoMinor < 1 || len(m.Header["Upgrade"]) == 0 || m.streamed || !isNamed(m.Header["Connection"], "Upgrade") {
		return ""
	}
	return stream.Protocols(m.Header["Upgrade"])
}

// tunnel joins the connections of the caller and of the upstream. After a change of protocol their bytes are nobody else's.
type tunnel struct {
	caller   net.Conn
	upstream *conn
	silence  *time.Timer // closes both
	timeout  time.Duration
}

// open answers 101 to the caller and passes the bytes of both sides until one ends.
func (c *Client) open(w http.ResponseWriter, m *message, n *conn) error {
	defer n.close()
	h := &n.answer
	h.copyTo(w.Header(), false)
	delete(w.Header(), "Content-Type")
	caller, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return unknown(fmt.Errorf("taking over the caller's connection: %w", err))
	}
	t := &tunnel{caller: caller, upstream: n, timeout: c.config.StreamTimeout}
	if !c.tunnels.add(t) {
		t.close()
		return nil
	}
	defer c.tunnels.remove(t)
	_, _ = io.WriteString(buffered, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+h.protocol+"\r\n")
	w.Header().Del("Connection")
	_ = w.Header().Write(buffered)
	_, _ = io.WriteString(buffered, "\r\n")
	if buffered.Flush() == nil {
		t.run(buffered, c.config.Timeout)
	}
	return nil
}

// run passes bytes both ways. When one side has ended, the other has linger to say the rest.
func (t *tunnel) run(fromCaller io.Reader, linger time.Duration) {
	_ = t.caller.SetDeadline(time.Time{}) // a closed connection says so when it is read
	_ = t.upstream.SetDeadline(time.Time{})
	t.silence = time.AfterFunc(t.timeout, t.close)
	defer t.silence.Stop()
	var both sync.WaitGroup
	both.Go(func() { t.pass(t.upstream.Conn, fromCaller, linger) })
	both.Go(func() { t.pass(t.caller, t.upstream.in, linger) })
	both.Wait()
	t.close()
}

// pass passes bytes one way until they end, and then closes that way.
func (t *tunnel) pass(to net.Conn, from io.Reader, linger time.Duration) {
	buf := newBuffer()
	defer freeBuffer(buf)
	if _, err := io.CopyBuffer(writerOnly{to}, &heard{from, t}, *buf); err != nil {
		t.close()
		return
	}
	half, ok := to.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		t.close()
		return
	}
	time.AfterFunc(linger, t.close)
}

// heard notes that a side of a tunnel is not silent.
type heard struct {
	io.Reader
	tunnel *tunnel
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	h.tunnel.silence.Reset(h.tunnel.timeout)
	return n, err
}

func (t *tunnel) close() {
	_ = t.caller.Close() // there is nothing more to learn from it
	t.upstream.close()
}

// tunnels are those that are open, so that they can be ended: no server waits for them when it shuts down.
type tunnels struct {
	mu     sync.Mutex
	open   []*tunnel
	closed bool
}

// add reports whether the tunnel may be opened.
func (s *tunnels) add(t *tunnel) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.open = append(s.open, t)
	}
	return !s.closed
}

func (s *tunnels) remove(t *tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = slices.DeleteFunc(s.open, func(other *tunnel) bool { return other == t })
}

// close ends all tunnels, and lets none be opened.
func (s *tunnels) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, t := range s.open {
		t.close()
	}
}

// isOffered reports whether the upstream has chosen a protocol that the caller offers.
func isOffered(offered, chosen string) bool {
	return chosen != "" && !strings.Contains(chosen, ",") && hasToken(offered, chosen)
}
