package app_test

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/app"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

// TestThrottle writes more often than Microsoft Graph allows, and then reads: reading is not writing.
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
			t.Fatal(err)
		}
		r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	written, refused := 0, ""
	for range 400 { // a slow machine gives some back meanwhile
		resp := send(http.MethodPatch, "{}")
		if resp.StatusCode != http.StatusOK {
			refused = resp.Status + ", Retry-After " + resp.Header.Get("Retry-After")
			break
		}
		written++
	}
	if want := "429 Too Many Requests, Retry-After 1"; written < 100 || refused != want {
		t.Errorf("%d writes, then %q, want 100 and %q", written, refused, want)
	}
	if resp := send(http.MethodGet, ""); resp.StatusCode != http.StatusOK {
		t.Errorf("a read: %s", resp.Status)
	}
}
