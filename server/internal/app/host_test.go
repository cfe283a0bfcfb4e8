package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestPortInUse: the error names the flag and says what to do.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = listen("--admin-listen", taken.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "another program listens there") || !strings.HasPrefix(err.Error(), "--admin-listen ") {
		t.Errorf("got %v", err)
	}
}

// TestDrainServesUntilBalancersNotice: after the signal /readyz returns 503, but the host still serves requests on open
// and new connections, and each response ends its connection.
func TestDrainServesUntilBalancersNotice(t *testing.T) {
	t.Parallel()
	const delay = 2 * time.Second
	h := newHost(slog.New(slog.DiscardHandler), delay)
	slept, seen := make(chan time.Duration), make(chan struct{})
	h.sleep = func(d time.Duration) { slept <- d; <-seen }
	server, url, err := h.open("127.0.0.1:0", "", "")
	if err != nil {
		t.Fatal(err)
	}
	server.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	admin, err := h.openAdmin("127.0.0.1:0", false, func(context.Context) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- h.serve(ctx) }()

	kept, fresh, probe := newClient(t), newClient(t), newClient(t)
	wantAnswer(t, kept, url, http.StatusOK, false)
	wantAnswer(t, probe, admin+"/readyz", http.StatusOK, false)
	cancel()
	if d := <-slept; d != delay {
		t.Errorf("it drains for %s, want %s", d, delay)
	}
	wantAnswer(t, probe, admin+"/readyz", http.StatusServiceUnavailable, true)
	wantAnswer(t, kept, url, http.StatusOK, true)
	wantAnswer(t, fresh, url, http.StatusOK, true)
	close(seen)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if resp, err := fresh.Get(url); err == nil {
		t.Errorf("after the drain a request got the response %s", resp.Status)
	}
}

func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func wantAnswer(t *testing.T, c *http.Client, url string, status int, last bool) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	if resp.StatusCode != status || resp.Close != last {
		t.Errorf("%s: got %s, last %t, want %d, last %t", url, resp.Status, resp.Close, status, last)
	}
}

// TestAdmin: profiles need --debug, and the log warns if other machines can reach the listener.
func TestAdmin(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		address string
		debug   bool
		status  int
		warns   bool
	}{
		"by default":         {"127.0.0.1:0", false, http.StatusNotFound, false},
		"to debug":           {"127.0.0.1:0", true, http.StatusOK, false},
		"IPv6":               {"[::1]:0", false, http.StatusNotFound, false},
		"by name":            {"localhost:0", false, http.StatusNotFound, false},
		"for other machines": {"0.0.0.0:0", false, http.StatusNotFound, true},
		"on all addresses":   {":0", false, http.StatusNotFound, true},
		"with both":          {"0.0.0.0:0", true, http.StatusOK, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &lines{}
			h := newHost(slog.New(slog.NewJSONHandler(log, nil)), 0)
			admin, err := h.openAdmin(tt.address, tt.debug, func(context.Context) string { return "" })
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = h.close() })
			for path, want := range map[string]int{"/debug/pprof/": tt.status, "/debug/pprof/heap": tt.status, "/healthz": http.StatusOK, "/readyz": http.StatusOK, "/metrics": http.StatusOK} {
				w := httptest.NewRecorder()
				h.serving[0].server.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
				if w.Code != want {
					t.Errorf("%s: got %d, want %d", path, w.Code, want)
				}
			}
			address := strings.TrimPrefix(admin, "http://")
			if got := log.count("open to other machines"); got > 0 != tt.warns || tt.warns && log.count(address) != 1 {
				t.Errorf("%s: got %d warnings", address, got)
			}
		})
	}
}
