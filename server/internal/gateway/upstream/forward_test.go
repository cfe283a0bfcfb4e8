package upstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRequestHead: the client writes its own request head. Connection-specific fields, and fields that only a proxy in
// front may send, are dropped in every spelling.
func TestRequestHead(t *testing.T) {
	t.Parallel()
	const nasty = "PATCH /beta/x%2e%2E/('k')?$TOP=1&&a=%zz HTTP/1.1\r\nHost: caller.test\r\nContent-Length: 2\r\n" +
		"Connection: X-Secret, close\r\nConnection: x-other\r\nX-Secret: 1\r\nX-Other: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n" +
		"Proxy-Authorization: Basic x\r\nProxy-Authenticate: x\r\nTE: trailers\r\nTrailer: X-T\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" +
		"X-Forwarded-For: 1.2.3.4\r\nX-forwarded-host: evil\r\nX-FORWARDED-PROTO: https\r\nX-Forwarded-Anything: x\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\n" +
		"CF-Connecting-IP: 1.2.3.4\r\nFastly-Client-IP: 1.2.3.4\r\nX_Real_IP: 1.2.3.4\r\nX_Forwarded_For: 1.2.3.4\r\nProxy: http://evil\r\nClient-Cert: :x:\r\n" +
		"X-Passes: a\r\nX-Passes: b\r\n\r\n{}"
	for name, tt := range map[string]struct {
		config  Config
		request string
		want    string
	}{
		"everything": {Config{}, nasty, `PATCH /beta/x%2e%2E/('k')?$TOP=1&&a=%zz HTTP/1.1
Host: {upstream}
X-Passes: a
X-Passes: b
Forwarded: for=127.0.0.1;host="caller.test";proto=http
X-Forwarded-For: 127.0.0.1
X-Forwarded-Host: caller.test
X-Forwarded-Proto: http
Via: 1.1 pfxrd
Content-Length: 2

{}`},
		"host of the client": {Config{KeepHost: true}, "GET / HTTP/1.1\r\nHost: caller.test\r\n\r\n", `GET / HTTP/1.1
Host: caller.test
Forwarded: for=127.0.0.1;host="caller.test";proto=http
X-Forwarded-For: 127.0.0.1
X-Forwarded-Host: caller.test
X-Forwarded-Proto: http
Via: 1.1 pfxrd

`},
		"prefix, absolute form": {Config{URL: "/pre%20fix/"}, "DELETE http://other.test/a%2fb?c HTTP/1.1\r\nHost: caller.test\r\n\r\n", `DELETE /pre%20fix/a%2fb?c HTTP/1.1
Host: {upstream}
Forwarded: for=127.0.0.1;host="other.test";proto=http
X-Forwarded-For: 127.0.0.1
X-Forwarded-Host: other.test
X-Forwarded-Proto: http
Via: 1.1 pfxrd

`},
		"no body, but a method that may have one": {Config{}, "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n", `PATCH / HTTP/1.1
Host: {upstream}
Forwarded: for=127.0.0.1;host="a";proto=http
X-Forwarded-For: 127.0.0.1
X-Forwarded-Host: a
X-Forwarded-Proto: http
Via: 1.1 pfxrd
Content-Length: 0

`},
		"chunks": {Config{}, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\nTrailer: X-T\r\n\r\n2;x=y\r\n{}\r\n0\r\nX-T: x\r\n\r\n", `POST / HTTP/1.1
Host: {upstream}
Forwarded: for=127.0.0.1;host="a";proto=http
X-Forwarded-For: 127.0.0.1
X-Forwarded-Host: a
X-Forwarded-Proto: http
Via: 1.1 pfxrd
Transfer-Encoding: chunked
Trailer: X-T

2
{}
0
X-T: x

`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := make(chan string, 1)
			url := listen(t, func(s *session) {
				var b bytes.Buffer
				s.in = bufio.NewReader(io.TeeReader(s.Conn, &b))
				if _, ok := s.request(); !ok {
					return
				}
				seen <- b.String()
				s.say("HTTP/1.1 204 No Content\r\n\r\n")
			})
			tt.config.URL = url + tt.config.URL
			s := httptest.NewServer(client(t, tt.config))
			defer s.Close()
			c, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, tt.request); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != http.StatusNoContent {
				t.Fatalf("got %v, %v", resp, err)
			}
			got := strings.ReplaceAll(strings.ReplaceAll(<-seen, "\r\n", "\n"), strings.TrimPrefix(url, "http://"), "{upstream}")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTrustedProxy: only a trusted proxy can name its client.
func TestTrustedProxy(t *testing.T) {
	t.Parallel()
	for peer, want := range map[string]string{
		"10.1.2.3:4":          "Forwarded: for=1.2.3.4, for=10.1.2.3;host=\"first.test\";proto=https\r\nX-Forwarded-For: 1.2.3.4, 10.1.2.3\r\nX-Forwarded-Host: first.test\r\nX-Forwarded-Proto: https\r\n",
		"[::ffff:10.1.2.3]:4": "Forwarded: for=1.2.3.4, for=\"[::ffff:10.1.2.3]\";host=\"first.test\";proto=https\r\nX-Forwarded-For: 1.2.3.4, ::ffff:10.1.2.3\r\nX-Forwarded-Host: first.test\r\nX-Forwarded-Proto: https\r\n",
		"[fe80::1%eth0]:4":    "Forwarded: for=\"[fe80::1]\";host=\"caller.test\";proto=http\r\nX-Forwarded-For: fe80::1\r\n",
		"11.1.2.3:4":          "Forwarded: for=11.1.2.3;host=\"caller.test\";proto=http\r\nX-Forwarded-For: 11.1.2.3\r\nX-Forwarded-Host: caller.test\r\nX-Forwarded-Proto: http\r\n",
		"@":                   "Forwarded: for=unknown;host=\"caller.test\";proto=http\r\nX-Forwarded-For: unknown\r\nX-Forwarded-Host: caller.test\r\nX-Forwarded-Proto: http\r\n",
	} {
		c := client(t, Config{URL: "http://127.0.0.1:1", Trusted: prefixes("10.0.0.0/8")})
		r := httptest.NewRequest(http.MethodGet, "http://caller.test/", nil)
		r.RemoteAddr = peer
		r.Header = http.Header{"X-Forwarded-For": {"1.2.3.4"}, "X-Forwarded-Host": {"first.test"}, "X-Forwarded-Proto": {"https"}}
		if got := string(appendForwarded(nil, r, c.isTrusted(r))); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", peer, got, want)
		}
	}
}

// TestAddressOfTrustedProxy: other fields with an address are forwarded only from a trusted proxy.
func TestAddressOfTrustedProxy(t *testing.T) {
	t.Parallel()
	for peer, want := range map[string]bool{"10.1.2.3:4": true, "11.1.2.3:4": false} {
		c := client(t, Config{URL: "http://127.0.0.1:1", Trusted: prefixes("10.0.0.0/8")})
		for _, name := range []string{"X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X_real_ip"} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr, r.Header = peer, http.Header{name: {"1.2.3.4"}}
			if got := strings.Contains(string(c.appendHead(nil, &request{Request: r}, 0)), "\r\n"+name+": 1.2.3.4\r\n"); got != want {
				t.Errorf("%s of %s: passes: %t", name, peer, got)
			}
		}
	}
}

// TestForwardedIsQuoted: no value from a client or proxy can end an element of Forwarded (RFC 7239 §4).
func TestForwardedIsQuoted(t *testing.T) {
	t.Parallel()
	const tail = "\r\nVia: 1.1 pfxrd\r\n"
	for name, tt := range map[string]struct {
		host   string
		header http.Header
		want   string
	}{
		"a comma in a host":       {`a,b`, nil, `for=10.1.2.3;host="a,b";proto=http` + "\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: http"},
		"a quote in a host":       {`a"b\`, nil, `for=10.1.2.3;host="a\"b\\";proto=http` + "\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Host: a\"b\\\r\nX-Forwarded-Proto: http"},
		"a proxy's invalid host":  {"a", http.Header{"X-Forwarded-Host": {`b";for=6.6.6.6`}}, `for=10.1.2.3;host="a";proto=http` + "\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Host: a\r\nX-Forwarded-Proto: http"},
		"a proxy's list of hosts": {"a", http.Header{"X-Forwarded-Host": {"b, c"}}, `for=10.1.2.3;host="b";proto=http` + "\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Host: b\r\nX-Forwarded-Proto: http"},
		"a proxy's invalid proto": {"a", http.Header{"X-Forwarded-Proto": {"https;for=6.6.6.6"}}, `for=10.1.2.3;host="a";proto=http` + "\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Host: a\r\nX-Forwarded-Proto: http"},
		"a proxy's open quote":    {"a", http.Header{"Forwarded": {`for="x`}}, `for=10.1.2.3;host="a";proto=http` + "\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Host: a\r\nX-Forwarded-Proto: http"},
		"a proxy's Forwarded":     {"a", http.Header{"Forwarded": {`for="[::1]:5"`}}, `for="[::1]:5", for=10.1.2.3;host="a";proto=http` + "\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Host: a\r\nX-Forwarded-Proto: http"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Host, r.Header = "10.1.2.3:4", tt.host, tt.header
		if got, want := string(appendForwarded(nil, r, true)), "Forwarded: "+tt.want+tail; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestAnswerHead: connection-specific fields, including those that Connection names, are dropped; all others are
// forwarded unchanged.
func TestAnswerHead(t *testing.T) {
	t.Parallel()
	url := listen(t, func(s *session) {
		s.request()
		s.say("HTTP/1.1 200 OK\r\nconnection: keep-alive, x-secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=1\r\nproxy-authenticate: x\r\nTrailer: x\r\nUpgrade: y\r\n" +
			"request-id: a\r\nX-Two: 1\r\nX-Two: 2\r\ncontent-type: text/x\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n")
	})
	w := &sink{}
	client(t, Config{URL: url}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	want := http.Header{
		"request-id": {"a"}, "X-Two": {"1", "2"}, "Content-Type": {"text/x"}, "Date": {"Thu, 01 Jan 1970 00:00:00 GMT"}, "Content-Length": {"0"},
	}
	if diff := cmp.Diff(want, w.header); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSentOnce: if the upstream closes a connection just when it is reused, an idempotent request is resent; others
// only if nothing of them was sent.
func TestSentOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method string
		first  string // what the upstream sends before it closes the connection
		status int
		sent   int64
	}{
		{http.MethodGet, "", 200, 2},
		{http.MethodHead, "", 200, 2},
		{http.MethodGet, "HTTP/1.1 2", 502, 1},
		{http.MethodPatch, "", 502, 1},
		{http.MethodPost, "", 502, 1},
		{http.MethodDelete, "", 200, 2},
		{http.MethodPut, "", 200, 2},
		{http.MethodOptions, "", 200, 2},
		{http.MethodPut, "HTTP/1.1 2", 502, 1},
		{http.MethodPut + " If-Match", "", 502, 1},
		{http.MethodDelete + " If-Match", "", 502, 1},
	} {
		t.Run(tt.method+" "+tt.first, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			url := listen(t, func(s *session) {
				s.request()
				if s.number == 1 {
					s.say(good("first"))
					s.request()
					sent.Add(1)
					s.say(tt.first)
					return
				}
				sent.Add(1)
				s.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			})
			c := client(t, Config{URL: url})
			w := &sink{}
			c.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			w = &sink{}
			method, condition, _ := strings.Cut(tt.method, " ")
			r := httptest.NewRequest(method, "/", strings.NewReader("{}"))
			if condition != "" {
				r.Header[condition] = []string{`"a"`}
			}
			c.ServeHTTP(w, r)
			if w.status != tt.status || sent.Load() != tt.sent {
				t.Errorf("got %d after %d requests, want %d after %d", w.status, sent.Load(), tt.status, tt.sent)
			}
		})
	}
	t.Run("PATCH of which nothing was written", func(t *testing.T) {
		t.Parallel()
		var sent atomic.Int64
		url := listen(t, func(s *session) {
			for _, ok := s.request(); ok; _, ok = s.request() {
				sent.Add(1)
				s.say(good("x"))
			}
		})
		c := client(t, Config{URL: url})
		c.ServeHTTP(&sink{}, httptest.NewRequest(http.MethodGet, "/", nil))
		// The connection breaks between peek and write.
		c.pool.idle[0].raw = nil
		c.pool.idle[0].Conn.Close()
		w := &sink{}
		c.ServeHTTP(w, httptest.NewRequest(http.MethodPatch, "/", strings.NewReader("{}")))
		if w.status != 200 || sent.Load() != 2 {
			t.Errorf("got %d after %d requests", w.status, sent.Load())
		}
	})
	t.Run("PUT that cannot be resent", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			l.Close()
			s := &session{c, bufio.NewReader(c), 1}
			s.request()
			s.say(good("first"))
			s.request()
			c.Close()
		}()
		c := client(t, Config{URL: "http://" + l.Addr().String()})
		c.ServeHTTP(&sink{}, httptest.NewRequest(http.MethodGet, "/", nil))
		w := &sink{}
		if c.ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/", strings.NewReader("{}"))); w.status != 502 {
			t.Errorf("got %d, want 502: the upstream has the request", w.status)
		}
	})
	t.Run("fresh connections", func(t *testing.T) {
		t.Parallel()
		var sent atomic.Int64
		url := listen(t, func(s *session) { s.request(); sent.Add(1) })
		w := &sink{}
		client(t, Config{URL: url}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.status != 502 || sent.Load() != 1 {
			t.Errorf("got %d after %d requests", w.status, sent.Load())
		}
	})
}

// TestPool: there are at most MaxConns connections; a request without one waits for a bounded time.
func TestPool(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}, 10), make(chan struct{})
	url := listen(t, func(s *session) {
		for _, ok := s.request(); ok; _, ok = s.request() {
			asked <- struct{}{}
			<-answer
			s.say(good("x"))
		}
	})
	c := client(t, Config{URL: url, MaxConns: 2, QueueTimeout: 50 * time.Millisecond})
	statuses := make(chan int, 10)
	send := func(ctx context.Context) {
		w, r := &sink{}, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		r.ProtoMajor = 2 // over HTTP/1.1 the gateway cannot know that a client has left
		c.ServeHTTP(w, r)
		statuses <- w.status
	}
	go send(t.Context())
	go send(t.Context())
	<-asked
	<-asked
	send(t.Context())
	if got := <-statuses; got != http.StatusServiceUnavailable {
		t.Errorf("a third request got %d", got)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	send(gone)
	if got := <-statuses; got != 499 {
		t.Errorf("a client that left got %d", got)
	}
	c.config.QueueTimeout = time.Hour
	go send(t.Context())
	answer <- struct{}{} // one leaves, and the queued one replaces it
	<-asked
	close(answer)
	for range 3 {
		if got := <-statuses; got != http.StatusOK {
			t.Errorf("got %d", got)
		}
	}
	if got := len(c.pool.idle); got > 2 {
		t.Errorf("%d connections are kept", got)
	}
	c.Close()
	send(t.Context())
	if got := <-statuses; got != http.StatusOK || len(c.pool.idle) > 0 {
		t.Errorf("after Close: got %d, and %d connections are kept", got, len(c.pool.idle))
	}
}

