package cors_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/cors"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAllowed: a page may read the response if its origin is named or, with Loopback, is on this machine.
func TestAllowed(t *testing.T) {
	t.Parallel()
	named := cors.Policy{Origins: []string{"https://app.example"}}
	local := cors.Policy{Loopback: true}
	for name, tt := range map[string]struct {
		policy  cors.Policy
		origins []string
		want    string
	}{
		"named":                  {named, []string{"https://app.example"}, "https://app.example"},
		"another":                {named, []string{"https://app.example.evil"}, ""},
		"another port":           {named, []string{"https://app.example:8443"}, ""},
		"no origin":              {named, nil, ""},
		"two origins":            {named, []string{"https://app.example", "https://app.example"}, ""},
		"all":                    {cors.Policy{Origins: []string{"*"}}, []string{"https://x.example"}, "*"},
		"localhost":              {local, []string{"http://localhost:5173"}, "http://localhost:5173"},
		"a name below it":        {local, []string{"https://app.localhost"}, "https://app.localhost"},
		"IPv4":                   {local, []string{"http://127.0.0.9:3000"}, "http://127.0.0.9:3000"},
		"IPv6":                   {local, []string{"http://[::1]:3000"}, "http://[::1]:3000"},
		"a name with that end":   {local, []string{"http://evillocalhost"}, ""},
		"a name with that start": {local, []string{"http://localhost.evil.example"}, ""},
		"another address":        {local, []string{"http://192.0.2.1"}, ""},
		"an opaque origin":       {local, []string{"null"}, ""},
		"an extension":           {local, []string{"chrome-extension://localhost"}, ""},
		"no allowed origin":      {cors.Policy{}, []string{"http://localhost"}, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Origin"] = tt.origins
		if got := tt.policy.Allowed(r); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// TestHandler: a page that may call can read what the client needs and gets cacheable responses to preflights; others get
// nothing.
func TestHandler(t *testing.T) {
	t.Parallel()
	policy := cors.Policy{Loopback: true}
	reached := 0
	h := policy.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }), pfxvalid.Operations, slog.New(slog.DiscardHandler))
	send := func(method, origin, asked string) http.Header {
		r := httptest.NewRequest(method, "/beta/pfxRecryptionRequests/sample", nil)
		for name, value := range map[string]string{"Origin": origin, "Access-Control-Request-Method": asked} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result().Header
	}
	const origin = "http://localhost:5173"
	got := send("GET", origin, "")
	if reached != 1 || got.Get("Access-Control-Allow-Origin") != origin || got.Get("Vary") != "Origin" {
		t.Errorf("a call: %v", got)
	}
	for _, name := range []string{"Date", "ETag", "request-id", "Retry-After", "Location", "Preference-Applied"} {
		if !strings.Contains(got.Get("Access-Control-Expose-Headers")+",", name+",") {
			t.Errorf("a page cannot read %s: %v", name, got)
		}
	}
	got = send("OPTIONS", origin, "PATCH")
	if reached != 1 || got.Get("Access-Control-Allow-Methods") != "DELETE, GET, HEAD, OPTIONS, PATCH, POST" || got.Get("Access-Control-Max-Age") == "" {
		t.Errorf("a preflight: %v", got)
	}
	for _, name := range []string{"Authorization", "Content-Type", "If-Match", "If-None-Match", "Prefer", "client-request-id"} {
		if !strings.Contains(got.Get("Access-Control-Allow-Headers")+",", name+",") {
			t.Errorf("a page cannot send %s: %v", name, got)
		}
	}
	if got = send("OPTIONS", "https://elsewhere.example", "PATCH"); got.Get("Access-Control-Allow-Origin") != "" || got.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("a preflight from another origin: %v", got)
	}
	if got = send("GET", "", ""); reached != 2 || len(got) != 0 {
		t.Errorf("a call without an origin: %v", got)
	}
}
