package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

func TestCache(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		expires time.Duration // exp, from the first verification
		after   time.Duration
		hit     bool
		reason  auth.Reason
	}{
		{"at once", time.Hour, 0, true, accepted},
		{"before 5 min", time.Hour, 5*time.Minute - 1, true, accepted},
		{"at 5 min", time.Hour, 5 * time.Minute, false, accepted},
		{"before exp", time.Minute, time.Minute - 1, true, accepted},
		{"at exp, within skew", time.Minute, time.Minute, false, accepted},
		{"at the end of the skew", time.Minute, 6 * time.Minute, false, auth.Expired},
		{"verified only within skew", -time.Minute, 0, false, accepted},
		{"clock set back within skew", time.Hour, -5 * time.Minute, false, accepted},
		{"clock set back before nbf", time.Hour, -5*time.Minute - 1, false, auth.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
			v := newVerifier(t, a, c)
			f := newForge(a.url + v2Template)
			f.claims["exp"] = epoch.Add(tt.expires).Unix()
			header := bearer(f.token())
			first, err := v.Verify(t.Context(), header)
			if err != nil {
				t.Fatal(err)
			}
			c.advance(tt.after)
			second, err := v.Verify(t.Context(), header)
			if tt.reason != accepted {
				refused(t, err, tt.reason, header[0])
				return
			}
			if err != nil || (first == second) != tt.hit {
				t.Errorf("got error %v, hit %t, want hit %t", err, first == second, tt.hit)
			}
		})
	}
}

// TestCacheDistinguishesTokens changes every part of a cached token.
func TestCacheDistinguishesTokens(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c)
	token := newForge(a.url + v2Template).token()
	if _, err := v.Verify(t.Context(), bearer(token)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		parts := strings.Split(token, ".")
		b := []byte(parts[i])
		b[len(b)/2] ^= 1 // a letter becomes its neighbour; - and _ become characters outside the alphabet
		parts[i] = string(b)
		changed := strings.Join(parts, ".")
		_, err := v.Verify(t.Context(), bearer(changed))
		refused(t, err, auth.Invalid, changed)
	}
	cut := token[:strings.LastIndex(token, ".")+1]
	_, err := v.Verify(t.Context(), bearer(cut))
	refused(t, err, auth.Invalid, cut)
}

// TestCacheIsBounded verifies more tokens than the cache holds.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c, func(c *auth.Config) { c.CacheSize = 2 })
	headers, principals := make([][]string, 3), make([]*auth.Principal, 3)
	for i := range headers {
		f := newForge(a.url + v2Template)
		f.claims["uti"] = fmt.Sprint(i)
		headers[i] = bearer(f.token())
		var err error
		if principals[i], err = v.Verify(t.Context(), headers[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []bool{false, false, true} { // the first replaces the second
		if p, err := v.Verify(t.Context(), headers[i]); err != nil || (p == principals[i]) != want {
			t.Errorf("token %d: got error %v, hit %t, want hit %t", i, err, p == principals[i], want)
		}
		if i == 1 {
			principals[2], _ = v.Verify(t.Context(), headers[2])
		}
	}
}

// TestFailuresAreNotCached: a token that is not valid yet is accepted later.
func TestFailuresAreNotCached(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c)
	f := newForge(a.url + v2Template)
	f.claims["nbf"] = epoch.Add(10 * time.Minute).Unix()
	token := f.token()
	_, err := v.Verify(t.Context(), bearer(token))
	refused(t, err, auth.Invalid, token)
	c.advance(5 * time.Minute)
	if _, err := v.Verify(t.Context(), bearer(token)); err != nil {
		t.Errorf("got error %v, want none", err)
	}
}

// TestConcurrentUse has concurrent hits, misses and refusals, for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c, func(c *auth.Config) { c.CacheSize = 4 })
	good := make([][]string, 8)
	for i := range good {
		f := newForge(a.url + []string{v1Template, v2Template}[i%2])
		f.claims["uti"] = fmt.Sprint(i)
		good[i] = bearer(f.token())
	}
	bad := unknown(a, "x")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 50 {
				if _, err := v.Verify(t.Context(), good[(i+n)%8]); err != nil {
					t.Errorf("got error %v, want none", err)
				}
				if _, err := v.Verify(t.Context(), bad); err == nil || errors.Is(err, t.Context().Err()) {
					t.Errorf("got error %v, want a refusal", err)
				}
				if n == 25 && i == 0 {
					c.advance(5 * time.Minute)
				}
			}
		})
	}
	wg.Wait()
}
