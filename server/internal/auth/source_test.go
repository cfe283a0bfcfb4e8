package auth_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

// oneIssuer makes the Verifier trust only the issuer of version 2.0, so that fetches can be counted.
func oneIssuer(a *authority) func(*auth.Config) {
	return func(c *auth.Config) { c.Issuers = []string{a.url + v2Template} }
}

// unknown returns a token that names an unknown key.
func unknown(a *authority, kid string) []string {
	f := newForge(a.url + v2Template)
	f.header["kid"], f.key = kid, []byte("k")
	return bearer(f.token())
}

func TestKeysAreFetchedLazily(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c, oneIssuer(a))
	if n := a.keyHits.Load() + a.otherHits.Load(); n != 0 {
		t.Errorf("before the first token: got %d fetches, want 0", n)
	}
	for _, header := range [][]string{nil, bearer("a.b.c"), bearer(newForge("https://elsewhere/{tenantid}").token())} {
		if _, err := v.Verify(t.Context(), header); err == nil {
			t.Errorf("%q: got no error", header)
		}
	}
	if n := a.keyHits.Load() + a.otherHits.Load(); n != 0 {
		t.Errorf("after tokens of an untrusted issuer: got %d fetches, want 0", n)
	}
}

func TestUnknownKidFlood(t *testing.T) {
	t.Parallel()
	testUnknownKidFlood(t, 5_000)
}

func testUnknownKidFlood(t *testing.T, flood int) {
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c, oneIssuer(a))
	// All tokens share the text after the kid, because making tokens is not under test.
	f := newForge(a.url + v2Template)
	f.claims, f.key = map[string]any{"iss": f.claims["iss"], "tid": tenant}, []byte("k")
	_, rest, _ := strings.Cut(f.token(), ".")
	const senders = 8
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for n := i; n < flood; n += senders {
				header := fmt.Sprintf(`{"alg":"RS256","kid":"%d"}`, n)
				_, err := v.Verify(t.Context(), bearer(b64(header)+"."+rest))
				if e, ok := errors.AsType[*auth.Error](err); !ok || e.Reason != auth.Invalid {
					t.Errorf("kid %d: got %v, want Invalid", n, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := a.keyHits.Load(); n < 1 || n > 2 {
		t.Errorf("got %d fetches of the keys, want 1 or 2", n)
	}
	// Issuers on the same server have separate budgets: a flood for one does not affect the other.
	c.advance(5*time.Minute - time.Second)
	_, _ = v.Verify(t.Context(), unknown(a, "y"))
	if n := a.keyHits.Load(); n != 2 {
		t.Errorf("a second before 5 min: got %d fetches, want 2", n)
	}
	c.advance(time.Second)
	_, _ = v.Verify(t.Context(), unknown(a, "y"))
	_, _ = v.Verify(t.Context(), unknown(a, "z"))
	if n := a.keyHits.Load(); n != 3 {
		t.Errorf("after 5 min: got %d fetches, want 3", n)
	}
}

// TestRotation changes the key under concurrent valid tokens, old and new.
func TestRotation(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c)
	f := newForge(a.url + v2Template)
	old := f.token()
	if _, err := v.Verify(t.Context(), bearer(old)); err != nil {
		t.Fatal(err)
	}
	a.setKeys(rsaJWK("rsa", &rsaKey().PublicKey, nil), rsaJWK("next", &rsaOther().PublicKey, nil))
	f = newForge(a.url + v2Template)
	f.header["kid"], f.key = "next", rsaOther()
	fresh := f.token()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			token := []string{old, fresh}[i%2]
			if _, err := v.Verify(t.Context(), bearer(token)); err != nil {
				t.Errorf("token %d: got error %v, want none", i%2, err)
			}
		})
	}
	wg.Wait()
	if n := a.keyHits.Load(); n != 2 {
		t.Errorf("got %d fetches, want 2", n)
	}
}

