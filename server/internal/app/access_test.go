package app

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// TestAccessLog: a line has the facts that only the gateway knows of both sides. With --access-log off there is no line.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(upstream.Close)
	for _, mode := range []string{"on", "off"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			log := &lines{told: make(chan string, 100)}
			g, client := runGateway(t, GatewayConfig{
				Upstream: upstream.URL, AccessLog: mode, TrustedProxy: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			}, slog.New(slog.NewJSONHandler(log, nil)))
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+"/x", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Forwarded-For", "198.51.100.7")
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if mode == "off" {
				g.host.log.Info("end")
				log.await("end")
				if log.count(`"msg":"request"`) > 0 {
					t.Error("the access log is off, but has a line")
				}
				return
			}
			for line := range log.told {
				if !strings.Contains(line, `"msg":"request"`) {
					continue
				}
				var entry struct{ Upstream, Caller, Path string }
				if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Upstream != strings.TrimPrefix(upstream.URL, "http://") ||
					entry.Caller != "198.51.100.7" || entry.Path != "/x" {
					t.Errorf("got %s, %v", line, err)
				}
				return
			}
		})
	}
}
