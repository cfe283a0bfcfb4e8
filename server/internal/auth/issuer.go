package auth

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// Issuer is the development issuer: a small OAuth 2 authorization server with Entra's interface. It gives any client a token
// for any tenant, and consents for every user, so it must not be reachable from outside. Its key exists only in memory. It
// is safe for concurrent use.
//
// Its addresses are Entra's, below /dev/ and at the root: /dev/{tenant}/oauth2/v2.0/token and /{tenant}/oauth2/v2.0/token,
// which Microsoft's libraries need. The `iss` of a token follows the address of the token request: scheme and port are the
// issuer's, and the host is any name of loopback, because certificates differ in their names.
type Issuer struct {
	base     *url.URL
	template template
	now      func() time.Time
	key      jose.JSONWebKey
	keys     *keySet // with the public key
	mux      *http.ServeMux
}

// layouts are the path prefixes before the tenant.
var layouts = []string{"/dev", ""}

// NewIssuer returns an issuer mounted at base, the address of a loopback listener without a path, such as
// http://127.0.0.1:8080. now is the clock; nil means time.Now.
func NewIssuer(base string, now func() time.Time) (*Issuer, error) {
	t, err := parseTemplate(base + layouts[0] + "/" + tenantPlaceholder + "/v2.0")
	if err != nil {
		return nil, fmt.Errorf("auth: the base of the development issuer is %q: %w", base, err)
	}
	u, err := url.Parse(base)
	if err != nil || !loopback(u) || u.Path != "" {
		return nil, fmt.Errorf("auth: the base of the development issuer is %q: want a loopback address without a path", base)
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("making the development key: %w", err)
	}
	signing := jose.JSONWebKey{Key: private, Algorithm: string(jose.RS256), Use: "sig"}
	thumbprint, err := signing.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("naming the development key: %w", err)
	}
	signing.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	if now == nil {
		now = time.Now
	}
	public := &key{public: &private.PublicKey, algorithms: []jose.SignatureAlgorithm{jose.RS256}}
	i := &Issuer{
		base: u, template: t, now: now, key: signing, keys: &keySet{keys: map[string]*key{signing.KeyID: public}}, mux: http.NewServeMux(),
	}
	for _, layout := range layouts {
		at := layout + "/{tenant}/"
		i.mux.HandleFunc("GET "+at+"v2.0/.well-known/openid-configuration", i.serveMetadata)
		i.mux.HandleFunc("GET "+at+"discovery/v2.0/keys", i.serveKeys)
		i.mux.HandleFunc("GET "+at+"oauth2/v2.0/authorize", i.serveAuthorize)
		i.mux.HandleFunc("GET "+at+"oauth2/v2.0/deviceauth", serveDevicePage)
		i.mux.HandleFunc("POST "+at+"oauth2/v2.0/devicecode", i.serveDeviceCode)
		i.mux.HandleFunc("POST "+at+"oauth2/v2.0/token", i.serveToken)
	}
	return i, nil
}

// Template returns the issuer for [Config.Issuers], when it is not used as Local.
func (i *Issuer) Template() string { return i.template.text }

// Serves reports whether a request is for the issuer.
func (i *Issuer) Serves(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, layouts[0]+"/") {
		return true
	}
	_, pattern := i.mux.Handler(r)
	return pattern != ""
}

// ServeHTTP serves the requests for which Serves is true.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) { i.mux.ServeHTTP(w, r) }

// address returns the issuer's address as the client has reached it: its origin and the path layout.
func (i *Issuer) address(r *http.Request) string {
	u := &url.URL{Scheme: i.base.Scheme, Host: r.Host}
	if !loopback(u) || port(u) != port(i.base) {
		u = i.base
	}
	if strings.HasPrefix(r.URL.Path, layouts[0]+"/") {
		return u.Scheme + "://" + u.Host + layouts[0]
	}
	return u.Scheme + "://" + u.Host
}

// port returns the port of an http or https address.
func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// localKeys is the keyring of an issuer in the same process.
type localKeys struct{ *Issuer }

// localAudiences are the accepted audiences of the issuer's tokens: programs developed for Microsoft Graph request its
// tokens.
var localAudiences = []string{DefaultAudience, graphAudience}

