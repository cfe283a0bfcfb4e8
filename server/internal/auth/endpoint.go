package auth

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// maxForm bounds the body of a token request in bytes.
const maxForm = 64 << 10

// The grants.
const (
	grantClient  = "client_credentials"
	grantCode    = "authorization_code"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
	grantRefresh = "refresh_token"

	// grantMicrosoft is the name that Microsoft's libraries use for grantDevice.
	grantMicrosoft = "device_code"
)

// openIDScopes are the scopes about a user. Microsoft's libraries also request them for applications.
var openIDScopes = []string{"openid", "profile", "email", "offline_access"}

// tokenResponse is a token response (RFC 6749 §5.1). Its last members are only for users.
type tokenResponse struct {
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	AccessToken  string `json:"access_token"`
	Scope        string `json:"scope,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	ClientInfo   string `json:"client_info,omitempty"` // identifies the account for Microsoft's libraries
}

// serveToken serves token requests (RFC 6749 §3.2) of any client.
func (i *Issuer) serveToken(w http.ResponseWriter, r *http.Request) {
	response, err := i.answer(w, r)
	if err == nil && len(response.AccessToken) > MaxToken {
		err = &oauthError{Code: "invalid_request", Description: "The token would be too long."}
	}
	if err != nil {
		writeOAuthError(w, err)
		return
	}
	response.TokenType, response.ExpiresIn = "Bearer", int(defaultLifetime.Seconds())
	writeJSON(w, http.StatusOK, response)
}

func (i *Issuer) answer(w http.ResponseWriter, r *http.Request) (*tokenResponse, error) {
	form, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	switch grant := form.Get("grant_type"); grant {
	case grantClient:
		return i.clientToken(r, form)
	case grantCode, grantDevice, grantRefresh:
		return i.userToken(r, form, grant)
	case grantMicrosoft:
		return i.userToken(r, form, grantDevice)
	case "":
		return nil, &oauthError{Code: "invalid_request", Description: "The parameter 'grant_type' is missing."}
	}
	return nil, &oauthError{Code: "unsupported_grant_type", Description: "The grant is none of those in the issuer's metadata."}
}

// readForm parses the body of a token request.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, &oauthError{Code: "invalid_request", Description: "The body is not application/x-www-form-urlencoded."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, &oauthError{Code: "invalid_request", Description: "The form is malformed or longer than 64 KiB."}
	}
	form := r.PostForm // parameters in the query do not count (RFC 6749 §2.3.1)
	for _, values := range form {
		if len(values) > 1 { // RFC 6749 §3.2
			return nil, &oauthError{Code: "invalid_request", Description: "A parameter is repeated."}
		}
	}
	return form, nil
}

// clientToken serves the client credentials grant (RFC 6749 §4.4.2).
func (i *Issuer) clientToken(r *http.Request, form url.Values) (*tokenResponse, error) {
	tenant, err := tenantOf(r)
	if err != nil {
		return nil, err
	}
	app, err := clientID(r)
	if err != nil {
		return nil, err
	}
	g, err := clientGrant(form, tenant, app)
	if err != nil {
		return nil, err
	}
	token, err := i.token(i.address(r)+"/"+tenant.String()+"/v2.0", g)
	return &tokenResponse{AccessToken: token}, err
}

func clientGrant(form url.Values, tenant edm.Guid, app string) (Grant, error) {
	g := Grant{Tenant: tenant, App: app, Roles: []string{DefaultRole}}
	scopes := slices.DeleteFunc(strings.Fields(form.Get("scope")), func(s string) bool { return slices.Contains(openIDScopes, s) })
	if len(scopes) > 0 {
		audience, ok := strings.CutSuffix(scopes[0], "/.default")
		if !ok || audience == "" || len(scopes) > 1 {
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

// clientID returns the client's id, sent in one of the two ways of RFC 6749 §2.3.1. Any secret is accepted.
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
