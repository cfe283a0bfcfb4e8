package app_test

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/app"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

// TestThrottle writes more often than Microsoft Graph allows, and then reads: reads are not limited.
func TestThrottle(t *testing.T) {
	t.Parallel()
	s, err := app.Open(t.Context(), app.Config{
		Listen: "127.0.0.1:0", Store: "sqlite:" + filepath.Join(t.TempDir(), "pfxr.db"), Dev: true, Throttle: "graph",
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- s.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	var tenant edm.Guid
	if err := tenant.UnmarshalText([]byte("f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9")); err != nil {
		t.Fatal(err)
	}
	token, err := s.Issuer.Token(auth.Grant{Tenant: tenant, App: "a", Roles: []string{auth.DefaultRole}})
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, body string) *http.Response {
		r, err := http.NewRequestWithContext(ctx, method, s.URL+"/beta/pfxRecryptionRequests/sample", strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return &http.Response{Status: err.Error()}
		}
		r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			return &http.Response{Status: err.Error()}
		}
		resp.Body.Close()
		return resp
	}
	// The writes run at once, because permits return after a second: a slow machine may need a second round.
	var written atomic.Int64
	refusals := make(chan string, 1)
	refused := ""
	for refused == "" {
		var wg sync.WaitGroup
		for range 150 {
			wg.Go(func() {
				if resp := send(http.MethodPatch, "{}"); resp.StatusCode == http.StatusOK {
					written.Add(1)
				} else {
					select {
					case refusals <- resp.Status + ", Retry-After " + resp.Header.Get("Retry-After"):
					default:
					}
				}
			})
		}
		wg.Wait()
		select {
		case refused = <-refusals:
		default:
		}
	}
	if want := "429 Too Many Requests, Retry-After 1"; written.Load() < 100 || refused != want {
		t.Errorf("%d writes, then %q, want 100 and %q", written.Load(), refused, want)
	}
	if resp := send(http.MethodGet, ""); resp.StatusCode != http.StatusOK {
		t.Errorf("a read: %s", resp.Status)
	}
}
