package auth_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

const devBase = "http://127.0.0.1:8080"

// devIssuer is shared, because its key is slow to generate; tests call its handler.
var devIssuer = sync.OnceValue(func() *auth.Issuer {
	c := &clock{}
	return must(auth.NewIssuer(devBase, c.now))
})

// devVerifier verifies devIssuer's tokens in the same way as Entra's.
func devVerifier(t *testing.T) *auth.Verifier {
	t.Helper()
	c := &clock{}
	v, err := auth.New(auth.Config{
		Issuers: []string{devIssuer().Template()}, Audiences: []string{auth.DefaultAudience}, Now: c.now,
		HTTPClient: clientOf(devIssuer()),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// ask sends a token request for the tenant of the tests and returns the response.
func ask(t *testing.T, form string, change ...func(*http.Request)) (*http.Response, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, devBase+"/dev/"+tenant+"/oauth2/v2.0/token", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	devIssuer().ServeHTTP(w, r)
	res := w.Result()
	var body map[string]any
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		t.Fatalf("decoding the response: %v", err)
	}
	if got := res.Header.Get("Cache-Control") + " " + res.Header.Get("Content-Type"); got != "no-store application/json" {
		t.Errorf("got Cache-Control and Content-Type %q, want no-store application/json", got)
	}
	return res, body
}

func TestIssuerToken(t *testing.T) {
	t.Parallel()
	v := devVerifier(t)
	for _, tt := range []struct {
		name, form        string
		change            func(*http.Request)
		permission, other string // the first is allowed, the second is not; may be empty
		delegated         bool
	}{
		{name: "default", form: "client_id=a&client_secret=b&scope=api%3A%2F%2Fpfxrecryption%2F.default", permission: auth.DefaultRole},
		{name: "scopes of OpenID Connect", form: "client_id=a&scope=openid+api%3A%2F%2Fpfxrecryption%2F.default+offline_access+profile", permission: auth.DefaultRole},
		{name: "without scope", form: "client_id=a&client_secret=b", permission: auth.DefaultRole},
		{name: "without secret", form: "client_id=a", permission: auth.DefaultRole},
		{name: "Basic", change: func(r *http.Request) { r.SetBasicAuth("a", "b") }, permission: auth.DefaultRole},
		{name: "Basic, same client id", form: "client_id=a", change: func(r *http.Request) { r.SetBasicAuth("a", "b") }, permission: auth.DefaultRole},
		{name: "charset", form: "client_id=a", change: func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
		}, permission: auth.DefaultRole},
		{name: "roles", form: "client_id=a&roles=" + readOnly, permission: readOnly, other: readWrite},
		{name: "two roles", form: "client_id=a&roles=X+" + readOnly, permission: readOnly, other: readWrite},
		{name: "no roles", form: "client_id=a&roles=", other: readWrite},
		{name: "scp", form: "client_id=a&scp=openid+" + readOnly, permission: readOnly, other: readWrite, delegated: true},
		{name: "no scp", form: "client_id=a&scp=", other: readWrite, delegated: true},
		{name: "scp and roles", form: "client_id=a&scp=" + readOnly + "&roles=" + readWrite, permission: readOnly, other: readWrite, delegated: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.change == nil {
				tt.change = func(*http.Request) {}
			}
			res, body := ask(t, "grant_type=client_credentials&"+tt.form, tt.change)
			if res.StatusCode != http.StatusOK || body["token_type"] != "Bearer" || body["expires_in"] != 3599.0 {
				t.Fatalf("got status %d, body %v, want a token", res.StatusCode, body)
			}
			p, err := v.Verify(t.Context(), bearer(body["access_token"].(string)))
			if err != nil {
				t.Fatal(err)
			}
			if p.Tenant.String() != tenant || p.App != "a" || p.Subject == "" || p.Delegated != tt.delegated {
				t.Errorf("got %+v, want tenant %s, app a, a subject, delegated %t", p, tenant, tt.delegated)
			}
			if tt.permission != "" && !p.Allows(tt.permission) || tt.other != "" && p.Allows(tt.other) {
				t.Errorf("got %+v, want %q and not %q", p, tt.permission, tt.other)
			}
		})
	}
}