// TestSlowUploads: stalled bodies leave places for complete requests.
func TestSlowUploads(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	url := listen(t, func(s *session) {
		if r, err := http.ReadRequest(s.in); err == nil && r.Method == http.MethodPost {
			begun <- struct{}{}
			_, _ = io.Copy(io.Discard, r.Body)
		}
		s.say(good("x"))
	})
	c := client(t, Config{URL: url, MaxConns: 4, QueueTimeout: time.Millisecond})
	caller := front(t, c)
	statuses := make(chan int, 10)
	var ends []func() error
	upload := func() {
		body, end := io.Pipe()
		ends = append(ends, end.Close)
		go func() { statuses <- caller.do(http.MethodPost, body).status }()
		_, _ = end.Write([]byte("x"))
	}
	for range 2 {
		upload()
		<-begun
	}
	for range 3 { // more than half
		upload()
		if got := <-statuses; got != 503 {
			t.Errorf("one upload more than the limit got %d", got)
		}
	}
	for range 10 {
		if got := caller.do(http.MethodPut, strings.NewReader("{}")); got.status != 200 {
			t.Errorf("a complete request got %d", got.status)
		}
	}
	for _, end := range ends {
		_ = end()
	}
	for range 2 {
		if got := <-statuses; got != 200 {
			t.Errorf("a slow upload got %d", got)
		}
	}
}

