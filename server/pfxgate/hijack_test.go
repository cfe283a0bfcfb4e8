package pfxgate_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/pfxgate"
)

const sockets = `
openapi: 3.1.0
info: { title: Sockets, version: '1' }
paths:
  /described:
    get: { operationId: a, responses: { '101': { description: A socket. } } }
  /undescribed:
    get: { operationId: b, responses: { '200': { description: A text. } } }
  /default:
    get: { operationId: c, responses: { default: { description: Anything. } } }
`

// TestHijack: a handler may take over the connection if the response is not held or the contract allows it. Otherwise it
// cannot bypass the gate.
func TestHijack(t *testing.T) {
	t.Parallel()
	for path, passes := range map[string]map[pfxgate.Mode]bool{
		"/described":   {pfxgate.Enforce: true, pfxgate.Monitor: true, pfxgate.Off: true},
		"/undescribed": {pfxgate.Enforce: false, pfxgate.Monitor: true, pfxgate.Off: true},
		"/default":     {pfxgate.Enforce: false, pfxgate.Monitor: true, pfxgate.Off: true},
		"/unknown":     {pfxgate.Enforce: true, pfxgate.Monitor: true, pfxgate.Off: true},
	} {
		for mode, want := range passes {
			t.Run(path+" "+string(mode), func(t *testing.T) {
				t.Parallel()
				gate := newGate(t, pfxgate.Config{Spec: []byte(sockets), Responses: mode, Unknown: pfxgate.Monitor})
				s := httptest.NewServer(gate.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					c, _, err := http.NewResponseController(w).Hijack()
					if err != nil {
						_, _ = io.WriteString(w, "past the gate")
						return
					}
					defer c.Close()
					_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello")
				})))
				defer s.Close()
				c, err := net.Dial("tcp", s.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
				resp, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, _ := io.ReadAll(resp.Body)
				if switched := resp.StatusCode == http.StatusSwitchingProtocols; switched != want || strings.Contains(string(body), "past") {
					t.Errorf("got %s %s, want a takeover: %t", resp.Status, body, want)
				}
			})
		}
	}
}

// TestTakeoverComesTooLate: a handler cannot take over the connection once the response has begun.
func TestTakeoverComesTooLate(t *testing.T) {
	t.Parallel()
	gate := newGate(t, pfxgate.Config{Spec: []byte(sockets), Responses: pfxgate.Off})
	s := httptest.NewServer(gate.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
			t.Error("the connection was taken over")
		}
		if err := w.(http.Pusher).Push("/other", nil); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("got %v: HTTP/1.1 pushes nothing", err)
		}
	})))
	defer s.Close()
	resp, err := s.Client().Get(s.URL + "/described")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusTeapot {
		t.Errorf("got %s", resp.Status)
	}
}
