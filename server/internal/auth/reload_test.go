package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

// reasonOf returns why a token is refused, or accepted.
func reasonOf(t *testing.T, v *auth.Verifier, header []string) auth.Reason {
	t.Helper()
	_, err := v.Verify(t.Context(), header)
	if err == nil {
		return accepted
	}
	e, ok := errors.AsType[*auth.Error](err)
	if !ok {
		t.Fatalf("got %v, want an *auth.Error", err)
	}
	return e.Reason
}

// TestSetIssuers: a remaining issuer keeps its keys; tokens of a removed one are refused, even cached ones.
func TestSetIssuers(t *testing.T) {
	t.Parallel()
	a, b, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c, oneIssuer(a))
	ofA, ofB := bearer(newForge(a.url+v2Template).token()), bearer(newForge(b.url+v2Template).token())
	for _, step := range []struct {
		issuers  []string
		err      string
		ofA, ofB auth.Reason
	}{
		{nil, "", accepted, auth.Invalid},
		{[]string{b.url + v2Template, a.url + v2Template}, "", accepted, accepted},
		{[]string{b.url + v2Template}, "", auth.Invalid, accepted},
		{[]string{a.url + v2Template, "https://u:secret@login.example"}, "Issuers[1]", auth.Invalid, accepted},
		{[]string{}, "at least one", auth.Invalid, accepted},
		{[]string{a.url + v2Template}, "", accepted, auth.Invalid},
	} {
		if step.issuers != nil {
			err := v.SetIssuers(step.issuers)
			if (err == nil) != (step.err == "") || err != nil && (!strings.Contains(err.Error(), step.err) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("%v: got error %v, want %q", step.issuers, err, step.err)
			}
		}
		if gotA, gotB := reasonOf(t, v, ofA), reasonOf(t, v, ofB); gotA != step.ofA || gotB != step.ofB {
			t.Errorf("%v: got %d and %d, want %d and %d", step.issuers, gotA, gotB, step.ofA, step.ofB)
		}
	}
	if n := b.keyHits.Load(); n != 1 {
		t.Errorf("the keys of a remaining issuer were fetched %d times, want once", n)
	}
}

// TestRefreshOnDemand: a withdrawn key is refused without waiting for the next refresh; an unreachable issuer keeps its
// keys.
func TestRefreshOnDemand(t *testing.T) {
	t.Parallel()
	a, b, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c, func(c *auth.Config) { c.Issuers = []string{a.url + v2Template, b.url + v2Template} })
	ofA, ofB := bearer(newForge(a.url+v2Template).token()), bearer(newForge(b.url+v2Template).token())
	if gotA, gotB := reasonOf(t, v, ofA), reasonOf(t, v, ofB); gotA != accepted || gotB != accepted {
		t.Fatalf("got %d and %d", gotA, gotB)
	}
	a.setKeys(rsaJWK("next", &rsaOther().PublicKey, nil))
	b.fail(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	if err := v.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), b.url) {
		t.Errorf("got error %v, want one that names %s", err, b.url)
	}
	if gotA, gotB := reasonOf(t, v, ofA), reasonOf(t, v, ofB); gotA != auth.Invalid || gotB != accepted {
		t.Errorf("got %d and %d, want the withdrawn key refused, the other one accepted", gotA, gotB)
	}
}

