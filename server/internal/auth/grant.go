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
	// DefaultAudience is the default audience of the development issuer's tokens.
	DefaultAudience = "api://pfxrecryption"
	// DefaultRole is the permission of an application that requests no other.
	DefaultRole = "DeviceManagementConfiguration.ReadWrite.All"
	// defaultLifetime is Entra's.
	defaultLifetime = 3599 * time.Second
)

// Grant is the content of a development token. It is not checked, so a token can be one that must be rejected.
type Grant struct {
	Tenant   edm.Guid      // `tid`
	Audience string        // `aud`; empty means DefaultAudience
	App      string        // `azp`; any text
	User     string        // the name behind `oid`; any text, empty means the application's own
	Roles    []string      // `roles`, omitted if empty
	Scopes   []string      // `scp`, omitted if nil
	Lifetime time.Duration // from now to `exp`; 0 means 3599 s, a negative one makes an expired token
}

// devClaims are the claims of an Entra access token, version 2.0, that APIs use.
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

// Token returns a signed token with the content of g.
func (i *Issuer) Token(g Grant) (string, error) { return i.token(i.template.of(g.Tenant.String()), g) }

func (i *Issuer) token(iss string, g Grant) (string, error) {
	now := i.now()
	subject := subjectOf(g.Tenant, cmp.Or(g.User, g.App))
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
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

// subjectOf returns the object id of an application or a user in a tenant. It is stable, as in a directory.
func subjectOf(tenant edm.Guid, name string) edm.Guid {
	sum := sha256.Sum256(append(tenant[:], name...))
	return edm.Guid(sum[:16])
}