func TestIssuerRefuses(t *testing.T) {
	t.Parallel()
	const good = "grant_type=client_credentials&client_id=a&client_secret=b"
	path := func(s string) func(*http.Request) {
		return func(r *http.Request) { r.URL = must(url.Parse(devBase + s)) }
	}
	header := func(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }
	for _, tt := range []struct {
		name, form string
		change     func(*http.Request)
		status     int
		code       string
	}{
		{"no grant", "client_id=a", nil, 400, "invalid_request"},
		{"duplicate grant", good + "&grant_type=client_credentials", nil, 400, "invalid_request"},
		{"duplicate scope", good + "&scope=a%2F.default&scope=b%2F.default", nil, 400, "invalid_request"},
		{"other grant", "grant_type=password&client_id=a", nil, 400, "unsupported_grant_type"},
		{"no client", "grant_type=client_credentials", nil, 401, "invalid_client"},
		{"empty Basic", "grant_type=client_credentials", func(r *http.Request) { r.SetBasicAuth("", "") }, 401, "invalid_client"},
		{"malformed Basic", "grant_type=client_credentials", func(r *http.Request) { r.SetBasicAuth("%zz", "") }, 401, "invalid_client"},
		{"two secrets", good, func(r *http.Request) { r.SetBasicAuth("a", "b") }, 400, "invalid_request"},
		{"scope without .default", good + "&scope=api%3A%2F%2Fpfxrecryption", nil, 400, "invalid_scope"},
		{"scope .default only", good + "&scope=%2F.default", nil, 400, "invalid_scope"},
		{"two scopes", good + "&scope=a%2F.default+b%2F.default", nil, 400, "invalid_scope"},
		{"JSON", `{"grant_type":"client_credentials"}`, header("Content-Type", "application/json"), 400, "invalid_request"},
		{"no media type", good, header("Content-Type", ""), 400, "invalid_request"},
		{"multipart", good, header("Content-Type", "multipart/form-data; boundary=x"), 400, "invalid_request"},
		{"malformed form", good + "&%zz", nil, 400, "invalid_request"},
		{"semicolon", good + ";x=y", nil, 400, "invalid_request"},
		{"credentials in the query", "grant_type=client_credentials", path("/dev/" + tenant + "/oauth2/v2.0/token?client_id=a"), 401, "invalid_client"},
		{"64 KiB + 1", good + "&x=" + strings.Repeat("x", 64<<10+1-len(good)-3), nil, 400, "invalid_request"},
		{"token above 8 KiB", good + "&roles=" + strings.Repeat("x", 8<<10), nil, 400, "invalid_request"},
		{"tenant common", good, path("/dev/common/oauth2/v2.0/token"), 400, "invalid_request"},
		{"tenant not a GUID", good, path("/dev/x/oauth2/v2.0/token"), 400, "invalid_request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.change == nil {
				tt.change = func(*http.Request) {}
			}
			res, body := ask(t, tt.form, tt.change)
			if res.StatusCode != tt.status || body["error"] != tt.code || body["error_description"] == nil {
				t.Errorf("got status %d, body %v, want %d %s", res.StatusCode, body, tt.status, tt.code)
			}
			if got := res.Header.Get("WWW-Authenticate") != ""; got != (tt.status == 401) {
				t.Errorf("status %d: got WWW-Authenticate %t", tt.status, got)
			}
		})
	}
}

func TestIssuerDocuments(t *testing.T) {
	t.Parallel()
	get := func(path string) (int, map[string]any) {
		w := httptest.NewRecorder()
		devIssuer().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, devBase+path, nil))
		var body map[string]any
		_ = json.NewDecoder(w.Result().Body).Decode(&body)
		return w.Code, body
	}
	for name, issuer := range map[string]string{
		"common": devBase + "/dev/{tenantid}/v2.0", tenant: devBase + "/dev/" + tenant + "/v2.0",
		strings.ToUpper(tenant): devBase + "/dev/" + tenant + "/v2.0",
	} {
		status, body := get("/dev/" + name + "/v2.0/.well-known/openid-configuration")
		name = strings.ToLower(name)
		if status != 200 || body["issuer"] != issuer || body["jwks_uri"] != devBase+"/dev/"+name+"/discovery/v2.0/keys" ||
			body["token_endpoint"] != devBase+"/dev/"+name+"/oauth2/v2.0/token" {
			t.Errorf("%s: got status %d, body %v, want issuer %s", name, status, body, issuer)
		}
	}
	for path, want := range map[string]int{
		"/dev/x/v2.0/.well-known/openid-configuration": 400, "/dev/" + tenant + "/oauth2/v2.0/token": 405, "/dev/": 404, "/dev/common/v2.0": 404,
	} {
		if status, _ := get(path); status != want {
			t.Errorf("GET %s: got status %d, want %d", path, status, want)
		}
	}
	_, body := get("/dev/common/discovery/v2.0/keys")
	key := body["keys"].([]any)[0].(map[string]any)
	names := map[string]bool{}
	for name := range key {
		names[name] = true
	}
	if want := map[string]bool{"kty": true, "kid": true, "use": true, "alg": true, "n": true, "e": true}; !cmp.Equal(names, want) {
		t.Errorf("the key has members other than the public ones: %s", cmp.Diff(want, names))
	}
}