// TestRotationUnderFlood: random kids, which any client can send, use up the fetches. A token of a new key then gets
// 503, and is accepted once a fetch is allowed.
func TestRotationUnderFlood(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c, oneIssuer(a))
	good := bearer(newForge(a.url + v2Template).token())
	if got := reasonOf(t, v, good); got != accepted {
		t.Fatal(got)
	}
	if got := reasonOf(t, v, unknown(a, "random")); got != auth.Invalid {
		t.Errorf("a kid that a fetch has not found: got %d, want Invalid", got)
	}
	a.setKeys(rsaJWK("next", &rsaOther().PublicKey, nil))
	f := newForge(a.url + v2Template)
	f.header["kid"], f.key = "next", rsaOther()
	fresh := bearer(f.token())
	c.advance(time.Minute)
	if got := reasonOf(t, v, fresh); got != auth.Unavailable {
		t.Errorf("while no fetch is allowed: got %d, want Unavailable", got)
	}
	c.advance(4 * time.Minute)
	if got := reasonOf(t, v, fresh); got != accepted {
		t.Errorf("once a fetch is allowed: got %d, want accepted", got)
	}
	c.advance(time.Minute)
	for range 3 { // the flood also uses the second budget
		if got := reasonOf(t, v, unknown(a, "random")); got != auth.Invalid {
			t.Errorf("a random kid after a rotation: got %d, want Invalid", got)
		}
	}
	if got := reasonOf(t, v, good); got != auth.Invalid {
		t.Errorf("a token of the withdrawn key: got %d, want Invalid", got)
	}
}

// TestRotationsInARow: each new key is fetched at once.
func TestRotationsInARow(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("0", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c, oneIssuer(a))
	withdrawn := []string{}
	for i := range 10 {
		kid := fmt.Sprint(i)
		a.setKeys(rsaJWK(kid, &rsaKey().PublicKey, nil))
		f := newForge(a.url + v2Template)
		f.header["kid"] = kid
		if got := reasonOf(t, v, bearer(f.token())); got != accepted {
			t.Errorf("key %d: got %d, want accepted", i, got)
		}
		c.advance(time.Second)
		for _, kid := range withdrawn { // they use no fetch
			if got := reasonOf(t, v, unknown(a, kid)); got != auth.Invalid {
				t.Errorf("withdrawn key %s: got %d, want Invalid", kid, got)
			}
		}
		withdrawn = append(withdrawn, kid)
	}
	f := newForge(a.url + v2Template)
	f.header["kid"] = "0"
	if got := reasonOf(t, v, bearer(f.token())); got != auth.Invalid {
		t.Errorf("a previous key: got %d, want Invalid", got)
	}
}

// TestFloodAfterRotation: the second budget is small.
func TestFloodAfterRotation(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("0", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c, oneIssuer(a))
	_ = reasonOf(t, v, unknown(a, "1"))
	c.advance(5 * time.Minute)
	a.setKeys(rsaJWK("1", &rsaKey().PublicKey, nil))
	for i := range 1000 {
		_ = reasonOf(t, v, unknown(a, fmt.Sprint("random ", i)))
	}
	if n := a.keyHits.Load(); n > 2+1+10 {
		t.Errorf("got %d fetches, want at most 13", n)
	}
}

// TestKeyIssuerOfOneTenant: Entra's keys name the issuer template, even in the metadata of one tenant.
func TestKeyIssuerOfOneTenant(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		issuer string
		want   auth.Reason
	}{
		"template":         {"/{tenantid}/v2.0", accepted},
		"the tenant":       {"/" + tenant + "/v2.0", accepted},
		"another tenant":   {"/" + personal + "/v2.0", auth.Invalid},
		"another template": {"/{tenantid}/v1.0", auth.Invalid},
		"another host":     {"", auth.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var url string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/keys") {
					of := url + tt.issuer
					if tt.issuer == "" {
						of = "https://login.example/{tenantid}/v2.0"
					}
					fmt.Fprint(w, jwks(rsaJWK("rsa", &rsaKey().PublicKey, map[string]any{"issuer": of})))
					return
				}
				fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, url+"/"+tenant+"/v2.0", url+"/keys")
			}))
			t.Cleanup(srv.Close)
			url = srv.URL
			c := &clock{}
			v, err := auth.New(auth.Config{Issuers: []string{url + "/" + tenant + "/v2.0"}, Audiences: []string{audience}, Now: c.now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(v.Close)
			if got := reasonOf(t, v, bearer(newForge(url+"/"+tenant+"/v2.0").token())); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
