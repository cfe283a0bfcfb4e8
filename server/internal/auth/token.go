package auth

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

const (
	// MaxToken is the largest token in bytes. A larger one is refused before it is decoded.
	MaxToken = 8 << 10
	// maxSkew is the tolerated clock difference to the issuer, in either direction.
	maxSkew = 5 * time.Minute
)

// algorithms are those that a token may name (RFC 8725 §3.1); the key decides which of them it accepts.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256}

// bearer returns the token of Authorization (RFC 6750 §2.1, but stricter: exactly one token and one space).
func bearer(authorization []string) (string, error) {
	if len(authorization) > 1 {
		return "", Repeated()
	}
	if len(authorization) == 0 || authorization[0] == "" {
		return "", &Error{Reason: Missing, Msg: "Access token is empty."}
	}
	scheme, token, _ := strings.Cut(authorization[0], " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return "", refuse("The authorization scheme is not Bearer.", nil)
	case token == "":
		return "", &Error{Reason: Missing, Msg: "Access token is empty."}
	case len(token) > MaxToken:
		return "", refuse("The token is too long.", nil)
	}
	return token, nil
}

// Repeated is the [*Error] of duplicate Authorization fields.
func Repeated() error { return refuse("There is more than one Authorization header.", nil) }

// checkForm checks the outer form of a JWS: three nonempty parts of base64url characters.
func checkForm(token string) error {
	if strings.Count(token, ".") != 2 {
		return refuse("The token is not a signed JWT of three parts.", nil)
	}
	// Go's decoder skips CR and LF, so the alphabet is checked here.
	partLen := 0
	for i := range len(token) {
		switch c := token[i]; {
		case c == '.' && partLen > 0:
			partLen = 0
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			partLen++
		default:
			return refuse("The token is not a signed JWT of three parts in base64url.", nil)
		}
	}
	if partLen == 0 {
		return refuse("The token is not signed.", nil)
	}
	return nil
}

// header is the JOSE header. The presence of a raw member refuses the token.
type header struct {
	Alg jose.SignatureAlgorithm `json:"alg"`
	Kid string                  `json:"kid"`
	Typ edm.Optional[string]    `json:"typ"`

	Crit jsontext.Value `json:"crit"` // RFC 7515 §4.1.11: no extension is supported
	B64  jsontext.Value `json:"b64"`  // RFC 7797
	Zip  jsontext.Value `json:"zip"`  // RFC 8725 §3.6
	Enc  jsontext.Value `json:"enc"`  // a JWE
	Cty  jsontext.Value `json:"cty"`  // a nested JWT

	// Keys in the token are never used (RFC 8725 §3.10).
	JKU jsontext.Value `json:"jku"`
	JWK jsontext.Value `json:"jwk"`
	X5U jsontext.Value `json:"x5u"`
	X5C jsontext.Value `json:"x5c"`
}

func (h *header) check() error {
	switch {
	case !slices.Contains(algorithms, h.Alg):
		return refuse("The signature algorithm is not allowed.", nil)
	case h.Crit != nil || h.B64 != nil || h.Zip != nil || h.Enc != nil || h.Cty != nil:
		return refuse("The token's header asks for an extension that is not supported.", nil)
	case h.JKU != nil || h.JWK != nil || h.X5U != nil || h.X5C != nil:
		return refuse("The token's header brings its own key.", nil)
	case !h.Typ.IsZero() && !isAccessTokenType(h.Typ):
		return refuse("The token's type is not that of an access token.", nil)
	case h.Kid == "":
		return refuse("The token names no key.", nil)
	}
	return nil
}

// isAccessTokenType compares media types; the prefix application/ is optional (RFC 7515 §4.1.9, RFC 9068 §4).
func isAccessTokenType(typ edm.Optional[string]) bool {
	name, ok := typ.Get()
	if n := len("application/"); len(name) > n && strings.EqualFold(name[:n], "application/") {
		name = name[n:]
	}
	return ok && (strings.EqualFold(name, "JWT") || strings.EqualFold(name, "at+jwt"))
}

// claims are the claims that are checked. Raw members need checks beyond decoding.
type claims struct {
	Iss   string               `json:"iss"`
	Tid   string               `json:"tid"`
	Aud   jsontext.Value       `json:"aud"`
	Exp   jsontext.Value       `json:"exp"`
	Nbf   jsontext.Value       `json:"nbf"`
	Iat   jsontext.Value       `json:"iat"`
	Scp   edm.Optional[string] `json:"scp"`
	Roles []string             `json:"roles"`
	Idtyp string               `json:"idtyp"`
	Azp   string               `json:"azp"`
	Appid string               `json:"appid"`
	// ClientID is the application (RFC 9068 §2.2).
	ClientID string `json:"client_id"`
	Oid      string `json:"oid"`
	Sub      string `json:"sub"`
	// Uti and Jti are the token's ids, in Entra's form and in RFC 7519's (§4.1.7).
	Uti string `json:"uti"`
	Jti string `json:"jti"`

	// Claims that only ID tokens have (OpenID Connect Core §2, §3.3.2.11), never Entra's access tokens.
	Nonce  jsontext.Value `json:"nonce"`
	AtHash jsontext.Value `json:"at_hash"`
	CHash  jsontext.Value `json:"c_hash"`
}

