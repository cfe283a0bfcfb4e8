package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMaxRequest: --max-request bounds the body of a request, otherwise the contract's bound applies.
func TestMaxRequest(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "openapi.yaml")
	document := `{openapi: 3.0.3, info: {title: t, version: '1'}, paths: {/x: {post: {requestBody: {content: {text/plain: {schema: {type: string}}}}, responses: {default: {description: any}}}}}}`
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		limit  int64
		length int
		want   int
	}{
		"at the default":    {0, 1 << 20, http.StatusNoContent},
		"above it":          {0, 1<<20 + 1, http.StatusRequestEntityTooLarge},
		"at a larger one":   {2 << 20, 2 << 20, http.StatusNoContent},
		"above that":        {2 << 20, 2<<20 + 1, http.StatusRequestEntityTooLarge},
		"above a small one": {10, 11, http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := GatewayConfig{Upstream: "http://127.0.0.1:1", MaxConns: 1, MaxRequest: tt.limit, MaxResponse: 1, Timeout: time.Hour, Spec: file}
			g := newGateway(config, slog.New(slog.DiscardHandler))
			if err := g.prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = g.close() })
			r := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader(strings.Repeat("a", tt.length)))
			r.Header.Set("Content-Type", "text/plain")
			w := httptest.NewRecorder()
			g.current.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })).ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("got %d: %s, want %d", w.Code, w.Body, tt.want)
			}
		})
	}
	for limit, want := range map[int]bool{-1: false, 0: true, 1: true, 1 << 20: true, 1<<20 + 1: false} {
		c := GatewayConfig{Upstream: "http://127.0.0.1:1", MaxConns: 1, MaxHeader: limit, MaxResponse: 1, Timeout: time.Hour}
		if err := c.Validate(); (err == nil) != want {
			t.Errorf("--max-header %d: got %v", limit, err)
		}
	}
	for limit, want := range map[int64]bool{-1: false, 0: true, 1: true} {
		c := GatewayConfig{Upstream: "http://127.0.0.1:1", MaxConns: 1, MaxRequest: limit, MaxResponse: 1, Timeout: time.Hour}
		if err := c.Validate(); (err == nil) != want {
			t.Errorf("%d: got %v", limit, err)
		}
	}
}

// runGateway runs a gateway that passes unknown paths until the test ends. It returns the gateway and a client.
func runGateway(t *testing.T, c GatewayConfig, log *slog.Logger) (*Gateway, *http.Client) {
	t.Helper()
	c.Listen, c.MaxConns, c.MaxResponse, c.Timeout, c.Unknown = "127.0.0.1:0", 1, 1, time.Hour, "pass"
	g, err := OpenGateway(t.Context(), c, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return g, client
}

// TestMaxHeader: above the bound the response is the gateway's own, even if the bound is above net/http's.
func TestMaxHeader(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(upstream.Close)
	for name, tt := range map[string]struct{ limit, length, want int }{
		"at the default":   {0, 15 << 10, http.StatusNoContent},
		"above it":         {0, 17 << 10, http.StatusRequestHeaderFieldsTooLarge},
		"at a larger one":  {200 << 10, 199 << 10, http.StatusNoContent},
		"above that":       {200 << 10, 201 << 10, http.StatusRequestHeaderFieldsTooLarge},
		"at a smaller one": {1 << 10, 1 << 10, http.StatusRequestHeaderFieldsTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, client := runGateway(t, GatewayConfig{MaxHeader: tt.limit, Upstream: upstream.URL}, slog.New(slog.DiscardHandler))
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+"/x", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X", strings.Repeat("x", tt.length))
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tt.want || tt.want >= 400 && !strings.Contains(string(body), "RequestHeaderFieldsTooLarge") {
				t.Errorf("got %d %s, %v, want %d", resp.StatusCode, body, err, tt.want)
			}
		})
	}
}
