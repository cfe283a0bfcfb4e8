package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	html "html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

const (
	// graphAudience is the audience of tokens whose scope names no resource.
	graphAudience = "https://graph.microsoft.com"
	// developer is the default user, unless login_hint names another.
	developer = "developer@pfxrecryption.example"
	// typeConsent prevents use of a consent as a token: no verifier accepts the type.
	typeConsent = "consent+jwt"
	// consentLifetime bounds codes, refreshLifetime refresh tokens.
	consentLifetime = 15 * time.Minute
	refreshLifetime = 24 * time.Hour
)

// consent is what a user has agreed to. Signed, it is an authorization code, a device code or a refresh token: the issuer
// keeps no state. So a code can be used more than once, which RFC 6749 §4.1.2 forbids for a real issuer.
type consent struct {
	Grant     string   `json:"grant"` // the only grant that it is valid for
	Tenant    edm.Guid `json:"tid"`
	Client    string   `json:"client_id"`
	User      string   `json:"user"`
	Scope     string   `json:"scope"`
	Redirect  string   `json:"redirect_uri,omitempty"`
	Challenge string   `json:"code_challenge,omitempty"`
	Nonce     string   `json:"nonce,omitempty"`
	Expires   int64    `json:"exp"`
}

// serveAuthorize is the authorization endpoint (RFC 6749 §4.1.1). It consents at once. It sends codes only to loopback
// addresses, so a page from elsewhere gets nothing.
func (i *Issuer) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	redirect, err := url.Parse(query.Get("redirect_uri"))
	if err != nil || redirect.Scheme != "http" && redirect.Scheme != "https" || !loopback(redirect) || redirect.Fragment != "" {
		writeOAuthError(w, &oauthError{Code: "invalid_request", Description: "The parameter 'redirect_uri' is not a loopback address."})
		return
	}
	answer := url.Values{}
	if code, err := i.code(r, query); err != nil {
		answer.Set("error", err.Code)
		answer.Set("error_description", err.Description)
	} else {
		answer.Set("code", code)
	}
	if query.Has("state") {
		answer.Set("state", query.Get("state"))
	}
	sendBack(w, r, redirect, query.Get("response_mode"), answer)
}

// code returns the code for an authorization request.
func (i *Issuer) code(r *http.Request, query url.Values) (string, *oauthError) {
	tenant, err := userTenantOf(r)
	challenge, method := query.Get("code_challenge"), query.Get("code_challenge_method")
	switch {
	case err != nil:
		return "", errNoTenant
	case query.Get("response_type") != "code":
		return "", &oauthError{Code: "unsupported_response_type", Description: "The only response type is code."}
	case query.Get("client_id") == "":
		return "", &oauthError{Code: "invalid_request", Description: "There is no client id."}
	case (challenge != "") != (method == "S256"):
		return "", &oauthError{Code: "invalid_request", Description: "The only method of code_challenge is S256."}
	}
	return i.seal(&consent{
		Grant: grantCode, Tenant: tenant, Client: query.Get("client_id"), User: userOf(query), Scope: query.Get("scope"),
		Redirect: query.Get("redirect_uri"), Challenge: challenge, Nonce: query.Get("nonce"),
	}, consentLifetime)
}

func userOf(query url.Values) string {
	if hint := query.Get("login_hint"); hint != "" {
		return hint
	}
	return developer
}

// Response modes (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode §2).
const (
	modeQuery    = "query"
	modeFragment = "fragment"
	modeForm     = "form_post"
)

// sendBack redirects a browser to the client.
func sendBack(w http.ResponseWriter, r *http.Request, to *url.URL, mode string, answer url.Values) {
	w.Header().Set("Cache-Control", "no-store")
	switch mode {
	case modeForm:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = consentPage.Execute(w, map[string]any{"To": to.String(), "Answer": answer}) // the browser may be gone
		return
	case modeFragment:
		http.Redirect(w, r, to.String()+"#"+answer.Encode(), http.StatusFound)
		return
	default:
		query := to.Query()
		for name, values := range answer {
			query[name] = values
		}
		to.RawQuery = query.Encode()
	}
	http.Redirect(w, r, to.String(), http.StatusFound)
}

