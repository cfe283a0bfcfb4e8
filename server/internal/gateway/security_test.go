package gateway_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

func newHostileGate(t *testing.T, change func(*gateway.Config)) *gateway.Gate {
	t.Helper()
	document, err := os.ReadFile("testdata/hostile.yaml")
	if err != nil {
		t.Fatal(err)
	}
	contract, _, err := gateway.Read(t.Context(), document, spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	config := gateway.Config{Contract: contract}
	change(&config)
	gate, err := gateway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return gate
}

// TestClientCertificate: mutualTLS requires a certificate on the connection to the gate.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	gate := newHostileGate(t, func(*gateway.Config) {})
	server := httptest.NewUnstartedServer(gate.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert} //nolint:gosec // httptest sets the rest
	server.StartTLS()
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	for _, shown := range []bool{false, true} {
		want := http.StatusUnauthorized
		if shown {
			client.CloseIdleConnections()
			client.Transport.(*http.Transport).TLSClientConfig.Certificates = server.TLS.Certificates
			want = http.StatusNoContent
		}
		resp, err := client.Get(server.URL + "/api/tls")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if challenge := resp.Header.Get("WWW-Authenticate"); resp.StatusCode != want || (challenge == `Certificate realm="pfxrecryption"`) == shown {
			t.Errorf("certificate: %t: got %d and %q, want %d", shown, resp.StatusCode, challenge, want)
		}
	}
}

// TestChallenges: a refusal names the accepted credentials (RFC 9110 §11.6.1) and the required scopes.
func TestChallenges(t *testing.T) {
	t.Parallel()
	keys := newTokens(t)
	gate := newHostileGate(t, func(c *gateway.Config) { c.Verifier = keys.verifier })
	for request, want := range map[string]string{
		"/api/key/query":                `ApiKey realm="pfxrecryption", in="query", name="api_key"`,
		"/api/basic":                    `basic realm="pfxrecryption"`,
		"/api/users/a":                  `Bearer realm="pfxrecryption"`,
		"/api/or":                       `Bearer realm="pfxrecryption"`,
		"/api/and Bearer READ":          `Bearer realm="pfxrecryption", ApiKey realm="pfxrecryption", in="header", name="X-Key"`,
		"/api/both Bearer READ":         `Bearer realm="pfxrecryption", error="insufficient_scope", scope="read write"`,
		"/api/users/export Bearer READ": `Bearer realm="pfxrecryption", error="insufficient_scope", scope="admin"`,
		"/api/users/a Bearer EXPIRED":   `Bearer realm="pfxrecryption", error="invalid_token", error_description="Lifetime validation failed, the token is expired."`,
	} {
		path, authorization, _ := strings.Cut(request, " ")
		r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		if authorization != "" {
			r.Header.Set("Authorization", keys.words.Replace(authorization))
		}
		w := httptest.NewRecorder()
		gate.Serve(w, r, http.NotFoundHandler())
		if got := strings.Join(w.Header()["WWW-Authenticate"], ", "); got != want { //nolint:staticcheck // the name is sent in this case
			t.Errorf("%s: got %d and %s, want %s", request, w.Code, got, want)
		}
	}
}

// TestDescribeSecurity: the description names what the gateway does not verify, and the base paths.
func TestDescribeSecurity(t *testing.T) {
	t.Parallel()
	keys := newTokens(t)
	for name, tt := range map[string]struct {
		change func(*gateway.Config)
		want   []string
	}{
		"without an issuer": {func(*gateway.Config) {}, []string{"scheme o: tokens are optional and not checked"}},
		"with an issuer":    {func(c *gateway.Config) { c.Verifier = keys.verifier }, []string{"scheme o: the token is verified", "scheme oidc: the token is verified"}},
	} {
		var live gateway.Live
		live.Replace(newHostileGate(t, tt.change))
		var text strings.Builder
		live.Describe(&text)
		for _, want := range append(tt.want, "base path: /api\n", "scheme query: the key api_key must be present (query)", "scheme basic: credentials for basic must be present", "scheme tls: ") {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%s: %q is missing in\n%s", name, want, text.String())
			}
		}
		if !live.WantsCertificate() {
			t.Errorf("%s: no certificate is requested", name)
		}
	}
}