// TestIdleConnections: connections that are idle for too long are closed.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	ended := make(chan int, 10)
	url := listen(t, func(s *session) {
		for _, ok := s.request(); ok; _, ok = s.request() {
			s.say(good("x"))
		}
		ended <- s.number
	})
	c := client(t, Config{URL: url, IdleTimeout: time.Nanosecond})
	for range 3 {
		c.ServeHTTP(&sink{}, httptest.NewRequest(http.MethodGet, "/", nil))
	}
	<-ended
	<-ended
	if got := len(c.pool.idle); got != 1 {
		t.Errorf("%d connections are kept", got)
	}
}

// TestExpiry: a connection is closed before the upstream closes it, and at its maximum age.
func TestExpiry(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		field string
		age   time.Duration
		want  time.Duration
	}{
		"IdleTimeout":       {"", 0, 30 * time.Second},
		"Keep-Alive":        {"timeout=5, max=100", 0, 4500 * time.Millisecond},
		"above IdleTimeout": {"timeout=500", 0, 30 * time.Second},
		"a second":          {"Timeout=\"1\"", 0, 500 * time.Millisecond},
		"none":              {"timeout=0", 0, -500 * time.Millisecond},
		"not a number":      {"timeout=x", 0, 30 * time.Second},
		"another parameter": {"max=1", 0, 30 * time.Second},
		"nearly old":        {"", 4*time.Minute + 50*time.Second, 10 * time.Second},
		"old":               {"timeout=5", 6 * time.Minute, -time.Minute},
	} {
		h := &head{}
		if err := h.parse("HTTP/1.1 200 OK\r\nKeep-Alive: "+tt.field+"\r\n\r\n", false); err != nil {
			t.Fatal(err)
		}
		now, config := time.Now(), Config{}.withDefaults()
		n := &conn{answer: *h, born: now.Add(-tt.age)}
		if got := n.expiry(now, &config).Sub(now).Round(time.Millisecond); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}

