package gateway_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

// tokens are bearer tokens of our own issuer, with their verifier.
type tokens struct {
	verifier *auth.Verifier
	words    *strings.Replacer // replaces words by tokens
	back     *strings.Replacer
}

// newTokens issues the tokens READ, ADMIN, WRITE (read and write) and EXPIRED (read and admin).
func newTokens(t testing.TB) *tokens {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer, err := auth.NewIssuer("http://"+server.Listener.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = issuer
	server.Start()
	t.Cleanup(server.Close)
	k := &tokens{}
	var there, back []string
	for word, g := range map[string]auth.Grant{
		"READ": {Roles: []string{"read"}}, "ADMIN": {Roles: []string{"admin"}}, "WRITE": {Roles: []string{"read", "write"}},
		"EXPIRED": {Roles: []string{"read", "admin"}, Lifetime: -3600e9},
	} {
		g.App, g.Tenant = "app", [16]byte{1}
		token, err := issuer.Token(g)
		if err != nil {
			t.Fatal(err)
		}
		there = append(there, "Bearer "+word, "Bearer "+token)
		back = append(back, token, word)
	}
	k.words, k.back = strings.NewReplacer(there...), strings.NewReplacer(back...)
	if k.verifier, err = auth.New(auth.Config{Issuers: []string{issuer.Template()}, Audiences: []string{auth.DefaultAudience}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.verifier.Close)
	return k
}
