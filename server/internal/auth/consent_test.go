package auth_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

const redirect = "http://localhost:3000/back"

// call sends a request to the development issuer.
func call(t *testing.T, i *auth.Issuer, method, address string, form url.Values) (*http.Response, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	i.ServeHTTP(w, r)
	res := w.Result()
	var body map[string]any
	_ = json.NewDecoder(res.Body).Decode(&body) // a redirect has none
	return res, body
}

// localVerifier trusts devIssuer in process.
func localVerifier(t *testing.T, issuers ...string) *auth.Verifier {
	t.Helper()
	c := &clock{}
	v, err := auth.New(auth.Config{Issuers: issuers, Local: devIssuer(), Now: c.now, HTTPClient: clientOf(http.NotFoundHandler())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// authorize gets a code and returns the parameters of the redirect to the client.
func authorize(t *testing.T, path string, more url.Values) url.Values {
	t.Helper()
	query := url.Values{
		"client_id": {"app"}, "redirect_uri": {redirect + "?a=b"}, "response_type": {"code"}, "state": {"s &="}, "scope": {"openid api://pfxrecryption/" + readOnly},
	}
	for name, values := range more {
		query[name] = values
	}
	res, body := call(t, devIssuer(), http.MethodGet, devBase+path+"/oauth2/v2.0/authorize?"+query.Encode(), nil)
	location, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusFound || !strings.HasPrefix(location.String(), redirect) {
		t.Fatalf("got %d to %s, %v, %v", res.StatusCode, location, body, err)
	}
	back := location.Query()
	if query.Get("response_mode") == "fragment" {
		back, err = url.ParseQuery(location.EscapedFragment())
	}
	if err != nil || back.Get("state") != "s &=" || query.Get("response_mode") == "" && back.Get("a") != "b" {
		t.Errorf("got %v, %v, want the state and the query of redirect_uri", back, err)
	}
	return back
}

// TestAuthorizationCode logs a user in like Microsoft's libraries: with PKCE, then with the refresh token.
func TestAuthorizationCode(t *testing.T) {
	t.Parallel()
	v := localVerifier(t)
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636 appendix B
	for _, path := range []string{"/" + tenant, "/dev/" + tenant, "/common", "/organizations"} {
		back := authorize(t, path, url.Values{"code_challenge": {challenge}, "code_challenge_method": {"S256"}, "nonce": {"n"}, "login_hint": {"ann@example"}})
		form := url.Values{
			"grant_type": {"authorization_code"}, "client_id": {"app"}, "redirect_uri": {redirect + "?a=b"}, "code": {back.Get("code")}, "code_verifier": {verifier},
		}
		res, body := call(t, devIssuer(), http.MethodPost, devBase+path+"/oauth2/v2.0/token", form)
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %d %v", path, res.StatusCode, body)
		}
		user := claimsOf(t, body["id_token"])
		if user["aud"] != "app" || user["nonce"] != "n" || user["preferred_username"] != "ann@example" || user["tid"] != tenant || !strings.HasPrefix(user["iss"].(string), devBase) {
			t.Errorf("%s: got the ID token %v", path, user)
		}
		refreshed := url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "refresh_token": {body["refresh_token"].(string)}, "scope": {"api://pfxrecryption/.default"}}
		_, second := call(t, devIssuer(), http.MethodPost, devBase+path+"/oauth2/v2.0/token", refreshed)
		for permission, token := range map[string]any{readOnly: body["access_token"], readWrite: second["access_token"]} {
			p, err := v.Verify(t.Context(), bearer(token.(string)))
			if err != nil || !p.Delegated || p.App != "app" || p.Subject != user["oid"] || p.Tenant.String() != tenant || !p.Allows(permission) {
				t.Errorf("%s: got %+v, %v, want the user %s with %s", path, p, err, user["oid"], permission)
			}
		}
		for name, token := range map[string]string{"code": back.Get("code"), "refresh token": body["refresh_token"].(string), "ID token": body["id_token"].(string)} {
			_, err := v.Verify(t.Context(), bearer(token))
			if err == nil {
				t.Errorf("%s: the %s is accepted as an access token", path, name)
			}
		}
	}
}

func claimsOf(t *testing.T, token any) map[string]any {
	t.Helper()
	text, _ := token.(string)
	parts := strings.Split(text, ".")
	var claims map[string]any
	if len(parts) != 3 || json.Unmarshal(unb64(parts[1]), &claims) != nil {
		t.Fatalf("got %v, want a token", token)
	}
	return claims
}

func TestAuthorizeRefuses(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]string{
		"elsewhere": "https://evil.example/", "no address": "", "a script": "javascript:alert(1)", "a look-alike": "http://localhost.evil.example/", "a fragment": redirect + "#x",
	} {
		query := url.Values{"client_id": {"app"}, "redirect_uri": {to}, "response_type": {"code"}}
		if res, body := call(t, devIssuer(), http.MethodGet, devBase+"/"+tenant+"/oauth2/v2.0/authorize?"+query.Encode(), nil); res.StatusCode != http.StatusBadRequest || body["error"] != "invalid_request" {
			t.Errorf("redirect_uri %s: got %d %v", name, res.StatusCode, body)
		}
	}
	for name, tt := range map[string]struct {
		path string
		more url.Values
		want string
	}{
		"another response type": {"/" + tenant, url.Values{"response_type": {"token"}}, "unsupported_response_type"},
		"no client":             {"/" + tenant, url.Values{"client_id": {""}}, "invalid_request"},
		"no tenant":             {"/nobody", nil, "invalid_request"},
		"plain challenge":       {"/" + tenant, url.Values{"code_challenge": {"x"}, "code_challenge_method": {"plain"}}, "invalid_request"},
		"challenge, no method":  {"/" + tenant, url.Values{"code_challenge": {"x"}}, "invalid_request"},
		"two resources":         {"/" + tenant, url.Values{"scope": {"api://a/x api://b/x"}}, "invalid_scope"},
		"in the fragment":       {"/" + tenant, url.Values{"scope": {"/x"}, "response_mode": {"fragment"}}, "invalid_scope"},
	} {
		if back := authorize(t, tt.path, tt.more); back.Get("error") != tt.want || back.Has("code") {
			t.Errorf("%s: got %v, want %s", name, back, tt.want)
		}
	}
}