// TestAge: an old connection is closed after its response.
func TestAge(t *testing.T) {
	t.Parallel()
	connections := make(chan int, 3)
	url := listen(t, func(s *session) {
		for _, ok := s.request(); ok; _, ok = s.request() {
			connections <- s.number
			s.say(good("x"))
		}
	})
	c := client(t, Config{URL: url, MaxConnAge: time.Nanosecond})
	for want := range 3 {
		c.ServeHTTP(&sink{}, httptest.NewRequest(http.MethodGet, "/", nil))
		if got := <-connections; got != want+1 {
			t.Errorf("request %d came over connection %d", want+1, got)
		}
	}
}

// TestBodyInPieces: a large body is forwarded in pieces and whole, and the upstream may respond before its end.
func TestBodyInPieces(t *testing.T) {
	t.Parallel()
	t.Run("whole", func(t *testing.T) {
		t.Parallel()
		for name, reader := range map[string]func(string) io.Reader{
			"a length": func(s string) io.Reader { return strings.NewReader(s) },
			"chunks":   func(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) },
		} {
			got := make(chan string, 1)
			url := listen(t, func(s *session) {
				r, err := http.ReadRequest(s.in)
				if err != nil {
					return
				}
				b, _ := io.ReadAll(r.Body)
				got <- string(b)
				s.say(good("taken"))
			})
			want := strings.Repeat("0123456789", 30_000)
			if a := front(t, client(t, Config{URL: url})).do(http.MethodPut, reader(want)); a.body != "taken" {
				t.Errorf("%s: got %+v", name, a)
			}
			if <-got != want {
				t.Errorf("%s: the body differs", name)
			}
		}
	})
	t.Run("early response", func(t *testing.T) {
		t.Parallel()
		url := listen(t, func(s *session) {
			if _, err := http.ReadRequest(s.in); err == nil {
				s.say("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
				s.gone()
			}
		})
		c := client(t, Config{URL: url})
		caller := front(t, c)
		body, end := io.Pipe()
		defer end.Close()
		go func() { _, _ = end.Write(make([]byte, 64<<10)) }()
		if got := caller.do(http.MethodPut, body); got.status != 413 || got.body != "no" {
			t.Errorf("got %+v", got)
		}
		if len(c.pool.idle) > 0 {
			t.Error("the connection was kept after half a request")
		}
	})
	t.Run("incomplete body", func(t *testing.T) {
		t.Parallel()
		whole := make(chan bool, 1)
		url := listen(t, func(s *session) {
			_, ok := s.request()
			whole <- ok
		})
		c := client(t, Config{URL: url})
		w := &sink{}
		r := httptest.NewRequest(http.MethodPut, "/", io.MultiReader(strings.NewReader(strings.Repeat("x", 50_000)), broken{}))
		r.ContentLength = 100_000
		c.ServeHTTP(w, r)
		if <-whole || w.status != 502 {
			t.Errorf("got %d", w.status)
		}
	})
	for name, tt := range map[string]struct {
		length int64
		err    error
		status int
	}{
		"small, broken":            {4, io.ErrUnexpectedEOF, 499},
		"small, stalled":           {4, os.ErrDeadlineExceeded, 408},
		"beginning of a large one": {100_000, os.ErrDeadlineExceeded, 408},
		"broken beginning":         {100_000, io.ErrUnexpectedEOF, 499},
		"no chunk, stalled":        {-1, os.ErrDeadlineExceeded, 408},
		"no chunk, broken":         {-1, io.ErrUnexpectedEOF, 499},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, Config{URL: "http://127.0.0.1:1"}) // nothing is sent, so no listener is needed
			w := &sink{}
			body := io.MultiReader(strings.NewReader("x"), iotest.ErrReader(tt.err))
			if tt.length < 0 {
				body = iotest.ErrReader(tt.err)
			}
			r := httptest.NewRequest(http.MethodPut, "/", body)
			r.ContentLength = tt.length
			if c.ServeHTTP(w, r); w.status != tt.status {
				t.Errorf("got %d, want %d", w.status, tt.status)
			}
		})
	}
	t.Run("stalls after its beginning", func(t *testing.T) {
		t.Parallel()
		url := listen(t, func(s *session) { s.request() })
		w := &sink{}
		r := httptest.NewRequest(http.MethodPut, "/", io.MultiReader(strings.NewReader(strings.Repeat("x", 50_000)), iotest.ErrReader(os.ErrDeadlineExceeded)))
		r.ContentLength = 100_000
		if client(t, Config{URL: url}).ServeHTTP(w, r); w.status != 504 {
			t.Errorf("got %d, want 504: the upstream may have applied the request", w.status)
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }

// TestCallerLeaves: if the client is known to have left (HTTP/2), the gateway stops waiting for the response.
func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	for name, said := range map[string]string{"before the answer": "", "in the answer": "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, closed := make(chan struct{}), make(chan struct{})
			url := listen(t, func(s *session) {
				s.request()
				s.say(said)
				close(asked)
				s.gone()
				close(closed)
			})
			c := client(t, Config{URL: url})
			s := httptest.NewUnstartedServer(c)
			s.EnableHTTP2 = true
			s.StartTLS()
			defer s.Close()
			ctx, leave := context.WithCancel(t.Context())
			left := make(chan struct{})
			go func() {
				defer close(left)
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
				if err != nil {
					return
				}
				if resp, err := s.Client().Do(r); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}()
			<-asked
			leave()
			<-left
			<-closed
			if len(c.pool.idle) > 0 {
				t.Error("the connection was kept")
			}
		})
	}
}

