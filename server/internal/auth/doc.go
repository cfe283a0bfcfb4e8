// Package auth authenticates callers: it turns the Authorization header of a request into a [Principal], or refuses it.
//
// It knows OAuth 2 bearer tokens as Microsoft Entra issues them, and net/http to fetch keys. It knows no router, no route
// and no domain rule. The caller decides which permission an operation needs:
//
//	v, err := auth.New(auth.Config{
//		Issuers:   []string{"https://login.microsoftonline.com/{tenantid}/v2.0"},
//		Audiences: []string{"api://pfxrecryption"},
//	})
//	…
//	p, err := v.Verify(r.Context(), r.Header.Values("Authorization"))
//	if err == nil && !p.Allows("DeviceManagementConfiguration.ReadWrite.All") { … }
//
// [Issuer] is the development issuer. Its tokens pass the same checks as Entra's.
//
// Terms: an issuer is what `iss` names, a tenant is what `tid` names, a key is a member of an issuer's JWK set, and a source
// fetches an issuer's keys.
package auth