// TestCodeRefused: a code is valid only for its client, redirect_uri, verifier, tenant, grant and lifetime.
func TestCodeRefused(t *testing.T) {
	t.Parallel()
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	c := &clock{}
	issuer := must(auth.NewIssuer(devBase, c.now))
	query := url.Values{
		"client_id": {"app"}, "redirect_uri": {redirect}, "response_type": {"code"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	res, _ := call(t, issuer, http.MethodGet, devBase+"/"+tenant+"/oauth2/v2.0/authorize?"+query.Encode(), nil)
	code := must(url.Parse(res.Header.Get("Location"))).Query().Get("code")
	good := url.Values{"grant_type": {"authorization_code"}, "client_id": {"app"}, "redirect_uri": {redirect}, "code": {code}, "code_verifier": {verifier}}
	access := must(issuer.Token(auth.Grant{App: "app"}))
	for _, tt := range []struct {
		name, tenant string
		change       url.Values
		after        time.Duration
		ok           bool
	}{
		{"good", tenant, nil, 0, true},
		{"another client", tenant, url.Values{"client_id": {"other"}}, 0, false},
		{"another redirect_uri", tenant, url.Values{"redirect_uri": {redirect + "/"}}, 0, false},
		{"another verifier", tenant, url.Values{"code_verifier": {"x"}}, 0, false},
		{"another tenant", personal, nil, 0, false},
		{"another grant", tenant, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {code}}, 0, false},
		{"an access token", tenant, url.Values{"code": {access}}, 0, false},
		{"no code", tenant, url.Values{"code": {""}}, 0, false},
		{"a changed code", tenant, url.Values{"code": {code[:len(code)-4] + "AAAA"}}, 0, false},
		{"too late", tenant, nil, 15 * time.Minute, false},
	} {
		form := url.Values{}
		for name, values := range good {
			form[name] = values
		}
		for name, values := range tt.change {
			form[name] = values
		}
		c.advance(tt.after)
		res, body := call(t, issuer, http.MethodPost, devBase+"/"+tt.tenant+"/oauth2/v2.0/token", form)
		if ok := res.StatusCode == http.StatusOK; ok != tt.ok || !ok && body["error"] != "invalid_grant" {
			t.Errorf("%s: got %d %v", tt.name, res.StatusCode, body)
		}
	}
}

// TestFormPost: the page posts the code automatically.
func TestFormPost(t *testing.T) {
	t.Parallel()
	query := url.Values{"client_id": {"app"}, "redirect_uri": {redirect}, "response_type": {"code"}, "response_mode": {"form_post"}, "state": {`"><script>`}}
	w := httptest.NewRecorder()
	devIssuer().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, devBase+"/"+tenant+"/oauth2/v2.0/authorize?"+query.Encode(), nil))
	page := w.Body.String()
	if w.Code != http.StatusOK || !strings.Contains(page, `action="`+redirect+`"`) || !strings.Contains(page, `name="code" value="ey`) || strings.Contains(page, `"><script>`) {
		t.Errorf("got %d %s", w.Code, page)
	}
}

