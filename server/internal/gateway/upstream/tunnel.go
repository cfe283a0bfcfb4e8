package upstream

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/stream"
)

// protocols returns the protocols of the request's Upgrade field, or "" (RFC 9110 §7.8). HTTP/2 and TLS are ignored, because
// they concern only the client's connection.
func (m *request) protocols() string {
	if m.ProtoMajor != 1 || m.ProtoMinor < 1 || len(m.Header["Upgrade"]) == 0 || m.streamed || !isNamed(m.Header["Connection"], "Upgrade") {
		return ""
	}
	return stream.Protocols(m.Header["Upgrade"])
}

// tunnel joins the connections of the client and of the upstream. After the switch only the two sides read the bytes.
type tunnel struct {
	caller   net.Conn
	upstream *conn
	silence  *time.Timer // closes both
	timeout  time.Duration
}

// open responds with 101 to the client and copies bytes both ways until one side ends.
func (c *Client) open(w http.ResponseWriter, n *conn) error {
	defer n.close()
	h := &n.answer
	h.copyTo(w.Header(), false)
	delete(w.Header(), "Content-Type")
	caller, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return unknown(fmt.Errorf("taking over the client's connection: %w", err))
	}
	t := &tunnel{caller: caller, upstream: n, timeout: c.config.StreamTimeout}
	defer c.endless.add(t)()
	_, _ = io.WriteString(buffered, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+h.protocol+"\r\n")
	w.Header().Del("Connection")
	_ = w.Header().Write(buffered)
	_, _ = io.WriteString(buffered, "\r\n")
	if buffered.Flush() == nil {
		t.run(buffered, c.config.Timeout)
	}
	return nil
}

// run copies bytes both ways. When one side ends, the other has linger to finish.
func (t *tunnel) run(fromCaller io.Reader, linger time.Duration) {
	_ = t.caller.SetDeadline(time.Time{}) // using a closed connection reports it
	_ = t.upstream.SetDeadline(time.Time{})
	t.silence = time.AfterFunc(t.timeout, t.close)
	defer t.silence.Stop()
	var both sync.WaitGroup
	both.Go(func() { t.pass(t.upstream.Conn, fromCaller, linger) })
	both.Go(func() { t.pass(t.caller, t.upstream.in, linger) })
	both.Wait()
	t.close()
}

// pass copies bytes one way until they end, and then closes that direction.
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

// heard resets the silence timer of a tunnel.
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
	_ = t.caller.Close() // an error changes nothing
	t.upstream.close()
}

// isOffered reports whether the upstream has chosen a protocol that the client offered.
func isOffered(offered, chosen string) bool {
	return chosen != "" && !strings.Contains(chosen, ",") && hasToken(offered, chosen)
}
