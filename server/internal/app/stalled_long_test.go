//go:build long

package app

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

// TestStalledBody: a body that stops midway gets 408 (RFC 9110 §15.5.9), and the HTTP/1.1 connection ends with it.
func TestStalledBody(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	token := s.token(t, auth.Grant{})
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, out := io.Pipe()
			t.Cleanup(func() { out.Close() })
			go func() { _, _ = io.WriteString(out, `{"st`) }() // blocks until the request ends
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, s.URL+"/beta/pfxRecryptionRequests/sample", body)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = 12
			r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
			resp, err := s.newClient(t, http2).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(text), `"RequestTimeout"`) {
				t.Errorf("got %s %s, %v, want 408", resp.Status, text, err)
			}
		})
	}
}