// TestHalfClosed: a client that closes its side after its request gets the response (RFC 9112 §9.6), even if the server
// stops reading.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"PATCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000),
	} {
		t.Run(request[:4], func(t *testing.T) {
			t.Parallel()
			left := make(chan struct{})
			url := listen(t, func(s *session) {
				s.request()
				<-left
				s.say(good("applied"))
			})
			c := client(t, Config{URL: url})
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				context.AfterFunc(r.Context(), func() { close(left) })
				c.ServeHTTP(w, r)
			}))
			defer s.Close()
			nc, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			_, _ = io.WriteString(nc, request)
			if err := nc.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || string(b) != "applied" {
				t.Errorf("got %s %q, %v", resp.Status, b, err)
			}
		})
	}
}

// TestSlowCaller: a response may take as long as its client needs, while it progresses. Chunks larger than one read leave
// bytes in the buffer each time.
func TestSlowCaller(t *testing.T) {
	t.Parallel()
	const size, timeout = 2 << 20, 5 * time.Second
	chunk := fmt.Sprintf("%x\r\n%s\r\n", size, strings.Repeat("x", size))
	url := listen(t, func(s *session) {
		s.request()
		s.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk + "0\r\n\r\n")
	})
	pace := time.NewTicker(timeout / 100)
	defer pace.Stop()
	w := &sink{write: func() { <-pace.C }}
	client(t, Config{URL: url, Timeout: timeout}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if got := w.bytes.Load(); got != 2*size {
		t.Errorf("got %d bytes of %d", got, 2*size)
	}
}

