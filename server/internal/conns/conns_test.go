package conns

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stall is longer than any test takes: only the time that a test passes ends connections.
const stall = time.Hour

// serve serves h with bounds until the test ends.
func serve(t *testing.T, c Config, h http.Handler) *Listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Limit(inner, c)
	server := &http.Server{Handler: h, ConnState: l.SetState, ConnContext: l.Context, ReadHeaderTimeout: stall}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l
}

func quick(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// client is a connection to a listener.
type client struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, l *Listener) *client {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{c, bufio.NewReader(c)}
}

// request sends a request and reports whether there is a response.
func (c *client) request(t *testing.T) bool {
	t.Helper()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") // the connection may be closed
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusNoContent
}

// awaitIdle waits until n connections are idle for the server.
func awaitIdle(l *Listener, n int) {
	for {
		l.mu.Lock()
		idle := 0
		for c := range l.open {
			if c.waiting.Load() && len(l.open) == n {
				idle++
			}
		}
		l.mu.Unlock()
		if idle == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestRoomForAFurtherOne: above Max, the connection that has been idle for the longest time is closed.
func TestRoomForAFurtherOne(t *testing.T) {
	t.Parallel()
	l := serve(t, Config{Max: 2, Stall: stall}, http.HandlerFunc(quick))
	first, second := dial(t, l), dial(t, l)
	for _, c := range []*client{first, second, first} { // the second has been idle for longer
		if !c.request(t) {
			t.Fatal("no response")
		}
	}
	awaitIdle(l, 2)
	third := dial(t, l)
	if !third.request(t) || !first.request(t) {
		t.Error("the new connection or the busier one got no response")
	}
	if second.request(t) {
		t.Error("the connection that was idle for the longest time is still open")
	}
	if open, refused, ended := l.Counts(); open != 2 || refused != 0 || ended != 1 {
		t.Errorf("%d open, %d refused, %d ended", open, refused, ended)
	}
}

// TestLeft: while a handler runs, it can tell whether its client has closed its side. Over HTTP/1.1 without TLS, that does
// not end the request's context.
func TestLeft(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(c *net.TCPConn) error{
		"half-closed": (*net.TCPConn).CloseWrite,
		"closed":      (*net.TCPConn).Close,
		"reset": func(c *net.TCPConn) error {
			return errors.Join(c.SetLinger(0), c.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entered, left := make(chan bool), make(chan error)
			l := serve(t, Config{Max: 1, Stall: stall}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				entered <- Left(r.Context())
				for !Left(r.Context()) {
					time.Sleep(time.Millisecond)
				}
				left <- r.Context().Err()
			}))
			c := dial(t, l)
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if <-entered {
				t.Error("the client is said to have left")
			}
			if err := leave(c.Conn.(*net.TCPConn)); err != nil {
				t.Fatal(err)
			}
			if err := <-left; err != nil {
				t.Errorf("the request's context ended: %v", err)
			}
		})
	}
	ctx, end := context.WithCancel(t.Context())
	if Left(ctx) {
		t.Error("a request without a connection has left")
	}
	if end(); !Left(ctx) {
		t.Error("a request whose context has ended has not left")
	}
}

// TestReaders: readers of any size get all bytes: those of requests in one piece, and of a body read byte by byte.
func TestReaders(t *testing.T) {
	t.Parallel()
	l := serve(t, Config{Max: 1, Stall: stall}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(w, iotest.OneByteReader(r.Body)); err != nil {
			t.Error(err)
		}
	}))
	c := dial(t, l)
	const requests, body = 3, "some bytes"
	for range 2 { // the second time, after the first responses
		if _, err := io.WriteString(c, strings.Repeat("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"+body, requests)); err != nil {
			t.Fatal(err)
		}
		for range requests {
			resp, err := http.ReadResponse(c.in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(resp.Body); string(got) != body || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			resp.Body.Close()
		}
	}
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		defer far.Close()
		_, _ = io.WriteString(far, body) // near checks it
	}()
	if got, err := io.ReadAll(iotest.OneByteReader(&conn{Conn: near})); string(got) != body || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestNoRoom: connections in use stay, and a further one is closed.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	l := serve(t, Config{Max: 1, Stall: stall}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		entered <- struct{}{}
		<-leave
		w.WriteHeader(http.StatusNoContent)
	}))
	busy := dial(t, l)
	answered := make(chan bool, 1)
	go func() { answered <- busy.request(t) }()
	<-entered
	if dial(t, l).request(t) {
		t.Error("there was room next to a connection in use")
	}
	close(leave)
	if !<-answered {
		t.Error("the connection in use got no response")
	}
	if _, refused, ended := l.Counts(); refused != 1 || ended != 0 {
		t.Errorf("%d refused, %d ended", refused, ended)
	}
}