func TestDeviceCode(t *testing.T) {
	t.Parallel()
	v := localVerifier(t)
	_, device := call(t, devIssuer(), http.MethodPost, devBase+"/"+tenant+"/oauth2/v2.0/devicecode", url.Values{"client_id": {"app"}, "scope": {"https://graph.microsoft.com/" + readWrite}})
	page, _ := device["verification_uri"].(string)
	if res, _ := call(t, devIssuer(), http.MethodGet, page, nil); res.StatusCode != http.StatusOK {
		t.Errorf("the page %s: got %d", page, res.StatusCode)
	}
	code, _ := device["device_code"].(string)
	for _, grant := range []string{"urn:ietf:params:oauth:grant-type:device_code", "device_code"} {
		res, body := call(t, devIssuer(), http.MethodPost, devBase+"/"+tenant+"/oauth2/v2.0/token", url.Values{
			"grant_type": {grant}, "client_id": {"app"}, "device_code": {code},
		})
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %d %v", grant, res.StatusCode, body)
		}
		if p, err := v.Verify(t.Context(), bearer(body["access_token"].(string))); err != nil || !p.Delegated || !p.Allows(readWrite) {
			t.Errorf("%s: got %+v, %v", grant, p, err)
		}
	}
	for name, form := range map[string]url.Values{"no client": {"scope": {"x"}}, "two resources": {"client_id": {"app"}, "scope": {"api://a/x api://b/x"}}} {
		if res, body := call(t, devIssuer(), http.MethodPost, devBase+"/"+tenant+"/oauth2/v2.0/devicecode", form); res.StatusCode < 400 {
			t.Errorf("%s: got %v", name, body)
		}
	}
}

// TestLocalIssuer: the development issuer accepts every name of loopback, with its own scheme and port, and only its
// own tokens.
func TestLocalIssuer(t *testing.T) {
	t.Parallel()
	v := localVerifier(t)
	token := func(base string) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, base+"/oauth2/v2.0/token", strings.NewReader("grant_type=client_credentials&client_id=a"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		devIssuer().ServeHTTP(w, r)
		var body map[string]string
		_ = json.NewDecoder(w.Body).Decode(&body) // without a token below
		return body["access_token"]
	}
	for base, want := range map[string]string{
		"http://127.0.0.1:8080/" + tenant:     "http://127.0.0.1:8080/" + tenant + "/v2.0",
		"http://localhost:8080/" + tenant:     "http://localhost:8080/" + tenant + "/v2.0",
		"http://localhost:8080/dev/" + tenant: "http://localhost:8080/dev/" + tenant + "/v2.0",
		"http://[::1]:8080/" + tenant:         "http://[::1]:8080/" + tenant + "/v2.0",
		"http://localhost:1/" + tenant:        devBase + "/" + tenant + "/v2.0",
		"http://elsewhere:8080/" + tenant:     devBase + "/" + tenant + "/v2.0",
	} {
		text := token(base)
		if got := claimsOf(t, text)["iss"]; got != want {
			t.Errorf("%s: got the issuer %v, want %s", base, got, want)
		}
		if got := reasonOf(t, v, bearer(text)); got != accepted {
			t.Errorf("%s: got %d, want accepted", base, got)
		}
	}
	for name, change := range map[string]func(*forge){
		"another key":        func(f *forge) { f.header["kid"] = "rsa" },
		"another scheme":     func(f *forge) { f.claims["iss"] = "https://127.0.0.1:8080/" + tenant + "/v2.0" },
		"another port":       func(f *forge) { f.claims["iss"] = "http://127.0.0.1:8081/" + tenant + "/v2.0" },
		"another host":       func(f *forge) { f.claims["iss"] = "http://192.0.2.1:8080/" + tenant + "/v2.0" },
		"a user":             func(f *forge) { f.claims["iss"] = "http://u@127.0.0.1:8080/" + tenant + "/v2.0" },
		"another tenant":     func(f *forge) { f.claims["iss"] = "http://127.0.0.1:8080/" + personal + "/v2.0" },
		"another path":       func(f *forge) { f.claims["iss"] = "http://127.0.0.1:8080/x/" + tenant + "/v2.0" },
		"a malformed issuer": func(f *forge) { f.claims["iss"] = "%" },
	} {
		f := newForge(devBase + v2Template)
		change(f)
		if got := reasonOf(t, v, bearer(f.token())); got != auth.Invalid {
			t.Errorf("%s: got %d, want Invalid", name, got)
		}
	}
}

// TestGraphAudienceOfLocalIssuer: tokens for Microsoft Graph are accepted from the development issuer and from no
// other.
func TestGraphAudienceOfLocalIssuer(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil))
	c := &clock{}
	v, err := auth.New(auth.Config{Issuers: []string{a.url + v2Template}, Audiences: []string{audience}, Local: devIssuer(), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	const graph = "https://graph.microsoft.com"
	if got := reasonOf(t, v, bearer(must(devIssuer().Token(auth.Grant{Audience: graph})))); got != accepted {
		t.Errorf("of the development issuer: got %d, want accepted", got)
	}
	f := newForge(a.url + v2Template)
	f.claims["aud"] = graph
	if got := reasonOf(t, v, bearer(f.token())); got != auth.Audience {
		t.Errorf("of another issuer: got %d, want Audience", got)
	}
}