var consentPage = html.Must(html.New("").Parse(`<!doctype html>
<title>Development issuer</title>
<form method="post" action="{{.To}}">
{{range $name, $values := .Answer}}{{range $values}}<input type="hidden" name="{{$name}}" value="{{.}}">
{{end}}{{end}}<p>The development issuer consents. <button>Continue</button></p>
</form>
<script>document.forms[0].submit()</script>
`))

// serveDeviceCode is the device authorization endpoint (RFC 8628 §3.1). It consents at once.
func (i *Issuer) serveDeviceCode(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(w, r)
	if err != nil {
		writeOAuthError(w, err)
		return
	}
	tenant, err := userTenantOf(r)
	if err != nil {
		writeOAuthError(w, err)
		return
	}
	client, err := clientID(r)
	if err != nil {
		writeOAuthError(w, err)
		return
	}
	code, oauthErr := i.seal(&consent{Grant: grantDevice, Tenant: tenant, Client: client, User: developer, Scope: form.Get("scope")}, consentLifetime)
	if oauthErr != nil {
		writeOAuthError(w, oauthErr)
		return
	}
	page := i.address(r) + "/" + r.PathValue("tenant") + "/oauth2/v2.0/deviceauth"
	userCode := rand.Text()[:9]
	writeJSON(w, http.StatusOK, map[string]any{
		"device_code": code, "user_code": userCode, "verification_uri": page, "expires_in": int(consentLifetime.Seconds()), "interval": 1,
		"message": "The development issuer has consented already: there is no need to open " + page + " and enter " + userCode + ".",
	})
}

// serveDevicePage is the page for entering a code, which is not needed here.
func serveDevicePage(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "The development issuer has consented already.\n") // the browser may be gone
}

// seal returns a signed consent.
func (i *Issuer) seal(c *consent, lifetime time.Duration) (string, *oauthError) {
	if _, _, err := parseScope(c.Scope); err != nil {
		return "", err
	}
	c.Expires = i.now().Add(lifetime).Unix()
	text, err := i.sign(typeConsent, c)
	if err != nil {
		return "", &oauthError{Code: "server_error", Description: "Internal error."}
	}
	return text, nil
}

// unseal verifies a consent that was sealed for a grant.
func (i *Issuer) unseal(text, grant string) (*consent, error) {
	invalid := &oauthError{Code: "invalid_grant", Description: "The code or refresh token is not one of this issuer, or expired."}
	jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || jws.Signatures[0].Header.ExtraHeaders[jose.HeaderType] != typeConsent {
		return nil, invalid
	}
	payload, err := jws.Verify(i.key.Public())
	if err != nil {
		return nil, invalid
	}
	var c consent
	if err := json.Unmarshal(payload, &c); err != nil || c.Grant != grant || i.now().Unix() >= c.Expires {
		return nil, invalid
	}
	return &c, nil
}

// consentParameters are the parameters that carry the consent, by grant.
var consentParameters = map[string]string{grantCode: "code", grantDevice: "device_code", grantRefresh: "refresh_token"}

