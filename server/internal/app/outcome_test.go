package app_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/app"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

const (
	patchHead = "PATCH /beta/pfxRecryptionRequests/k HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	unknown   = "outcome is unknown"
	unsent    = "Nothing was sent"
)

// TestOutcomes: what the client is told matches what the upstream got. Once a byte of the request was sent, no status claims
// that it was not applied.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		serve  func(c net.Conn, in *bufio.Reader) // nil: do not listen
		status int
		words  string
	}{
		"no server":                {nil, 503, unsent},
		"closes at once":           {func(net.Conn, *bufio.Reader) {}, 502, unknown},
		"closes after the request": {func(_ net.Conn, in *bufio.Reader) { readRequest(in) }, 502, unknown},
		"resets":                   {func(c net.Conn, in *bufio.Reader) { readRequest(in); _ = c.(*net.TCPConn).SetLinger(0) }, 502, unknown},
		"garbage":                  {func(c net.Conn, in *bufio.Reader) { readRequest(in); _, _ = io.WriteString(c, "SSH-2.0\r\n\r\n") }, 502, unknown},
		"silence":                  {func(_ net.Conn, in *bufio.Reader) { readRequest(in); readRequest(in) }, 504, unknown},
		"half a response": {func(c net.Conn, in *bufio.Reader) {
			readRequest(in)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
		}, 502, unknown},
		"half a response, then silence": {func(c net.Conn, in *bufio.Reader) {
			readRequest(in)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
			readRequest(in)
		}, 504, unknown},
		"the response": {func(c net.Conn, in *bufio.Reader) {
			readRequest(in)
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}, 204, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := runGateway(t, listenRaw(t, tt.serve), 500*time.Millisecond, policy.Enforce, slog.New(slog.DiscardHandler), func() {})
			for _, halfClosed := range []bool{false, true} {
				resp, body := sendRaw(t, url, patchHead+"Content-Length: 2\r\n\r\n{}", halfClosed)
				if resp.StatusCode != tt.status || !strings.Contains(body, tt.words) {
					t.Errorf("half closed %t: got %s %s, want %d and %q", halfClosed, resp.Status, body, tt.status, tt.words)
				}
				if got := resp.Header.Get("Retry-After") != ""; got != (tt.status == 503) {
					t.Errorf("half closed %t: Retry-After is %t", halfClosed, got)
				}
			}
		})
	}
}

// TestTunnelEnds: a tunnel opens if --upgrade allows it, and ends when the gateway shuts down.
func TestTunnelEnds(t *testing.T) {
	t.Parallel()
	address := listenRaw(t, func(c net.Conn, in *bufio.Reader) {
		readRequest(in)
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, in)
	})
	for _, upgrade := range []string{"", "refuse", "allow"} {
		g, err := app.OpenGateway(t.Context(), app.GatewayConfig{
			Listen: "127.0.0.1:0", Upstream: "http://" + address, MaxConns: 8, Timeout: time.Hour, MaxResponse: 1 << 20, Unknown: "pass", Upgrade: upgrade,
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- g.Run(ctx) }()
		c, err := net.Dial("tcp", strings.TrimPrefix(g.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
		in := bufio.NewReader(c)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]int{"": 501, "refuse": 501, "allow": 101}[upgrade]; resp.StatusCode != want {
			t.Errorf("%q: got %s", upgrade, resp.Status)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		stop()
		if _, err := io.Copy(io.Discard, in); err != nil {
			t.Errorf("%q: %v", upgrade, err)
		}
		c.Close()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}
}

func readRequest(in *bufio.Reader) {
	if r, err := http.ReadRequest(in); err == nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
}

// listenRaw runs serve for each connection until the test ends, and returns the address.
func listenRaw(t *testing.T, serve func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if serve == nil {
		l.Close()
		return l.Addr().String()
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c, bufio.NewReader(c))
			}()
		}
	}()
	return l.Addr().String()
}

// sendRaw sends bytes to a gateway and returns the response. If halfClose is true, it first closes its side of the
// connection.
func sendRaw(t *testing.T, url, text string, halfClose bool) (*http.Response, string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, text)
	if halfClose {
		_ = c.(*net.TCPConn).CloseWrite()
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body) + fmt.Sprint(err)
}
