package pfx

import (
	"context"
	"slices"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// Store keeps requests. Implementations are safe for concurrent use and pass storetest.Run.
//
// The tenant is a parameter of every method: no method reaches, or tells of, a request of another tenant.
// Errors are of type [*Error]; Unavailable means that the outcome is unknown or that nothing was stored.
type Store interface {
	// Update applies fn to the request by [Request.Change], atomically, and returns what was stored once it would
	// survive a crash. fn may run more than once, on any goroutine, and must not keep r. If fn returns an error,
	// Update returns it and stores nothing. It returns a NotFound error when the tenant has no such request.
	Update(ctx context.Context, tenant edm.Guid, id string, fn func(r *Request) error) (*Request, error)
	// Insert stores r for the tenant r.TenantID with a new version, or returns an Exists error and stores nothing.
	Insert(ctx context.Context, r Request) (*Request, error)
	// Get returns the request as the last finished Update or Insert left it, or a NotFound error.
	Get(ctx context.Context, tenant edm.Guid, id string) (*Request, error)
	// Ready returns nil if the store can keep what it is given. Its error's Msg names no path.
	Ready(ctx context.Context) error
	// Close waits for what is under way and releases the store.
	Close() error
}

// NotFoundError is the answer for a request that the tenant does not have, whoever else may have it.
func NotFoundError() error {
	return &Error{Kind: NotFound, Msg: "Resource not found for the segment 'pfxRecryptionRequests': the tenant has no object with this key."}
}

// Condition says which versions of a request an operation is meant for (RFC 9110 §13.1.1). The zero Condition is none.
type Condition struct {
	Any      bool      // any version, as long as the request exists
	Versions []Version // one of these, unless Any
}

// isZero reports whether the operation is unconditional. An empty, non-nil list names no version and never holds.
func (c Condition) isZero() bool { return !c.Any && c.Versions == nil }

func (c Condition) holds(v Version) bool {
	return c.isZero() || c.Any || slices.Contains(c.Versions, v)
}

// Service applies the rules of the contract that no schema can state. It is safe for concurrent use.
type Service struct {
	// Store keeps the requests. Required.
	Store Store
	// RequireCondition refuses an update that does not say which version it is meant for.
	RequireCondition bool
}

// Patch changes the members of tenant's request id that p names, if cond holds, and returns the request as stored.
// It returns an Invalid, Denied, PreconditionRequired, NotFound, PreconditionFailed or Unavailable [*Error], looked
// for in this order, and then nothing was changed; only after Unavailable the change may have happened.
func (s *Service) Patch(ctx context.Context, tenant edm.Guid, id string, cond Condition, p Patch) (*Request, error) {
	if named, ok := p.ID.Get(); ok && named != id {
		return nil, &Error{Kind: Invalid, Field: "id", Msg: "The value of 'id' does not match the key of the addressed object."}
	}
	if named, ok := p.TenantID.Get(); ok && named != tenant {
		return nil, &Error{Kind: Denied, Field: "tenantId", Msg: "The value of 'tenantId' is not the tenant of the access token."}
	}
	if s.RequireCondition && cond.isZero() {
		return nil, &Error{Kind: PreconditionRequired, Msg: "The header 'If-Match' is required: send the ETag of the object that the update is meant for."}
	}
	return s.Store.Update(ctx, tenant, id, func(r *Request) error {
		if !cond.holds(r.Version) {
			return &Error{Kind: PreconditionFailed, Msg: "The object has changed: no entity tag in 'If-Match' is its ETag. Read it again and retry."}
		}
		p.apply(r)
		return nil
	})
}