// issues reports whether iss is one of the issuer's addresses for a tenant.
func (l localKeys) issues(iss, tid string) bool {
	u, err := url.Parse(iss)
	if err != nil || u.Scheme != l.base.Scheme || !loopback(u) || port(u) != port(l.base) {
		return false
	}
	for _, layout := range layouts {
		if iss == u.Scheme+"://"+u.Host+layout+"/"+tid+"/v2.0" {
			return true
		}
	}
	return false
}

func (l localKeys) audiences() []string { return localAudiences }

func (l localKeys) key(_ context.Context, kid string) (*key, error) {
	if k := l.keys.keys[kid]; k != nil {
		return k, nil
	}
	return nil, errUnknownKey
}

func (l localKeys) current() *keySet { return l.keys }

func (l localKeys) ready(context.Context) error { return nil }

// anyTenants are placeholders for the user's own tenant.
var anyTenants = map[string]bool{"common": true, "organizations": true}

// homeTenant is the default tenant of users: that of the example of Microsoft's page.
var homeTenant = edm.Guid{0xf9, 0x88, 0x2b, 0xcd, 0x2b, 0xcd, 0xf9, 0x88, 0xcd, 0x2b, 0x88, 0xf9, 0xcd, 0x2b, 0x88, 0xf9}

var errNoTenant = &oauthError{Code: "invalid_request", Description: "The tenant is not a GUID."}

// tenantOf returns the tenant of a request's path.
func tenantOf(r *http.Request) (edm.Guid, error) {
	tenant, err := edm.ParseGuid(r.PathValue("tenant"))
	if err != nil {
		return tenant, errNoTenant
	}
	return tenant, nil
}

// userTenantOf returns the tenant of a user for a request's path.
func userTenantOf(r *http.Request) (edm.Guid, error) {
	if anyTenants[r.PathValue("tenant")] {
		return homeTenant, nil
	}
	return tenantOf(r)
}

// serveMetadata serves the metadata (OpenID Connect Discovery 1.0 §4). Without a tenant, issuer is the template, as at
// Entra.
func (i *Issuer) serveMetadata(w http.ResponseWriter, r *http.Request) {
	tenant, issued := r.PathValue("tenant"), tenantPlaceholder
	if !anyTenants[tenant] {
		id, err := tenantOf(r)
		if err != nil {
			writeOAuthError(w, err)
			return
		}
		tenant = id.String()
		issued = tenant
	}
	at := i.address(r) + "/"
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                at + issued + "/v2.0",
		"authorization_endpoint":                at + tenant + "/oauth2/v2.0/authorize",
		"device_authorization_endpoint":         at + tenant + "/oauth2/v2.0/devicecode",
		"token_endpoint":                        at + tenant + "/oauth2/v2.0/token",
		"jwks_uri":                              at + tenant + "/discovery/v2.0/keys",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic", "private_key_jwt", "none"},
		"grant_types_supported":                 []string{grantClient, grantCode, grantDevice, grantRefresh},
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{modeQuery, modeFragment, modeForm},
		"code_challenge_methods_supported":      []string{"S256"},
		"scopes_supported":                      openIDScopes,
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{string(jose.RS256)},
	})
}

func (i *Issuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.key.Public()}})
}

// sign returns claims as a signed JWT of a type.
func (i *Issuer) sign(typ jose.ContentType, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encoding the claims: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: i.key}, (&jose.SignerOptions{}).WithType(typ))
	if err != nil {
		return "", fmt.Errorf("making the signer: %w", err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing the token: %w", err)
	}
	return jws.CompactSerialize()
}

// oauthError is the error response of RFC 6749 §5.2.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (e *oauthError) Error() string { return e.Code + ": " + e.Description }

func writeOAuthError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*oauthError](err)
	switch {
	case !ok:
		writeJSON(w, http.StatusInternalServerError, &oauthError{Code: "server_error", Description: "Internal error."})
	case e.Code == "invalid_client":
		w.Header().Set("WWW-Authenticate", `Basic realm="development issuer"`)
		writeJSON(w, http.StatusUnauthorized, e)
	default:
		writeJSON(w, http.StatusBadRequest, e)
	}
}

// writeJSON writes v with fields that prevent caching (RFC 6749 §5.1).
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, v, json.Deterministic(true)) // the client may be gone
}
