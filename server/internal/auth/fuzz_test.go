package auth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

// FuzzAuthorization looks for a header value that panics or is accepted. The signing key is new in each run and never used,
// so any accepted token is forged. Seeds are here and in testdata/fuzz.
func FuzzAuthorization(f *testing.F) {
	const base = "http://127.0.0.1:1"
	a := &authority{url: base}
	a.setKeys(tableKeys()...)
	c := &clock{}
	v, err := auth.New(auth.Config{
		Issuers: []string{base + v2Template, base + v1Template}, Audiences: []string{audience}, Now: c.now,
		HTTPClient: clientOf(a),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(v.Close)
	forged := func(change func(*forge)) string {
		fg := newForge(base + v2Template)
		change(fg)
		fg.key = []byte("not the key")
		return "Bearer " + fg.token()
	}
	for _, tt := range tokenTable("http://127.0.0.1:2") {
		if value := forged(tt.change); len(value) < 10<<10 {
			f.Add(value)
		}
	}
	f.Fuzz(func(t *testing.T, value string) {
		p, err := v.Verify(t.Context(), []string{value})
		if p != nil || err == nil {
			t.Fatalf("accepted %q", value)
		}
		e, ok := errors.AsType[*auth.Error](err)
		if !ok || e.Reason == auth.Unavailable || e.Msg == "" || strings.ContainsAny(e.Msg, "\r\n\"") {
			t.Errorf("%q: got error %v, want a refusal", value, err)
		}
	})
}
