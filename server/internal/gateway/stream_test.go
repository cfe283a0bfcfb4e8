package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// events has a stream, and a text that is not one.
const events = `
openapi: 3.0.3
info: { title: Events, version: '1' }
paths:
  /events:
    get:
      operationId: listen
      responses:
        '200': { description: Those to come., content: { text/event-stream: { schema: { type: string } } } }
  /text:
    get:
      operationId: read
      responses:
        '200': { description: All of it., content: { text/plain: { schema: { type: string, maxLength: 8 } } } }
`

// TestStreams: a stream of the contract is forwarded as it arrives in every mode, and counted as unchecked. The
// upstream sends a message after the client has got the previous one.
func TestStreams(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path, media string
		mode        policy.Mode
		status      int
		unchecked   bool
	}{
		"enforce":              {"/events", "text/event-stream; charset=utf-8", policy.Enforce, 200, true},
		"monitor":              {"/events", "text/event-stream", policy.Monitor, 200, true},
		"off":                  {"/events", "text/event-stream", policy.Off, 200, false},
		"undescribed":          {"/text", "text/event-stream", policy.Enforce, 502, false},
		"undescribed, watched": {"/text", "text/event-stream", policy.Monitor, 200, true},
		"not a stream":         {"/text", "text/plain", policy.Monitor, 200, false},
		"unknown path":         {"/others", "text/event-stream", policy.Enforce, 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := make(chan struct{}, 3)
			s := newStandAt(t, stream(t, tt.media, next), "", func(c *gateway.Config) {
				contract, _, err := gateway.Read(t.Context(), []byte(events), spec.Options{})
				if err != nil {
					t.Fatal(err)
				}
				monitor := policy.Monitor
				c.Contract, c.Policy, c.Defaults = contract, nil, policy.Defaults{Responses: tt.mode, Unknown: &monitor}
			})
			resp, err := http.Get("http://" + s.address + tt.path)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Fatalf("got %s", resp.Status)
			}
			in := bufio.NewReader(resp.Body)
			for i := range 3 {
				if tt.status != 200 {
					break
				}
				if line, err := in.ReadString('\n'); line != fmt.Sprintf("data: %d\n", i) {
					t.Fatalf("got %q, %v", line, err)
				}
				next <- struct{}{}
			}
			_, _ = io.Copy(io.Discard, in)
			if got := s.metric(t, "pfxr_gateway_unchecked_total"); strings.Contains(got, "stream 1") != tt.unchecked {
				t.Errorf("counted %q, want %t", got, tt.unchecked)
			}
		})
	}
	http.DefaultClient.CloseIdleConnections()
}

// stream is an upstream that sends three messages, each on a signal.
func stream(t *testing.T, media string, next <-chan struct{}) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := receive(bufio.NewReader(c)); err != nil {
			return
		}
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nContent-Type: %s\r\n\r\n", media)
		for i := range 3 {
			_, _ = fmt.Fprintf(c, "8\r\ndata: %d\n\r\n", i)
			select {
			case <-next:
			case <-t.Context().Done():
				return
			}
		}
		_, _ = io.WriteString(c, "0\r\n\r\n")
	}()
	return "http://" + l.Addr().String()
}

// TestUncheckedParts: interim responses and trailers, which are unchecked, are dropped if responses are enforced.
func TestUncheckedParts(t *testing.T) {
	t.Parallel()
	answer := "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
		fmt.Sprintf("%x\r\n%s\r\n0\r\nX-Late: 1\r\n\r\n", len(withID(entity)), withID(entity))
	for mode, passes := range map[string]bool{"enforce": false, "monitor": true, "off": true} {
		s := newStand(t, "responses: "+mode+"\n", answer, nil)
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "GET /beta/pfxRecryptionRequests/k HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		b, err := io.ReadAll(c)
		c.Close()
		if err != nil || !strings.Contains(string(b), "HTTP/1.1 200") {
			t.Errorf("%s: got %s, %v", mode, b, err)
		}
		for _, part := range []string{"HTTP/1.1 103", "X-Early", "X-Late"} {
			if strings.Contains(string(b), part) != passes {
				t.Errorf("%s: %s: %s", mode, part, b)
			}
		}
	}
}