func TestIssuerGrant(t *testing.T) {
	t.Parallel()
	v := devVerifier(t)
	id := must(edm.ParseGuid(tenant))
	for name, tt := range map[string]struct {
		grant  auth.Grant
		reason auth.Reason
	}{
		"zero":           {auth.Grant{}, accepted},
		"tenant":         {auth.Grant{Tenant: id, Roles: []string{readWrite}}, accepted},
		"other audience": {auth.Grant{Tenant: id, Audience: "api://other"}, auth.Audience},
		"expired":        {auth.Grant{Tenant: id, Lifetime: -time.Hour}, auth.Expired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, err := devIssuer().Token(tt.grant)
			if err != nil {
				t.Fatal(err)
			}
			_, err = v.Verify(t.Context(), bearer(token))
			if tt.reason != accepted {
				refused(t, err, tt.reason, token)
			} else if err != nil {
				t.Errorf("got error %v, want none", err)
			}
		})
	}
	claims := func(g auth.Grant) map[string]any {
		var c map[string]any
		token := must(devIssuer().Token(g))
		if err := json.Unmarshal(unb64(strings.Split(token, ".")[1]), &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, b, c := claims(auth.Grant{Tenant: id, App: "a"}), claims(auth.Grant{Tenant: id, App: "a"}), claims(auth.Grant{Tenant: id, App: "b"})
	if a["oid"] != b["oid"] || a["oid"] == c["oid"] || a["uti"] == b["uti"] {
		t.Errorf("want one oid for each app and one uti for each token: %v, %v, %v", a, b, c)
	}
	want := map[string]any{
		"iss": devBase + "/dev/" + tenant + "/v2.0", "aud": audience, "tid": tenant, "oid": a["oid"], "sub": a["oid"], "azp": "a",
		"iat": float64(epoch.Unix()), "nbf": float64(epoch.Unix()), "exp": float64(epoch.Unix() + 3599), "uti": a["uti"], "ver": "2.0",
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("claims: %s", diff)
	}
}

// TestIssuerOverHTTP runs issuer and verifier on loopback, like pfxrd serve --dev.
func TestIssuerOverHTTP(t *testing.T) {
	t.Parallel()
	var issuer *auth.Issuer
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { issuer.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	issuer = must(auth.NewIssuer(srv.URL, nil))
	v, err := auth.New(auth.Config{Issuers: []string{issuer.Template()}, Audiences: []string{auth.DefaultAudience}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"a"}, "client_secret": {"b"}}
	res, err := srv.Client().PostForm(srv.URL+"/dev/"+tenant+"/oauth2/v2.0/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text := must(io.ReadAll(res.Body))
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatalf("decoding %q: %v", text, err)
	}
	if p, err := v.Verify(t.Context(), bearer(body.Token)); err != nil || !p.Allows(auth.DefaultRole) {
		t.Errorf("got %+v, %v, want %s", p, err, auth.DefaultRole)
	}
}

func TestNewIssuer(t *testing.T) {
	t.Parallel()
	for _, base := range []string{
		"", "127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080/beta", "http://192.0.2.1", "https://login.example",
		"http://u@127.0.0.1", "http://127.0.0.1?x", "ftp://127.0.0.1", "http://localhost.example.com",
	} {
		if _, err := auth.NewIssuer(base, nil); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", base)) {
			t.Errorf("base %q: got error %v, want one that names it", base, err)
		}
	}
}