// TestWithdrawnKey: tokens of a replaced or withdrawn key are refused, cached or not.
func TestWithdrawnKey(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]map[string]any{
		"replaced":       {rsaJWK("rsa", &rsaOther().PublicKey, nil)},
		"withdrawn":      {rsaJWK("other", &rsaOther().PublicKey, nil)},
		"narrowed":       {rsaJWK("rsa", &rsaKey().PublicKey, map[string]any{"alg": "PS256"})},
		"given away":     {rsaJWK("rsa", &rsaKey().PublicKey, map[string]any{"issuer": "https://login.example/"})},
		"made ambiguous": {rsaJWK("rsa", &rsaKey().PublicKey, nil), rsaJWK("rsa", &rsaOther().PublicKey, nil), rsaJWK("x", &rsaOther().PublicKey, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
			v := newVerifier(t, a, c, oneIssuer(a))
			token := newForge(a.url + v2Template).token()
			if _, err := v.Verify(t.Context(), bearer(token)); err != nil {
				t.Fatal(err)
			}
			a.setKeys(keys...)
			if _, err := v.Verify(t.Context(), bearer(token)); err != nil {
				t.Errorf("before the refresh: got error %v, want none", err)
			}
			_, _ = v.Verify(t.Context(), unknown(a, "x2")) // triggers a fetch
			_, err := v.Verify(t.Context(), bearer(token))
			refused(t, err, auth.Invalid, token)
		})
	}
}

// TestSameKeyAgain: a refresh without changes keeps the cache.
func TestSameKeyAgain(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c, oneIssuer(a))
	token := newForge(a.url + v2Template).token()
	before, err := v.Verify(t.Context(), bearer(token))
	if err != nil {
		t.Fatal(err)
	}
	a.setKeys(rsaJWK("new", &rsaOther().PublicKey, nil), rsaJWK("rsa", &rsaKey().PublicKey, nil))
	_, _ = v.Verify(t.Context(), unknown(a, "x"))
	after, err := v.Verify(t.Context(), bearer(token))
	if err != nil || after != before {
		t.Errorf("got %p, %v, want the cached principal %p", after, err, before)
	}
	if n := a.keyHits.Load(); n != 2 {
		t.Errorf("got %d fetches, want 2", n)
	}
}

func TestKeysOfOtherIssuer(t *testing.T) {
	t.Parallel()
	a, b, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), newAuthority(t, rsaJWK("rsa", &rsaOther().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c, func(c *auth.Config) { c.Issuers = []string{a.url + v2Template, b.url + v2Template} })
	for issuer, key := range map[string]any{a.url: rsaKey(), b.url: rsaOther()} {
		f := newForge(issuer + v2Template)
		f.key = key
		if _, err := v.Verify(t.Context(), bearer(f.token())); err != nil {
			t.Errorf("issuer with its own key: got error %v", err)
		}
	}
	for issuer, key := range map[string]any{a.url: rsaOther(), b.url: rsaKey()} {
		f := newForge(issuer + v2Template)
		f.key = key
		token := f.token()
		_, err := v.Verify(t.Context(), bearer(token))
		refused(t, err, auth.Invalid, token)
	}
}

// TestKeyIssuer has Entra's keys for a single tenant, whose JWK names the concrete issuer.
func TestKeyIssuer(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t), &clock{}
	a.setKeys(
		rsaJWK("all", &rsaKey().PublicKey, map[string]any{"issuer": a.url + v2Template}),
		rsaJWK("ours", &rsaKey().PublicKey, map[string]any{"issuer": strings.Replace(a.url+v2Template, "{tenantid}", tenant, 1)}),
		rsaJWK("theirs", &rsaKey().PublicKey, map[string]any{"issuer": strings.Replace(a.url+v2Template, "{tenantid}", personal, 1)}),
	)
	v := newVerifier(t, a, c)
	for kid, want := range map[string]bool{"all": true, "ours": true, "theirs": false} {
		f := newForge(a.url + v2Template)
		f.header["kid"] = kid
		if _, err := v.Verify(t.Context(), bearer(f.token())); (err == nil) != want {
			t.Errorf("key for %s: got error %v, want accepted %t", kid, err, want)
		}
	}
}

func TestConcreteIssuer(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t), &clock{}
	issuer := a.url + "/realm"
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/keys") {
			fmt.Fprint(w, jwks(rsaJWK("rsa", &rsaKey().PublicKey, nil)))
			return
		}
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, issuer, a.url+"/keys")
	})
	a.fail(ok)
	v := newVerifier(t, a, c, func(c *auth.Config) { c.Issuers = []string{issuer} })
	if _, err := v.Verify(t.Context(), bearer(newForge(issuer).token())); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	for _, other := range []string{issuer + "/", a.url + "/" + tenant, a.url} {
		f := newForge(other)
		if _, err := v.Verify(t.Context(), bearer(f.token())); err == nil {
			t.Errorf("issuer %s: got no error", other)
		}
	}
}

