package app

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

// startServer runs a development server until the test ends.
func startServer(t *testing.T, log io.Writer, change func(*Config)) *Server {
	t.Helper()
	c := Config{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Store: "sqlite:" + filepath.Join(t.TempDir(), "pfxr.db"), Dev: true}
	if change != nil {
		change(&c)
	}
	s, err := Open(t.Context(), c, slog.New(slog.NewJSONHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	runServer(t, s)
	return s
}

// token returns a token of the tenant of Microsoft's page.
func (s *Server) token(t *testing.T, g auth.Grant) string {
	t.Helper()
	if err := g.Tenant.UnmarshalText([]byte(devTenant)); err != nil {
		t.Fatal(err)
	}
	if g.Roles == nil && g.Scopes == nil {
		g.Roles = []string{auth.DefaultRole}
	}
	token, err := s.Issuer.Token(g)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// send writes a raw request that ends its connection, and returns the status of the response. The server has then finished
// the request.
func (s *Server) send(t *testing.T, request string) int {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	_, _ = io.Copy(io.Discard, in) // a reset connection has ended, too
	return resp.StatusCode
}

// TestRebinding: a page whose own name resolves to loopback gets neither an object nor a token from a development server.
func TestRebinding(t *testing.T) {
	t.Parallel()
	s := startServer(t, io.Discard, func(c *Config) { c.PublicURL, c.Docs = "https://pfx.example", true })
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	const object, keys, page = "/beta/pfxRecryptionRequests/sample", "/dev/common/discovery/v2.0/keys", "/docs"
	for _, tt := range []struct {
		host         string
		object, keys int
	}{
		{"127.0.0.1" + port, 401, 200},
		{"localhost" + port, 401, 200},
		{"LOCALHOST" + port, 401, 200},
		{"app.localhost" + port, 401, 200},
		{"localhost." + port, 401, 200},
		{"[::1]" + port, 401, 200},
		{"127.1.2.3", 401, 200},
		{"pfx.example", 401, 200},
		{"PFX.example", 401, 200},
		{"", 401, 200},
		{"server", 401, 421},
		{"evil.example", 421, 421},
		{"evil.example" + port, 421, 421},
		{"localhost.evil.example" + port, 421, 421},
		{"127.0.0.1.evil.example", 421, 421},
		{"evil.example.", 421, 421},
		{"pfx.example:444", 421, 421},
		{"192.0.2.1" + port, 421, 421},
		{"[2001:db8::1]" + port, 421, 421},
		{"0.0.0.0" + port, 421, 421},
		{"a<b>", 400, 400},
	} {
		seen := tt.object
		if seen == http.StatusUnauthorized {
			seen = http.StatusOK // a page needs no token
		}
		for path, want := range map[string]int{object: tt.object, keys: tt.keys, page: seen} {
			if got := s.send(t, "GET "+path+" HTTP/1.1\r\nHost: "+tt.host+"\r\nAccept: text/html\r\nConnection: close\r\n\r\n"); got != want {
				t.Errorf("%q %s: got %d, want %d", tt.host, path, got, want)
			}
		}
	}
	if got := s.send(t, "GET http://evil.example"+object+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); got != 421 {
		t.Errorf("a target in absolute form: got %d, want 421", got)
	}
	if got := s.send(t, "GET "+object+" HTTP/1.0\r\n\r\n"); got != 401 {
		t.Errorf("HTTP/1.0 without Host: got %d, want 401", got)
	}
}

// TestDevelopmentWithTLS: a development server with its own certificate accepts its own tokens, by each name of loopback and
// in each layout of the issuer's addresses.
func TestDevelopmentWithTLS(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	client := s.newClient(t, true)
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	for _, base := range []string{s.URL, "https://localhost" + port} {
		for _, layout := range []string{"/", "/dev/"} {
			resp, err := client.PostForm(base+layout+devTenant+"/oauth2/v2.0/token", url.Values{
				"grant_type": {"client_credentials"}, "client_id": {"a"}, "scope": {"https://graph.microsoft.com/.default"},
			})
			if err != nil {
				t.Fatal(err)
			}
			var body struct {
				Token string `json:"access_token"`
			}
			err = json.NewDecoder(resp.Body).Decode(&body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/beta/pfxRecryptionRequests/sample", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+body.Token)
			if resp, err = client.Do(r); err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s%s: got %s", base, layout, resp.Status)
			}
		}
	}
}

// TestIssuerFile: issuers are added and removed with the file, and an invalid file changes nothing. The log never contains
// the part of an address before '@'.
func TestIssuerFile(t *testing.T) {
	t.Parallel()
	other := startServer(t, io.Discard, nil)
	file := filepath.Join(t.TempDir(), "issuers")
	mine := "# none yet\n\nhttps://login.example/{tenantid}\n"
	if err := os.WriteFile(file, []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &lines{told: make(chan string, 1000)}
	s := startServer(t, log, func(c *Config) {
		c.Dev, c.IssuerFile, c.Audience = false, file, []string{auth.DefaultAudience}
	})
	token := other.token(t, auth.Grant{})
	get := func() int {
		return s.send(t, "GET /beta/pfxRecryptionRequests/sample HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer "+token+"\r\nConnection: close\r\n\r\n")
	}
	if got := get(); got != http.StatusUnauthorized {
		t.Fatalf("before: got %d, want 401", got)
	}
	for _, step := range []struct {
		text, log string
		want      int
	}{
		{mine + "  " + other.Issuer.Template() + "\n", `"msg":"issuers reloaded"`, http.StatusNotFound},
		{"https://u:secret@login.example/\n", "issuers not reloaded", http.StatusNotFound},
		{"# no issuer\n", "it contains no issuer", http.StatusNotFound},
		{mine, `"msg":"issuers reloaded"`, http.StatusUnauthorized},
	} {
		replace(t, file, step.text)
		log.await(step.log)
		if got := get(); got != step.want {
			t.Errorf("%q: got %d, want %d", step.text, got, step.want)
		}
	}
	if log.count("secret") > 0 {
		t.Error("the log has a password")
	}
}

// TestRequestLine: a line names the object, the user and the path; names of durations contain their unit.
func TestRequestLine(t *testing.T) {
	t.Parallel()
	log := &lines{told: make(chan string, 1000)}
	s := startServer(t, log, nil)
	const auths = "Authorization: Bearer "
	user := s.token(t, auth.Grant{App: "app", User: "ann", Scopes: []string{auth.DefaultRole}})
	for _, tt := range []struct {
		line string
		want map[string]any // nil: the member must be absent
	}{
		{"GET /beta/pfxRecryptionRequests('sample')?$select=status HTTP/1.1\r\n" + auths + s.token(t, auth.Grant{App: "app"}), map[string]any{"key": "sample", "status": 200.0, "user": nil, "path": nil, "app": "app"}},
		{"GET /beta/pfxRecryptionRequests/sample HTTP/1.1\r\n" + auths + user, map[string]any{"key": "sample", "user": userID(t, user), "tenant": devTenant}},
		{"GET /beta/pfxRecryptionRequests/absent HTTP/1.1\r\n" + auths + user, map[string]any{"key": "absent", "status": 404.0}},
		{"GET /beta/elsewhere/%22?secret=1 HTTP/1.1\r\n" + auths + user, map[string]any{"path": "/beta/elsewhere/%22", "status": 400.0, "key": nil, "operation": nil}},
		{"GET /" + strings.Repeat("x", 1000) + " HTTP/1.1\r\n" + auths + user, map[string]any{"path": "/" + strings.Repeat("x", 199) + "…"}},
		{"GET /beta/pfxRecryptionRequests HTTP/1.1\r\n" + auths + user, map[string]any{"key": nil, "operation": "listPfxRecryptionRequests"}},
	} {
		s.send(t, tt.line+"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		var entry map[string]any
		for line := range log.told {
			if strings.Contains(line, `"msg":"request"`) {
				if err := json.Unmarshal([]byte(line), &entry); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		for name, want := range tt.want {
			if entry[name] != want {
				t.Errorf("%.60s: %s is %v, want %v", tt.line, name, entry[name], want)
			}
		}
		if ms, ok := entry["duration_ms"].(float64); !ok || ms <= 0 || ms > float64(time.Minute.Milliseconds()) {
			t.Errorf("%.60s: duration_ms is %v", tt.line, entry["duration_ms"])
		}
	}
}

// userID returns the object id in a token.
func userID(t *testing.T, token string) string {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Oid string }
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims.Oid
}

// TestServerMetrics: the metrics match the requests.
func TestServerMetrics(t *testing.T) {
	t.Parallel()
	s := startServer(t, io.Discard, nil)
	authorization := "\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " + s.token(t, auth.Grant{})
	for request, want := range map[string]int{
		"GET /beta/pfxRecryptionRequests/sample HTTP/1.1" + authorization + "\r\n\r\n":                                                                         200,
		"GET /beta/pfxRecryptionRequests/absent HTTP/1.1" + authorization + "\r\n\r\n":                                                                         404,
		"GET /elsewhere HTTP/1.1" + authorization + "\r\n\r\n":                                                                                                 404,
		"PATCH /beta/pfxRecryptionRequests/sample HTTP/1.1" + authorization + "\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"status\":1}": 200,
		"GET /beta/pfxRecryptionRequests/sample HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":                                                      401,
	} {
		if got := s.send(t, request); got != want {
			t.Errorf("%q: got %d, want %d", request, got, want)
		}
	}
	shown := metricsOf(t, s.AdminURL)
	for _, line := range []string{
		`pfxr_requests_total{operation="getPfxRecryptionRequest",reason="",status="200"} 1`,
		`pfxr_requests_total{operation="getPfxRecryptionRequest",reason="ResourceNotFound",status="404"} 1`,
		`pfxr_requests_total{operation="getPfxRecryptionRequest",reason="InvalidAuthenticationToken",status="401"} 1`,
		`pfxr_requests_total{operation="updatePfxRecryptionRequest",reason="",status="200"} 1`,
		`pfxr_request_duration_seconds_count{operation="updatePfxRecryptionRequest"} 1`,
		`pfxr_token_checks_total{outcome="accepted"} 3`, `pfxr_token_checks_total{outcome="missing"} 1`,
		`pfxr_store_duration_seconds_count{call="update"} 1`, `pfxr_store_duration_seconds_count{call="get"} 2`,
		`pfxr_store_batch_size_count `, `pfxr_requests_in_flight 0`, `pfxr_connections `,
	} {
		if !strings.Contains(shown, "\n"+line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
}