// userToken responds to a token request for a user (RFC 6749 §4.1.3 and §6, RFC 8628 §3.4).
func (i *Issuer) userToken(r *http.Request, form url.Values, grant string) (*tokenResponse, error) {
	client, err := clientID(r)
	if err != nil {
		return nil, err
	}
	c, err := i.unseal(form.Get(consentParameters[grant]), grant)
	if err != nil {
		return nil, err
	}
	tenant, err := userTenantOf(r)
	switch {
	case err != nil:
		return nil, err
	case c.Client != client || c.Tenant != tenant || grant == grantCode && c.Redirect != form.Get("redirect_uri"):
		return nil, &oauthError{Code: "invalid_grant", Description: "The consent was given to another client, tenant or redirect_uri."}
	case c.Challenge != "" && c.Challenge != challengeOf(form.Get("code_verifier")):
		return nil, &oauthError{Code: "invalid_grant", Description: "The parameter 'code_verifier' does not match (RFC 7636 §4.6)."}
	}
	if grant == grantRefresh && form.Get("scope") != "" {
		c.Scope = form.Get("scope")
	}
	return i.tokensOf(c, i.address(r)+"/"+tenant.String()+"/v2.0")
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// tokensOf returns the tokens that a consent allows.
func (i *Issuer) tokensOf(c *consent, iss string) (*tokenResponse, error) {
	audience, permissions, oauthErr := parseScope(c.Scope)
	if oauthErr != nil {
		return nil, oauthErr
	}
	access, err := i.token(iss, Grant{Tenant: c.Tenant, Audience: audience, App: c.Client, User: c.User, Scopes: permissions})
	if err != nil {
		return nil, err
	}
	user := subjectOf(c.Tenant, c.User)
	info, err := json.Marshal(map[string]string{"uid": user.String(), "utid": c.Tenant.String()}, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	id, err := i.idToken(c, iss, user)
	if err != nil {
		return nil, err
	}
	refresh := *c
	refresh.Grant, refresh.Challenge, refresh.Nonce = grantRefresh, "", ""
	refreshToken, oauthErr := i.seal(&refresh, refreshLifetime)
	if oauthErr != nil {
		return nil, oauthErr
	}
	return &tokenResponse{
		AccessToken: access, Scope: c.Scope, RefreshToken: refreshToken, IDToken: id, ClientInfo: base64.RawURLEncoding.EncodeToString(info),
	}, nil
}

// idToken returns an ID token, which tells the client who the user is (OpenID Connect Core 1.0 §2).
func (i *Issuer) idToken(c *consent, iss string, user edm.Guid) (string, error) {
	now := i.now()
	return i.sign("JWT", struct {
		Iss   string   `json:"iss"`
		Aud   string   `json:"aud"`
		Tid   edm.Guid `json:"tid"`
		Oid   edm.Guid `json:"oid"`
		Sub   edm.Guid `json:"sub"`
		Name  string   `json:"name"`
		User  string   `json:"preferred_username"`
		Nonce string   `json:"nonce,omitempty"`
		Iat   int64    `json:"iat"`
		Nbf   int64    `json:"nbf"`
		Exp   int64    `json:"exp"`
		Ver   string   `json:"ver"`
	}{iss, c.Client, c.Tenant, user, user, c.User, c.User, c.Nonce, now.Unix(), now.Unix(), now.Add(defaultLifetime).Unix(), "2.0"})
}

// parseScope returns the audience and the permissions for the scopes of a user's client: those of OpenID Connect, and others
// of one resource, such as api://pfxrecryption/.default. Without a resource the audience is Microsoft Graph, as at Entra.
func parseScope(scope string) (string, []string, *oauthError) {
	audience, permissions := "", []string{}
	for word := range strings.FieldsSeq(scope) {
		if slices.Contains(openIDScopes, word) {
			continue
		}
		resource, permission := graphAudience, word
		if at := strings.LastIndexByte(word, '/'); at >= 0 {
			resource, permission = word[:at], word[at+1:]
		}
		if resource == "" || permission == "" || audience != "" && resource != audience {
			return "", nil, &oauthError{Code: "invalid_scope", Description: "The scopes must be those of one resource."}
		}
		if permission == ".default" {
			permission = DefaultRole
		}
		audience, permissions = resource, append(permissions, permission)
	}
	if audience == "" {
		audience = graphAudience
	}
	return audience, permissions, nil
}