func jwks(keys ...map[string]any) string {
	a := &authority{}
	a.setKeys(keys...)
	return a.keys.Load().(string)
}

// TestHostileAnswers has invalid responses of an issuer. A valid token then gets Unavailable: it is neither accepted
// nor invalid.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	var canaryHits atomic.Int64
	canary := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		canaryHits.Add(1)
		fmt.Fprint(w, jwks(rsaJWK("rsa", &rsaKey().PublicKey, nil)))
	}))
	t.Cleanup(func() {
		canary.Close()
		if n := canaryHits.Load(); n != 0 {
			t.Errorf("the canary server saw %d requests, want 0", n)
		}
	})
	good := jwks(rsaJWK("rsa", &rsaKey().PublicKey, nil))
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", canary.URL)
			w.WriteHeader(code)
			fmt.Fprint(w, good)
		}
	}
	endless := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"keys":[],"x":"`)
		for range 100 << 4 { // 100 MiB, unless the reader stops
			if _, err := w.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
				return
			}
		}
	}
	for name, tt := range map[string]struct {
		metadata, keys http.HandlerFunc
	}{
		"keys: 500":             {keys: status(500)},
		"keys: 404":             {keys: status(404)},
		"keys: 204":             {keys: status(204)},
		"keys: 301":             {keys: status(301)},
		"keys: 302":             {keys: status(302)},
		"keys: 307":             {keys: status(307)},
		"keys: 308":             {keys: status(308)},
		"keys: HTML":            {keys: text("<html>sign in</html>")},
		"keys: nothing":         {keys: text("")},
		"keys: null":            {keys: text("null")},
		"keys: {}":              {keys: text("{}")},
		"keys: empty list":      {keys: text(`{"keys":[]}`)},
		"keys: null list":       {keys: text(`{"keys":null}`)},
		"keys: object":          {keys: text(`{"keys":{}}`)},
		"keys: case twin":       {keys: text(strings.Replace(good, `"keys"`, `"Keys"`, 1))},
		"keys: duplicate":       {keys: text(strings.Replace(good, `{"keys"`, `{"keys":[],"keys"`, 1))},
		"keys: truncated":       {keys: text(good[:len(good)-1])},
		"keys: trailing text":   {keys: text(good + "x")},
		"keys: 1 MiB + 1":       {keys: text(good + strings.Repeat(" ", 1<<20+1-len(good)))},
		"keys: 100 MiB":         {keys: endless},
		"keys: none usable":     {keys: text(jwks(rsaJWK("rsa", &rsaKey().PublicKey, map[string]any{"use": "enc"})))},
		"keys: only e = 1":      {keys: text(jwks(rsaJWK("rsa", &rsa.PublicKey{N: rsaKey().N, E: 1}, nil)))},
		"keys: only e = 2":      {keys: text(jwks(rsaJWK("rsa", &rsa.PublicKey{N: rsaKey().N, E: 2}, nil)))},
		"keys: hang up":         {keys: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		"metadata: 500":         {metadata: status(500)},
		"metadata: 302":         {metadata: status(302)},
		"metadata: HTML":        {metadata: text("<html>")},
		"metadata: empty":       {metadata: text("{}")},
		"metadata: 100 MiB":     {metadata: endless},
		"metadata: hang up":     {metadata: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		"metadata: file":        {metadata: text(`{"issuer":"$","jwks_uri":"file:///etc/passwd"}`)},
		"metadata: no host":     {metadata: text(`{"issuer":"$","jwks_uri":"/keys"}`)},
		"metadata: invalid URL": {metadata: text(`{"issuer":"$","jwks_uri":"http://%zz"}`)},
		"metadata: plain http":  {metadata: text(`{"issuer":"$","jwks_uri":"http://192.0.2.1/keys"}`)},
		"metadata: no jwks_uri": {metadata: text(`{"issuer":"$"}`)},
		"metadata: other issuer": {metadata: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"issuer":"https://login.example/{tenantid}/v2.0","jwks_uri":%q}`, canary.URL)
		}},
		"metadata: duplicate issuer": {metadata: func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"issuer":"x","issuer":"http://%s/{tenantid}/v2.0","jwks_uri":%q}`, r.Host, canary.URL)
		}},
		"metadata: concrete issuer": {metadata: func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"issuer":"http://%s/%s/v2.0","jwks_uri":%q}`, r.Host, tenant, canary.URL)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a *authority
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				keys := strings.HasSuffix(r.URL.Path, "/keys")
				switch {
				case keys && tt.keys != nil:
					tt.keys(w, r)
				case !keys && tt.metadata != nil:
					tt.metadata(&replacer{w, "http://" + r.Host + v2Template}, r)
				default:
					a.ServeHTTP(w, r)
				}
			}))
			t.Cleanup(srv.Close)
			a = &authority{url: srv.URL}
			a.setKeys(rsaJWK("rsa", &rsaKey().PublicKey, nil))
			v := newVerifier(t, a, &clock{}, oneIssuer(a))
			token := newForge(a.url + v2Template).token()
			_, err := v.Verify(t.Context(), bearer(token))
			refused(t, err, auth.Unavailable, token)
			if err := v.Ready(t.Context()); err == nil {
				t.Error("Ready: got no error")
			}
		})
	}
}

// TestKeyAddress: the keys may be at any https address, as at Entra; http is allowed only on loopback.
func TestKeyAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		issuer, keys string
		want         bool
	}{
		{"https://login.example", "https://keys.example/keys", true},
		{"http://127.0.0.1:1", "http://127.0.0.1:2/keys", true},
		{"http://127.0.0.1:1", "https://keys.example/keys", true},
		{"http://127.0.0.1:1", "http://keys.example/keys", false},
		{"https://login.example", "http://login.example/keys", false},
		{"https://login.example", "http://127.0.0.1:1/keys", false},
		{"https://login.example", "ftp://login.example/keys", false},
	} {
		t.Run(tt.issuer+" "+tt.keys, func(t *testing.T) {
			t.Parallel()
			a, c := &authority{url: tt.issuer}, &clock{}
			a.fail(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/keys" {
					fmt.Fprint(w, jwks(rsaJWK("rsa", &rsaKey().PublicKey, nil)))
					return
				}
				fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, tt.issuer+v2Template, tt.keys)
			})
			v := newVerifier(t, a, c, oneIssuer(a), func(c *auth.Config) { c.HTTPClient = clientOf(a) })
			if err := v.Ready(t.Context()); (err == nil) != tt.want {
				t.Errorf("got error %v, want keys %t", err, tt.want)
			}
		})
	}
}

// replacer replaces "$" in the response by the issuer.
type replacer struct {
	http.ResponseWriter
	issuer string
}

func (r *replacer) Write(b []byte) (int, error) {
	_, err := r.ResponseWriter.Write(bytes.ReplaceAll(b, []byte(`"$"`), []byte(`"`+r.issuer+`"`)))
	return len(b), err
}

func TestReady(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c)
	if err := v.Ready(t.Context()); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	if err := v.Ready(t.Context()); err != nil || a.keyHits.Load() != 2 {
		t.Errorf("again: got error %v and %d fetches, want none and one for each issuer", err, a.keyHits.Load())
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	c.advance(24 * time.Hour)
	if err := v.Ready(canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got error %v, want context.Canceled", err)
	}
}

// TestStartBesideIssuer: an issuer that starts after the server is found without delay. Until then it does not get a
// request for each token.
func TestStartBesideIssuer(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	a.fail(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	v := newVerifier(t, a, c, oneIssuer(a))
	token := newForge(a.url + v2Template).token()
	for range 100 {
		_, err := v.Verify(t.Context(), bearer(token))
		refused(t, err, auth.Unavailable, token)
	}
	if n := a.otherHits.Load(); n != 1 {
		t.Errorf("while down: got %d fetches, want 1", n)
	}
	c.advance(250 * time.Millisecond)
	_, _ = v.Verify(t.Context(), bearer(token))
	a.fail(nil)
	c.advance(250 * time.Millisecond)
	_, err := v.Verify(t.Context(), bearer(token))
	refused(t, err, auth.Unavailable, token) // the pause has doubled
	c.advance(250 * time.Millisecond)
	if _, err := v.Verify(t.Context(), bearer(token)); err != nil {
		t.Errorf("once up: got error %v, want none", err)
	}
	// However long an outage lasts, the pause is at most 30 s.
	c.advance(24 * time.Hour)
	a.fail(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	for range 200 {
		_, _ = v.Verify(t.Context(), bearer(token))
		c.advance(30 * time.Second)
	}
	a.fail(nil)
	if err := v.Ready(t.Context()); err != nil {
		t.Errorf("after a long outage: got error %v, want none", err)
	}
}

// TestOutage: known keys are used for 24 hours of an outage and not longer, even for cached tokens.
func TestOutage(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c, oneIssuer(a))
	f := newForge(a.url + v2Template)
	f.claims["exp"] = epoch.Add(48 * time.Hour).Unix()
	token := f.token()
	if _, err := v.Verify(t.Context(), bearer(token)); err != nil {
		t.Fatal(err)
	}
	a.fail(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	c.advance(24*time.Hour - time.Second)
	if _, err := v.Verify(t.Context(), bearer(token)); err != nil {
		t.Errorf("within 24 h: got error %v, want none", err)
	}
	_, err := v.Verify(t.Context(), unknown(a, "x"))
	refused(t, err, auth.Unavailable, token) // it may name a new key
	c.advance(time.Second)
	_, err = v.Verify(t.Context(), bearer(token)) // cached a second ago
	refused(t, err, auth.Unavailable, token)
	if err := v.Ready(t.Context()); err == nil {
		t.Error("Ready: got no error")
	}
	a.fail(nil)
	c.advance(30 * time.Second)
	if _, err := v.Verify(t.Context(), bearer(token)); err != nil {
		t.Errorf("after the outage: got error %v, want none", err)
	}
}

// TestWaiterGoesAway: a client that disconnects does not end a fetch for which others wait.
func TestWaiterGoesAway(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	arrived, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	a.fail(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(arrived) })
		<-release
		a.fail(nil)
		a.ServeHTTP(w, r)
	})
	v := newVerifier(t, a, c, oneIssuer(a))
	token := newForge(a.url + v2Template).token()
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := v.Verify(ctx, bearer(token))
		gone <- err
	}()
	<-arrived
	cancel()
	refused(t, <-gone, auth.Unavailable, token)
	close(release)
	if _, err := v.Verify(t.Context(), bearer(token)); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	if n := a.keyHits.Load(); n != 1 {
		t.Errorf("got %d fetches, want 1", n)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c)
	v.Close()
	token := newForge(a.url + v2Template).token()
	_, err := v.Verify(t.Context(), bearer(token))
	refused(t, err, auth.Unavailable, token)
	v.Close()
}

// handlerTransport connects a client to a handler without a network, as a synctest bubble requires.
type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

// lockedBuffer is a buffer that may be read while the log writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestRefresh adds and withdraws keys over hours of fake time, without any request.
func TestRefresh(t *testing.T) {
	t.Parallel()
	rsaKey() // outside the bubble, whose goroutines must not wait for outside ones
	synctest.Test(t, func(t *testing.T) {
		a := &authority{url: "http://127.0.0.1:1"}
		a.setKeys(rsaJWK("rsa", &rsaKey().PublicKey, nil))
		var log lockedBuffer
		v, err := auth.New(auth.Config{
			Issuers: []string{a.url + v2Template}, Audiences: []string{audience},
			HTTPClient: clientOf(a), Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		f := newForge(a.url + v2Template)
		now := time.Now()
		f.claims["iat"], f.claims["nbf"], f.claims["exp"] = now.Unix(), now.Unix(), now.Add(72*time.Hour).Unix()
		token := f.token()
		try := func(after time.Duration, reason auth.Reason) {
			t.Helper()
			time.Sleep(after - time.Since(now))
			synctest.Wait()
			_, err := v.Verify(t.Context(), bearer(token))
			if reason == accepted {
				if err != nil {
					t.Fatalf("after %v: got error %v, want none", after, err)
				}
				return
			}
			refused(t, err, reason, token)
		}
		try(0, accepted)
		a.setKeys(rsaJWK("other", &rsaKey().PublicKey, nil))
		try(59*time.Minute, accepted)
		try(time.Hour+5*time.Second, auth.Invalid)
		a.setKeys(rsaJWK("rsa", &rsaKey().PublicKey, nil))
		try(2*time.Hour+time.Minute, accepted)
		hits := a.keyHits.Load()

		a.fail(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		try(25*time.Hour, accepted) // the last successful fetch was at about 2 h
		if a.keyHits.Load() != hits || !strings.Contains(log.String(), "keys not refreshed") {
			t.Errorf("in the outage: got %d more fetches of keys, log %q", a.keyHits.Load()-hits, log.String())
		}
		try(27*time.Hour, auth.Unavailable)
		a.fail(nil)
		try(27*time.Hour+2*time.Minute, accepted)
		if strings.Contains(log.String(), token[:40]) {
			t.Error("the log has a token")
		}
	})
}
