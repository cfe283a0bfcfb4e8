package auth

import (
	"context"
	"slices"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// personalTenant is the tenant of all personal Microsoft accounts.
var personalTenant = edm.Guid{0x91, 0x88, 0x04, 0x0d, 0x6c, 0x67, 0x4c, 0x5b, 0xb1, 0x12, 0x36, 0xa3, 0x04, 0xb6, 0x6d, 0xad}

// Principal is an authenticated caller. Requests with the same token share it: it must not be changed.
type Principal struct {
	Tenant    edm.Guid // `tid`
	App       string   // `azp`, else `appid`, else `client_id`; empty if the token has none
	Subject   string   // `oid`, else `sub`; empty if the token has none
	Token     string   // `uti`, else `jti`, the token's id; empty if the token has none
	Delegated bool     // the application acts for a signed-in user

	permissions []string
}

// Allows reports whether the principal has one of the permissions, compared exactly.
func (p *Principal) Allows(permissions ...string) bool {
	return slices.ContainsFunc(permissions, func(s string) bool { return slices.Contains(p.permissions, s) })
}

// Personal reports whether the principal belongs to a personal Microsoft account.
func (p *Principal) Personal() bool { return p.Tenant == personalTenant }

type contextKey struct{}

// With returns a context that carries p.
func With(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns the principal that ctx carries, or one without tenant and permissions.
func From(ctx context.Context) *Principal {
	if p, ok := ctx.Value(contextKey{}).(*Principal); ok && p != nil {
		return p
	}
	return &Principal{}
}
