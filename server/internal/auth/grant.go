package auth

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

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
	User     string        // whose `oid` it is; any text, empty means the application's own
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
func (i *Issuer) Token(g Grant) (string, error) { return i.token(i.template.of(g.Tenant.String()), g) }

func (i *Issuer) token(iss string, g Grant) (string, error) {
	now := i.now()
	subject := subjectOf(g.Tenant, cmp.Or(g.User, g.App))
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	c := devClaims{
		Iss: iss, Aud: g.Audience, Tid: g.Tenant, Oid: subject, Sub: subject, Azp: g.App,
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
	return i.sign("JWT", &c)
}

// subjectOf returns the object id of an application or a user in a tenant: always the same one, as in a directory.
func subjectOf(tenant edm.Guid, name string) edm.Guid {
	sum := sha256.Sum256(append(tenant[:], name...))
	return edm.Guid(sum[:16])
}
