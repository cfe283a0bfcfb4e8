package upstream

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

// TestWebSocket: messages pass both ways until one side ends.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	echo := httptest.NewServer(websocket.Handler(func(c *websocket.Conn) {
		for text := ""; websocket.Message.Receive(c, &text) == nil; {
			_ = websocket.Message.Send(c, text)
		}
	}))
	defer echo.Close()
	c := client(t, Config{URL: echo.URL, Upgrade: true})
	for _, secured := range []bool{false, true} {
		s := httptest.NewUnstartedServer(c)
		if secured {
			s.StartTLS()
		} else {
			s.Start()
		}
		config, err := websocket.NewConfig(strings.Replace(s.URL, "http", "ws", 1), s.URL)
		if err != nil {
			t.Fatal(err)
		}
		if secured {
			config.TlsConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
		}
		ws, err := websocket.DialConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"a", strings.Repeat("b", 100_000), "c"} {
			var got string
			if err := websocket.Message.Send(ws, text); err != nil {
				t.Fatal(err)
			}
			if err := websocket.Message.Receive(ws, &got); err != nil || got != text {
				t.Fatalf("got %d bytes, %v", len(got), err)
			}
		}
		ws.Close()
		s.Close()
	}
}

const change = "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, upgrade\r\nUpgrade: h2c, echo/1\r\nX-Own: 1\r\n\r\n"

// dialed sends a request and returns the connection, its reader, and the response.
func dialed(t *testing.T, url, request string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_, _ = io.WriteString(c, request)
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, in, resp
}

// TestTunnel: bytes that arrive with the heads are the first of the tunnel, and each side may end before the other.
func TestTunnel(t *testing.T) {
	t.Parallel()
	const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo/1\r\nX-Its: 1\r\n\r\n"
	t.Run("the upstream ends", func(t *testing.T) {
		t.Parallel()
		url := listen(t, func(s *session) {
			r, _ := s.request()
			if r.Header.Get("Upgrade") != "echo/1" || r.Header.Get("Connection") != "Upgrade" || r.Header.Get("X-Own") != "1" {
				t.Errorf("got %v", r.Header)
			}
			s.say(switched + "hello")
			line, _ := s.in.ReadString('\n')
			s.say(line)
		})
		_, in, resp := dialed(t, front(t, client(t, Config{URL: url, Upgrade: true})).url, change+"early\n")
		if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Upgrade") != "echo/1" || resp.Header.Get("X-Its") != "1" {
			t.Errorf("got %+v", resp)
		}
		if b, err := io.ReadAll(in); string(b) != "helloearly\n" {
			t.Errorf("got %q, %v", b, err)
		}
	})
	t.Run("the client ends", func(t *testing.T) {
		t.Parallel()
		url := listen(t, func(s *session) {
			s.request()
			s.say(switched)
			b, _ := io.ReadAll(s.in)
			s.say(string(b))
		})
		c, in, _ := dialed(t, front(t, client(t, Config{URL: url, Upgrade: true})).url, change)
		_, _ = io.WriteString(c, "last words")
		_ = c.(*net.TCPConn).CloseWrite()
		if b, err := io.ReadAll(in); string(b) != "last words" {
			t.Errorf("got %q, %v", b, err)
		}
	})
	t.Run("silence", func(t *testing.T) {
		t.Parallel()
		url := listen(t, func(s *session) { s.request(); s.say(switched); s.gone() })
		_, in, _ := dialed(t, front(t, client(t, Config{URL: url, Upgrade: true, StreamTimeout: 50 * time.Millisecond})).url, change)
		if b, _ := io.ReadAll(in); len(b) > 0 {
			t.Errorf("got %q", b)
		}
	})
	t.Run("shutdown", func(t *testing.T) {
		t.Parallel()
		url := listen(t, func(s *session) { s.request(); s.say(switched); s.gone() })
		c := client(t, Config{URL: url, Upgrade: true})
		front := front(t, c)
		_, in, _ := dialed(t, front.url, change)
		c.EndStreams()
		if b, _ := io.ReadAll(in); len(b) > 0 {
			t.Errorf("got %q", b)
		}
		d, err := net.Dial("tcp", strings.TrimPrefix(front.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		_, _ = io.WriteString(d, change)
		if b, _ := io.ReadAll(d); len(b) > 0 {
			t.Errorf("got %q, want no new tunnel", b)
		}
	})
}

// TestNoTunnel: without a valid change of protocol the connection stays HTTP.
func TestNoTunnel(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		request, answer string
		forbidden       bool
		status          int
	}{
		"forbidden":                     {change, good("x"), true, 501},
		"h2c":                           {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n", good("x"), true, 200},
		"no Connection":                 {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", good("x"), true, 200},
		"HTTP/1.0":                      {"GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", good("x"), true, 200},
		"the upstream declines":         {change, good("x"), false, 200},
		"another protocol than offered": {change, "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", false, 502},
		"no protocol":                   {change, "HTTP/1.1 101 X\r\n\r\n", false, 502},
		"not requested":                 {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 101 X\r\nUpgrade: echo/1\r\n\r\n", false, 502},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := listen(t, func(s *session) {
				if r, ok := s.request(); ok {
					if got := r.Header.Get("Upgrade") != ""; got != (tt.request == change) {
						t.Errorf("the upstream got Upgrade: %t", got)
					}
					s.say(tt.answer)
				}
			})
			if _, _, resp := dialed(t, front(t, client(t, Config{URL: url, Upgrade: !tt.forbidden})).url, tt.request); resp.StatusCode != tt.status {
				t.Errorf("got %s, want %d", resp.Status, tt.status)
			}
		})
	}
}
