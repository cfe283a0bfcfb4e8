package app_test

import (
	"bufio"
	"context"
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

// TestStalledAnswer: if an upstream stops midway in a response that is held, the client gets 504 and the log a line. In
// monitor mode, a response without Content-Type gets none.
func TestStalledAnswer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				answer := "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n<html></htm>"
				if r.Method == http.MethodGet {
					answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"value\""
				}
				_, _ = io.WriteString(c, answer)
				_, _ = io.Copy(io.Discard, c) // until the gateway closes
			}()
		}
	}()
	var log strings.Builder
	url := runGateway(t, l.Addr().String(), 2*time.Second, policy.Enforce, slog.New(slog.NewJSONHandler(&log, nil)), func() {
		if !strings.Contains(log.String(), `"msg":"no response from the upstream","status":504`) {
			t.Errorf("the log: %s", &log)
		}
	})
	resp, err := http.Get(url + "/beta/pfxRecryptionRequests")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusGatewayTimeout || !strings.Contains(string(b), `"GatewayTimeout"`) {
		t.Errorf("got %s, %s, %v", resp.Status, b, err)
	}

	watched := runGateway(t, l.Addr().String(), time.Hour, policy.Monitor, slog.New(slog.DiscardHandler), func() {})
	resp, err = http.Post(watched+"/elsewhere", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, there := resp.Header["Content-Type"]; there || resp.StatusCode != http.StatusOK {
		t.Errorf("got %s, %v", resp.Status, resp.Header)
	}
}

// runGateway runs a gateway with one mode for both directions until the test ends, and then calls after.
func runGateway(t *testing.T, upstream string, timeout time.Duration, mode policy.Mode, log *slog.Logger, after func()) string {
	t.Helper()
	g, err := app.OpenGateway(t.Context(), app.GatewayConfig{
		Listen: "127.0.0.1:0", Upstream: "http://" + upstream, MaxConns: 8, Timeout: timeout, MaxResponse: 1 << 20,
		Requests: &mode, Responses: &mode,
	}, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- g.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		after()
	})
	return g.URL
}
