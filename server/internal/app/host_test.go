package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"
)

// TestDrainTakesRequestsUntilBalancersKnow: after the signal, while /readyz says 503, the host still answers on the
// connections that callers have and on new ones, and ends each of them with its answer.
func TestDrainTakesRequestsUntilBalancersKnow(t *testing.T) {
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
	admin, err := h.openAdmin("127.0.0.1:0", func(context.Context) string { return "" })
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
		t.Errorf("after the drain a request is answered with %s", resp.Status)
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
