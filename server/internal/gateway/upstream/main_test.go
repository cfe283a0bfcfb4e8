package upstream

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// session is one connection to a scripted upstream.
type session struct {
	net.Conn
	in     *bufio.Reader
	number int // of the connection, from 1
}

// request reads a request with its body and reports whether there was one.
func (s *session) request() (*http.Request, bool) {
	r, err := http.ReadRequest(s.in)
	if err != nil {
		return nil, false
	}
	_, err = io.Copy(io.Discard, r.Body)
	return r, err == nil
}

func (s *session) say(text string) { _, _ = io.WriteString(s, text) }

// pause waits for d and reports whether the other side is still connected and silent.
func (s *session) pause(d time.Duration) bool {
	_ = s.SetReadDeadline(time.Now().Add(d))
	_, err := s.in.Peek(1)
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// gone waits until the other side has closed the connection.
func (s *session) gone() { _, _ = io.Copy(io.Discard, s.in) }

// listen runs serve for each connection to an upstream and returns its URL. A connection is closed when serve returns
// or the test ends.
func listen(t testing.TB, serve func(*session)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		open    []net.Conn
	)
	running.Go(func() {
		for number := 1; ; number++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			running.Go(func() {
				defer c.Close()
				serve(&session{c, bufio.NewReader(c), number})
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return "http://" + l.Addr().String()
}

// fail responds with the gateway's status for a kind of error.
func fail(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusInternalServerError
	if e := (*Error)(nil); errors.As(err, &e) {
		status = [...]int{Broken: 502, Timeout: 504, Busy: 503, Unreachable: 503, NoUpgrade: 501, Slow: 408, Gone: 499}[e.Kind]
	}
	http.Error(w, err.Error(), status)
}

// client returns a client for an upstream.
func client(t testing.TB, config Config) *Client {
	t.Helper()
	config.Fail = fail
	if config.Timeout == 0 {
		config.Timeout = time.Hour // longer than any test
	}
	if config.QueueTimeout == 0 {
		config.QueueTimeout = time.Hour
	}
	if config.DialTimeout == 0 {
		config.DialTimeout = time.Hour
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// patiently tests a timeout. A busy machine delays other requests too: then the test is repeated with a longer timeout.
func patiently(t *testing.T, test func(timeout time.Duration) error) {
	t.Helper()
	var err error
	for timeout := 400 * time.Millisecond; timeout < time.Minute; timeout *= 5 {
		if err = test(timeout); err == nil {
			return
		}
	}
	t.Error(err)
}

// front serves a handler and returns a caller for it.
func front(t testing.TB, h http.Handler) *caller {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &caller{t, s.URL, &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}}
}

type caller struct {
	t    testing.TB
	url  string
	http *http.Client
}

// aborted is the status of a response that broke off.
const aborted = -1

type answered struct {
	status int
	header http.Header
	body   string
}

func (c *caller) do(method string, body io.Reader) answered {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+"/beta/things?a=b", body)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return answered{status: aborted}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return answered{status: aborted}
	}
	return answered{resp.StatusCode, resp.Header, string(b)}
}

// good is a valid response.
func good(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// sink is a writer that discards everything.
type sink struct {
	header http.Header
	status int
	bytes  atomic.Int64
	write  func() // called for each piece
}

func (s *sink) Header() http.Header {
	if s.header == nil {
		s.header = http.Header{}
	}
	return s.header
}

func (s *sink) WriteHeader(status int) { s.status = status }

func (s *sink) Write(p []byte) (int, error) {
	s.bytes.Add(int64(len(p)))
	if s.write != nil {
		s.write()
	}
	return len(p), nil
}

func prefixes(list ...string) []netip.Prefix {
	var p []netip.Prefix
	for _, s := range list {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

// quiet discards a server's log.
var quiet = log.New(io.Discard, "", 0)
