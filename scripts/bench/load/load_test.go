//go:build linux

package load

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve starts a server and returns its address and a function that writes a GET of a path.
func serve(t *testing.T, handler http.HandlerFunc) (string, func(path string) []byte) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	address := strings.TrimPrefix(s.URL, "http://")
	return address, func(path string) []byte {
		return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, address)
	}
}

func TestEveryRequestIsSentAndCounted(t *testing.T) {
	t.Parallel()
	for name, rate := range map[string]float64{"after each response": 0, "at a fixed rate": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			address, get := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				sent.Add(1)
				fmt.Fprint(w, "a response")
			})
			seen, err := Load{Address: address, Connections: 4, Duration: 50 * time.Millisecond, Rate: rate, Requests: Same(get("/"))}.Run()
			if err != nil {
				t.Fatal(err)
			}
			if len(seen.Took) != int(sent.Load()) {
				t.Errorf("%d responses to %d requests", len(seen.Took), sent.Load())
			}
			if rate > 0 && len(seen.Took) != 50 {
				t.Errorf("%d requests, want 50", len(seen.Took))
			}
		})
	}
}

func TestOtherStatusIsAnError(t *testing.T) {
	t.Parallel()
	address, get := serve(t, http.NotFound)
	_, err := Load{Address: address, Connections: 1, Duration: time.Second, Requests: Same(get("/"))}.Run()
	if err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want one with the status", err)
	}
}

func TestBodyOfTheResponse(t *testing.T) {
	t.Parallel()
	address, get := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) })
	c, err := Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, path := range []string{"/one", "/another"} {
		if body, err := c.Body(get(path)); err != nil || string(body) != path {
			t.Errorf("got %q, %v, want %q", body, err, path)
		}
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	var s Seen
	for i := range 100 {
		s.Took = append(s.Took, time.Duration(i))
	}
	for share, want := range map[float64]time.Duration{0: 0, 0.5: 50, 0.99: 99, 1: 99} {
		if got := s.Quantile(share); got != want {
			t.Errorf("Quantile(%v): got %d, want %d", share, got, want)
		}
	}
}
