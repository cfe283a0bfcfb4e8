package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

const (
	// DefaultAudience is who the development issuer's tokens are for unless a grant says otherwise.
	DefaultAudience = "api://pfxrecryption"
	// DefaultRole is the permission of an application that asks for no other.
	DefaultRole = "DeviceManagementConfiguration.ReadWrite.All"
	// defaultLifetime is Entra's.
	defaultLifetime = 3599 * time.Second
)

// Grant is what a token of the development issuer says. Nothing is checked: it may be a token that no one should accept.
type Grant struct {
	Tenant   edm.Guid      // `tid`
	Audience string        // `aud`; empty means DefaultAudience
	App      string        // `azp`; any text
	Roles    []string      // `roles`, left out if empty
	Scopes   []string      // `scp`, left out if nil
	Lifetime time.Duration // from now to `exp`; 0 means 3599 s, a negative one makes an expired token
}

// devClaims are the claims of an Entra access token, version 2.0, as far as APIs look at them.
type devClaims struct {
	Iss   string   `json:"iss"`
	Aud   string   `json:"aud"`
	Tid   edm.Guid `json:"tid"`
	Oid   edm.Guid `json:"oid"`
	Sub   edm.Guid `json:"sub"`
	Azp   string   `json:"azp"`
	Roles []string `json:"roles,omitempty"`
	Scp   *string  `json:"scp,omitzero"`
	Iat   int64    `json:"iat"`
	Nbf   int64    `json:"nbf"`
	Exp   int64    `json:"exp"`
	Uti   string   `json:"uti"`
	Ver   string   `json:"ver"`
}

// Token returns a signed token that says g.
func (i *Issuer) Token(g Grant) (string, error) {
	now := i.now()
	subject := subjectOf(g.Tenant, g.App)
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	c := devClaims{
		Iss: i.template.of(g.Tenant.String()), Aud: g.Audience, Tid: g.Tenant, Oid: subject, Sub: subject, Azp: g.App,
		Roles: g.Roles, Iat: now.Unix(), Nbf: now.Unix(), Exp: now.Add(g.Lifetime).Unix(),
		Uti: base64.RawURLEncoding.EncodeToString(id[:]), Ver: "2.0",
	}
	if g.Audience == "" {
		c.Aud = DefaultAudience
	}
	if g.Lifetime == 0 {
		c.Exp = now.Add(defaultLifetime).Unix()
	}
	if g.Scopes != nil {
		scp := strings.Join(g.Scopes, " ")
		c.Scp = &scp
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encoding the claims: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: i.key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("making the signer: %w", err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing the token: %w", err)
	}
	return jws.CompactSerialize()
}

// subjectOf returns the object id of an application in a tenant: always the same one, as in a directory.
func subjectOf(tenant edm.Guid, app string) edm.Guid {
	sum := sha256.Sum256(append(tenant[:], app...))
	return edm.Guid(sum[:16])
}
