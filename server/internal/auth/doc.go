// Package auth says who calls: it turns the Authorization header of a request into a [Principal], or refuses.
//
// It knows OAuth 2 bearer tokens as Microsoft Entra writes them, and net/http as far as it must fetch keys; it knows no
// router, no route and no rule of the domain. Which permission an operation needs is the caller's business:
//
//	v, err := auth.New(auth.Config{
//		Issuers:   []string{"https://login.microsoftonline.com/{tenantid}/v2.0"},
//		Audiences: []string{"api://pfxrecryption"},
//	})
//	…
//	p, err := v.Verify(r.Context(), r.Header.Values("Authorization"))
//	if err == nil && !p.Allows("DeviceManagementConfiguration.ReadWrite.All") { … }
//
// [Issuer] is the development issuer. Its tokens go the very same way as Entra's.
//
// The names of this package: an issuer is what `iss` names, a tenant is what `tid` names, a key is one member of an
// issuer's JWK set, a source is where an issuer's keys come from.
package auth
