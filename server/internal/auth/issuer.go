package auth

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// maxForm bounds the body of a token request in bytes.
const maxForm = 64 << 10

// Issuer is the development issuer: a small OAuth 2 authorization server shaped like Entra's, which gives a token for
// any tenant to whoever asks. It must not be reachable from outside. Its key lives and dies with it. It is safe for
// concurrent use.
type Issuer struct {
	base     string
	template template
	now      func() time.Time
	key      jose.JSONWebKey
	mux      *http.ServeMux
}

// NewIssuer returns an issuer that is mounted at base, the address of a loopback listener without a path, such as
// http://127.0.0.1:8080; it answers below /dev/. now tells the time; nil means time.Now.
func NewIssuer(base string, now func() time.Time) (*Issuer, error) {
	t, err := parseTemplate(base + "/dev/" + tenantPlaceholder + "/v2.0")
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
	key := jose.JSONWebKey{Key: private, Algorithm: string(jose.RS256), Use: "sig"}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("naming the development key: %w", err)
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	if now == nil {
		now = time.Now
	}
	i := &Issuer{base: base, template: t, now: now, key: key, mux: http.NewServeMux()}
	i.mux.HandleFunc("GET /dev/{tenant}/v2.0/.well-known/openid-configuration", i.serveMetadata)
	i.mux.HandleFunc("GET /dev/{tenant}/discovery/v2.0/keys", i.serveKeys)
	i.mux.HandleFunc("POST /dev/{tenant}/oauth2/v2.0/token", i.serveToken)
	return i, nil
}

// Template returns the issuer as [Config] wants it.
func (i *Issuer) Template() string { return i.template.text }

// ServeHTTP answers requests for paths below /dev/.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) { i.mux.ServeHTTP(w, r) }

// serveMetadata answers as OpenID Connect Discovery 1.0 §4 has it; for `common` the issuer is the template, as Entra's is.
func (i *Issuer) serveMetadata(w http.ResponseWriter, r *http.Request) {
	tenant, issuer := r.PathValue("tenant"), i.template.text
	if tenant != "common" {
		id, err := edm.ParseGuid(tenant)
		if err != nil {
			writeOAuthError(w, &oauthError{Code: "invalid_request", Description: "The tenant is not a GUID."})
			return
		}
		tenant = id.String()
		issuer = i.template.of(tenant)
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                issuer,
		"token_endpoint":                        i.base + "/dev/" + tenant + "/oauth2/v2.0/token",
		"jwks_uri":                              i.base + "/dev/" + tenant + "/discovery/v2.0/keys",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
		"grant_types_supported":                 []string{"client_credentials"},
		"response_types_supported":              []string{"token"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{string(jose.RS256)},
	})
}

func (i *Issuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.key.Public()}})
}

// serveToken is the client credentials grant (RFC 6749 §4.4) for any client.
func (i *Issuer) serveToken(w http.ResponseWriter, r *http.Request) {
	g, err := readGrant(w, r)
	if err != nil {
		writeOAuthError(w, err)
		return
	}
	token, err := i.Token(g)
	if err == nil && len(token) > maxToken {
		err = &oauthError{Code: "invalid_request", Description: "The token would be too long."}
	}
	if err != nil {
		writeOAuthError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
		AccessToken string `json:"access_token"`
	}{"Bearer", int(defaultLifetime.Seconds()), token})
}

// readGrant reads a token request (RFC 6749 §4.4.2).
func readGrant(w http.ResponseWriter, r *http.Request) (Grant, error) {
	tenant, err := edm.ParseGuid(r.PathValue("tenant"))
	if err != nil {
		return Grant{}, &oauthError{Code: "invalid_request", Description: "The tenant is not a GUID."}
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return Grant{}, &oauthError{Code: "invalid_request", Description: "The body is not application/x-www-form-urlencoded."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return Grant{}, &oauthError{Code: "invalid_request", Description: "The form is malformed or longer than 64 KiB."}
	}
	form := r.PostForm // what stands in the query is none of it (RFC 6749 §2.3.1)
	for _, values := range form {
		if len(values) > 1 { // RFC 6749 §3.2
			return Grant{}, &oauthError{Code: "invalid_request", Description: "A parameter is repeated."}
		}
	}
	switch form.Get("grant_type") {
	case "client_credentials":
	case "":
		return Grant{}, &oauthError{Code: "invalid_request", Description: "The parameter 'grant_type' is missing."}
	default:
		return Grant{}, &oauthError{Code: "unsupported_grant_type", Description: "The only grant is client_credentials."}
	}
	app, err := clientID(r)
	if err != nil {
		return Grant{}, err
	}
	g := Grant{Tenant: tenant, App: app, Roles: []string{DefaultRole}}
	if scope := form.Get("scope"); scope != "" {
		audience, ok := strings.CutSuffix(scope, "/.default")
		if !ok || audience == "" || strings.Contains(scope, " ") {
			return Grant{}, &oauthError{Code: "invalid_scope", Description: "The scope must be one audience followed by /.default."}
		}
		g.Audience = audience
	}
	if form.Has("roles") || form.Has("scp") {
		g.Roles = strings.Fields(form.Get("roles"))
	}
	if form.Has("scp") {
		g.Scopes = append([]string{}, strings.Fields(form.Get("scp"))...)
	}
	return g, nil
}

// clientID returns who asks, by the one of RFC 6749 §2.3.1's two ways that the request takes. Any secret will do.
func clientID(r *http.Request) (string, error) {
	id, _, basic := r.BasicAuth()
	if basic {
		if r.PostForm.Has("client_secret") {
			return "", &oauthError{Code: "invalid_request", Description: "There are two kinds of client authentication."}
		}
		var err error
		if id, err = url.QueryUnescape(id); err != nil {
			return "", &oauthError{Code: "invalid_client", Description: "The client id is malformed."}
		}
	} else {
		id = r.PostForm.Get("client_id")
	}
	if id == "" {
		return "", &oauthError{Code: "invalid_client", Description: "There is no client id."}
	}
	return id, nil
}

// oauthError is the error answer of RFC 6749 §5.2.
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

// writeJSON writes v, which is not to be kept by anyone on the way (RFC 6749 §5.1).
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, v, json.Deterministic(true)) // the client went away
}