// decodeBase64 refuses nonzero trailing bits, so that a token and its signature have one spelling.
func decodeBase64(part string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

// decodePart decodes the header or the claims. Names are case-sensitive. It refuses duplicate names, invalid UTF-8 and
// anything around the object, so that nothing escapes the checks.
func decodePart(part string, into any) error {
	text, err := decodeBase64(part)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(text, []byte("{")) {
		return errors.New("not a JSON object")
	}
	return json.Unmarshal(text, into)
}

// checkTime checks exp, nbf and iat (RFC 7519 §4.1.4 to §4.1.6) and returns exp.
func (c *claims) checkTime(now time.Time) (time.Time, error) {
	exp, ok := numericDate(c.Exp)
	if !ok {
		return time.Time{}, refuse("The claim 'exp' is missing or not a whole number of seconds.", nil)
	}
	nbf, nbfOK := numericDate(c.Nbf)
	iat, iatOK := numericDate(c.Iat)
	switch {
	case c.Nbf != nil && !nbfOK:
		return time.Time{}, refuse("The claim 'nbf' is not a whole number of seconds.", nil)
	case c.Iat != nil && !iatOK:
		return time.Time{}, refuse("The claim 'iat' is not a whole number of seconds.", nil)
	case !now.Before(exp.Add(maxSkew)):
		return time.Time{}, &Error{Reason: Expired, Msg: "Lifetime validation failed, the token is expired."}
	case c.Nbf != nil && now.Before(nbf.Add(-maxSkew)):
		return time.Time{}, refuse("The token is not valid yet.", nil)
	case c.Iat != nil && now.Before(iat.Add(-maxSkew)):
		return time.Time{}, refuse("The token was issued in the future.", nil)
	}
	return exp, nil
}

// numericDate reads seconds since 1970 as issuers write them: only digits, up to the year 9999.
func numericDate(v jsontext.Value) (time.Time, bool) {
	const lastSecond = 253402300799
	n, err := strconv.ParseUint(string(v), 10, 64)
	if err != nil || n > lastSecond {
		return time.Time{}, false
	}
	return time.Unix(int64(n), 0), true
}

// checkAudience checks that one of the token's audiences is ours, by exact comparison (RFC 8725 §3.9).
func (c *claims) checkAudience(ours ...[]string) error {
	var named []string
	var err error
	switch c.Aud.Kind() {
	case '"':
		named = make([]string, 1)
		err = json.Unmarshal(c.Aud, &named[0])
	case '[':
		err = json.Unmarshal(c.Aud, &named)
	}
	isOurs := func(name string) bool {
		return slices.ContainsFunc(ours, func(names []string) bool { return slices.Contains(names, name) })
	}
	// A null in the list decodes to an empty name.
	if err != nil || slices.Contains(named, "") || !slices.ContainsFunc(named, isOurs) {
		return &Error{Reason: Audience, Msg: "Access token validation failure. Invalid audience."}
	}
	return nil
}

// principal returns the caller that the claims describe.
func (c *claims) principal() (*Principal, error) {
	tenant, err := edm.ParseGuid(c.Tid)
	if err != nil || tenant.String() != c.Tid {
		return nil, refuse("The claim 'tid' is missing or not a GUID in lower case.", nil)
	}
	p := &Principal{
		Tenant: tenant, App: cmp.Or(c.Azp, c.Appid, c.ClientID), Subject: cmp.Or(c.Oid, c.Sub), Delegated: !c.Scp.IsZero(),
		Token: cmp.Or(c.Uti, c.Jti),
	}
	switch scopes, ok := c.Scp.Get(); {
	case ok:
		// A user's own roles are in `roles` too; they say what the user may do, not what was consented to.
		p.permissions = strings.FieldsFunc(scopes, func(r rune) bool { return r == ' ' })
	case p.Delegated:
		return nil, refuse("The claim 'scp' is null.", nil)
	case c.Nonce != nil || c.AtHash != nil || c.CHash != nil:
		// An ID token may contain its user's `roles`, which must not count as an application's.
		return nil, refuse("An ID token is not an access token.", nil)
	case c.Idtyp != "user":
		p.permissions = c.Roles
	}
	return p, nil
}
