package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// fields returns header fields that, with those that clients add, have a total length as the limit counts it.
func fields(length int) string {
	own := len("User-Agent: Go-http-client/1.1\r\n") + len("Accept-Encoding: gzip\r\n")
	return "\nUser-Agent: Go-http-client/1.1\nX: " + strings.Repeat("x", length-own-len("X: \r\n"))
}

// TestLimits: a message at the limit passes, one with another byte does not.
func TestLimits(t *testing.T) {
	t.Parallel()
	const put = "PUT /orders/1\nContent-Type: application/json"
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"a":"`+strings.Repeat("a", 92)+`"}`) // 100 bytes
	})
	for name, tt := range map[string]struct {
		change func(*gateway.Config)
		head   string
		body   string
		status int
	}{
		"the default header":         {nil, "GET /orders/1" + fields(16<<10), "", 200},
		"above it":                   {nil, "GET /orders/1" + fields(16<<10+1), "", 431},
		"a small header":             {func(c *gateway.Config) { c.MaxHeader = 100 }, "GET /orders/1" + fields(100), "", 200},
		"above that":                 {func(c *gateway.Config) { c.MaxHeader = 100 }, "GET /orders/1" + fields(101), "", 431},
		"a large header":             {func(c *gateway.Config) { c.MaxHeader = 60 << 10 }, "GET /orders/1" + fields(60<<10), "", 200},
		"above it, only watched":     {func(c *gateway.Config) { mode := policy.Monitor; c.Defaults.ForceRequests = &mode }, "GET /orders/1" + fields(16<<10+1), "", 200},
		"a body at the limit":        {func(c *gateway.Config) { c.Contract.MaxBody = 20 }, put, `{"price":1}` + strings.Repeat(" ", 9), 204},
		"a body above it":            {func(c *gateway.Config) { c.Contract.MaxBody = 20 }, put, `{"price":1}` + strings.Repeat(" ", 10), 413},
		"a body that grows above it": {func(c *gateway.Config) { c.Contract.MaxBody = 100 }, put + "\nContent-Encoding: gzip", zipped(`{"price":1}` + strings.Repeat(" ", 90)), 413},
		"a response at the limit":    {func(c *gateway.Config) { c.MaxResponse = 100 }, "GET /orders/1", "", 200},
		"a response above it":        {func(c *gateway.Config) { c.MaxResponse = 99 }, "GET /orders/1", "", 502},
		"one that is only watched":   {func(c *gateway.Config) { c.MaxResponse, c.Defaults.Responses = 99, policy.Monitor }, "GET /orders/1", "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			protocols(t, func(t *testing.T, http2 bool) {
				client, base := newServer(t, http2, orders, upstream, func(c *gateway.Config) {
					c.Defaults.Responses = policy.Enforce
					if tt.change != nil {
						tt.change(c)
					}
				})
				if resp, body := do(t, client, base, tt.head, tt.body); resp.StatusCode != tt.status {
					t.Errorf("got %d %s, want %d", resp.StatusCode, body, tt.status)
				}
			})
		})
	}
}