// TestPerAddress: the limit applies to each address separately, and a closed connection does not count.
func TestPerAddress(t *testing.T) {
	t.Parallel()
	l := serve(t, Config{Max: 10, PerAddress: 1, Stall: stall}, http.HandlerFunc(quick))
	first := dial(t, l)
	if !first.request(t) || dial(t, l).request(t) {
		t.Error("want the first connection served and the second one of the address closed")
	}
	first.Close()
	for !dial(t, l).request(t) { // until the server has noticed that the first one is closed
		time.Sleep(time.Millisecond)
	}
}

// TestStalled: while connections are scarce, idle ones and those whose client does not read are closed. Those in use
// stay. If connections are not scarce, all stay.
func TestStalled(t *testing.T) {
	t.Parallel()
	const size = 64 << 20 // more than the buffers of both ends
	leave := make(chan struct{})
	l := serve(t, Config{Max: 4, Stall: stall}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			_, _ = w.Write(make([]byte, size))
			return
		case "/slow":
			<-leave
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer close(leave)
	idle, reader, served := dial(t, l), dial(t, l), dial(t, l)
	if !idle.request(t) {
		t.Fatal("no response")
	}
	_, _ = io.WriteString(reader, "GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
	_, _ = io.WriteString(served, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	for !l.isWriting() || l.waitingCount() != 1 {
		time.Sleep(time.Millisecond)
	}
	if l.sweep(time.Now().Add(2 * stall)); len(l.conns()) != 3 {
		t.Errorf("%d connections are open, want all 3: they are not scarce", len(l.conns()))
	}
	fourth := dial(t, l)
	if !fourth.request(t) {
		t.Fatal("no response")
	}
	if l.sweep(time.Now().Add(stall - time.Minute)); len(l.conns()) != 4 {
		t.Errorf("%d connections are open before they stall, want 4", len(l.conns()))
	}
	if l.sweep(time.Now().Add(2 * stall)); len(l.conns()) != 1 {
		t.Errorf("%d connections are open, want only the one in use", len(l.conns()))
	}
	if n, err := io.Copy(io.Discard, reader); n >= size {
		t.Errorf("the reader got %d bytes, %v: its connection was not ended", n, err)
	}
}

func (l *Listener) conns() []*conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*conn
	for c := range l.open {
		all = append(all, c)
	}
	return all
}

// isWriting reports whether the buffers of a connection are full: no byte has moved for a while.
func (l *Listener) isWriting() bool {
	for _, c := range l.conns() {
		if c.writing.Load() > 0 && time.Since(time.Unix(0, c.last.Load())) > 50*time.Millisecond {
			return true
		}
	}
	return false
}

func (l *Listener) waitingCount() int {
	n := 0
	for _, c := range l.conns() {
		if c.waiting.Load() {
			n++
		}
	}
	return n
}

// TestSweep: scarce connections are swept automatically, and no goroutine leaks.
func TestSweep(t *testing.T) {
	t.Parallel()
	for short := 50 * time.Millisecond; short < time.Minute; short *= 4 {
		c := dial(t, serve(t, Config{Max: 1, Stall: short}, http.HandlerFunc(quick)))
		if !c.request(t) {
			continue // a busy machine read the request only after that time
		}
		if _, err := c.in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want the end of the connection", err)
		}
		return
	}
	t.Error("no response")
}

// TestTLS: a TLS connection has the states of the connection below it, also over HTTP/2.
func TestTLS(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(quick))
		l := Limit(server.Listener, Config{Max: 10, Stall: stall})
		server.Listener = l
		server.EnableHTTP2 = http2
		server.Config.ConnState = l.SetState
		server.StartTLS()
		client := server.Client()
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		awaitIdle(l, 1)
		client.CloseIdleConnections()
		server.Close()
		if resp.ProtoMajor != map[bool]int{false: 1, true: 2}[http2] {
			t.Errorf("got %s", resp.Proto)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"127.0.0.1:1": "127.0.0.1", "[::ffff:10.0.0.1]:1": "10.0.0.1", "[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::", "[fe80::1%eth0]:1": "fe80::", "@": "invalid IP",
	} {
		if got := addressOf(from{address: address(text)}); got.String() != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// from is a connection from an address, without other methods.
type from struct {
	net.Conn
	address
}

type address string

func (f from) RemoteAddr() net.Addr { return f.address }
func (a address) Network() string   { return "tcp" }
func (a address) String() string    { return string(a) }