// packed is a connection that sends its writes together when flushed.
type packed struct {
	net.Conn
	mu      sync.Mutex
	holding bool
	held    []byte
}

func (p *packed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holding {
		p.held = append(p.held, b...)
		return len(b), nil
	}
	return p.Conn.Write(b)
}

func (p *packed) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holding = false
	_, _ = p.Conn.Write(p.held)
}

// TestSecondAnswerInTLS: a second response in its own TLS record, which arrives with the first, waits inside crypto/tls,
// where neither the buffer nor the socket shows it.
func TestSecondAnswerInTLS(t *testing.T) {
	t.Parallel()
	issued := httptest.NewUnstartedServer(nil)
	issued.StartTLS()
	certificate, roots := issued.TLS.Certificates[0], x509.NewCertPool()
	roots.AddCert(issued.Certificate())
	issued.Close()
	url := listen(t, func(s *session) {
		p := &packed{Conn: s.Conn}
		secured := tls.Server(p, &tls.Config{Certificates: []tls.Certificate{certificate}})
		s.in = bufio.NewReader(secured)
		for n := 0; ; n++ {
			if _, ok := s.request(); !ok {
				return
			}
			if s.number > 1 {
				_, _ = io.WriteString(secured, good("second"))
				continue
			}
			p.holding = true
			_, _ = io.WriteString(secured, good("first"))
			_, _ = io.WriteString(secured, good("smuggled"))
			p.flush()
		}
	})
	c := client(t, Config{URL: strings.Replace(url, "http:", "https:", 1), TLS: &tls.Config{RootCAs: roots, ServerName: "example.com"}})
	caller := front(t, c)
	if got := caller.do(http.MethodGet, nil); got.body != "first" {
		t.Fatalf("got %+v", got)
	}
	for range 2 {
		if got := caller.do(http.MethodGet, nil); got.body != "second" {
			t.Errorf("got %+v", got)
		}
	}
	if got := len(c.pool.idle); got != 1 {
		t.Errorf("%d connections are kept: TLS keeps a quiet one", got)
	}
}

