package auth_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

func clientOf(h http.Handler) *http.Client { return &http.Client{Transport: handlerTransport{h}} }

func benchVerifier(b *testing.B, cacheSize int) (*auth.Verifier, *authority) {
	b.Helper()
	a, c := newAuthority(b, tableKeys()...), &clock{}
	return newVerifier(b, a, c, func(c *auth.Config) { c.CacheSize = cacheSize }), a
}

func BenchmarkVerifyHit(b *testing.B) {
	v, a := benchVerifier(b, 0)
	header := bearer(newForge(a.url + v2Template).token())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), header); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyMiss alternates between two tokens with a cache of one.
func BenchmarkVerifyMiss(b *testing.B) {
	for name, change := range map[string]func(*forge){
		"RS256": func(*forge) {}, "PS256": alg("PS256", "rsa", rsaKey()), "ES256": alg("ES256", "ec", ecKey()),
	} {
		b.Run(name, func(b *testing.B) {
			v, a := benchVerifier(b, 1)
			var headers [2][]string
			for i := range headers {
				f := newForge(a.url + v2Template)
				change(f)
				f.claims["uti"] = fmt.Sprint(i)
				headers[i] = bearer(f.token())
			}
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				n++
				if _, err := v.Verify(b.Context(), headers[n%2]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerifyUnknownKey measures one token of a flood.
func BenchmarkVerifyUnknownKey(b *testing.B) {
	v, a := benchVerifier(b, 0)
	header := unknown(a, "nobody")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), header); err == nil {
			b.Fatal("got no error")
		}
	}
}
