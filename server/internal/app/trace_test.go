package app

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestTraces: spans go to the collector, the last ones when the gateway ends.
func TestTraces(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(upstream.Close)
	got := make(chan []byte, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("got %s %s %v, %v", r.Method, r.URL, r.Header, err)
		}
		got <- body
	}))
	t.Cleanup(collector.Close)
	log := &lines{told: make(chan string, 100)}
	g, err := OpenGateway(t.Context(), GatewayConfig{
		Listen: "127.0.0.1:0", Upstream: upstream.URL, MaxConns: 1, MaxResponse: 1, Timeout: time.Hour, OTLPEndpoint: collector.URL + "/",
	}, slog.New(slog.NewJSONHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{}}
	resp, err := client.Get(g.URL + "/beta/pfxRecryptionRequests/k")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	client.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if body := <-got; !bytes.Contains(body, []byte("GET /pfxRecryptionRequests/{pfxRecryptionRequestsId}")) || !bytes.Contains(body, []byte("pfxrd-gateway")) {
		t.Errorf("got %q", body)
	}
}

func TestOTLPEndpoint(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]bool{
		"": true, "http://127.0.0.1:4318": true, "https://collector.example/": true, "127.0.0.1:4318": false, "grpc://127.0.0.1:4317": false, "http://127.0.0.1:4318/v1/traces": false,
	} {
		c := GatewayConfig{Upstream: "http://127.0.0.1:1", MaxConns: 1, MaxResponse: 1, Timeout: time.Hour, OTLPEndpoint: endpoint}
		if err := c.Validate(); (err == nil) != want {
			t.Errorf("%q: got %v", endpoint, err)
		}
	}
}