// TestManyMegabytes is not parallel, because it measures the memory of the process. A streamed body is never held.
func TestManyMegabytes(t *testing.T) { testManyBytes(t, 64<<20) }

func testManyBytes(t *testing.T, size int64) {
	const piece = 1 << 20
	for name, head := range map[string]string{
		"a length": fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size),
		"chunks":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"the end":  "HTTP/1.0 200 OK\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			block := make([]byte, piece)
			if name == "chunks" {
				block = append(append([]byte(fmt.Sprintf("%x\r\n", piece)), block...), "\r\n"...)
			}
			url := listen(t, func(s *session) {
				s.request()
				s.say(head)
				for range size / piece {
					if _, err := s.Write(block); err != nil {
						return
					}
				}
				if name == "chunks" {
					s.say("0\r\n\r\n")
				}
			})
			c := client(t, Config{URL: url})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			w := &sink{}
			c.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			runtime.ReadMemStats(&after)
			if got := w.bytes.Load(); got != size {
				t.Errorf("got %d bytes", got)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
				t.Errorf("%d bytes were allocated on the way", got)
			}
		})
	}
}

// TestManyMegabytesUp: in the middle of an upload little of it is in memory. It is not parallel, like
// TestManyMegabytes.
func TestManyMegabytesUp(t *testing.T) {
	const size = 64 << 20
	for name, length := range map[string]int64{"a length": size, "chunks": -1} {
		for _, h2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", name, h2), func(t *testing.T) {
				var got atomic.Int64
				var middle atomic.Uint64
				s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					half, _ := io.CopyN(io.Discard, r.Body, size/2)
					middle.Store(inMemory())
					rest, _ := io.Copy(io.Discard, r.Body)
					got.Add(half + rest)
				}))
				s.Config.Protocols = new(http.Protocols)
				s.Config.Protocols.SetHTTP1(true)
				s.Config.Protocols.SetUnencryptedHTTP2(true)
				s.Start()
				defer s.Close()
				c := client(t, Config{URL: s.URL, HTTP2: h2})
				r := httptest.NewRequest(http.MethodPut, "/", io.LimitReader(zeros{}, size))
				r.ContentLength = length
				before := inMemory()
				w := &sink{}
				c.ServeHTTP(w, r)
				if w.status != 200 || got.Load() != size {
					t.Errorf("got %d, and the upstream %d bytes", w.status, got.Load())
				}
				if held := int64(middle.Load()) - int64(before); held > size/16 {
					t.Errorf("%d bytes were held in the middle", held)
				}
			})
		}
	}
}

// inMemory returns how many bytes are in use, without garbage.
func inMemory() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestNoDescriptorIsLost is not parallel: it counts the descriptors of the process.
func TestNoDescriptorIsLost(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("counts in /proc")
	}
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // the first listener creates the runtime's poller, which keeps two descriptors
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	before := count()
	t.Run("requests", func(t *testing.T) {
		answers := []string{good("x"), good("x") + "y", "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "HTTP/1.0 200 OK\r\n\r\n"}
		url := listen(t, func(s *session) {
			for n := s.number; ; n++ {
				if _, ok := s.request(); !ok {
					return
				}
				if s.say(answers[n%len(answers)]); n%len(answers) != 0 {
					return
				}
			}
		})
		c := client(t, Config{URL: url, MaxConns: 8})
		var callers sync.WaitGroup
		for range 16 {
			callers.Go(func() {
				for range 50 {
					func() {
						defer func() { _ = recover() }() // a response that breaks off
						c.ServeHTTP(&sink{}, httptest.NewRequest(http.MethodPatch, "/", strings.NewReader("{}")))
					}()
				}
			})
		}
		callers.Wait()
		if !c.pool.places.TryAcquire(8) {
			t.Error("a place in the pool was lost")
		}
	})
	if after := count(); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}
