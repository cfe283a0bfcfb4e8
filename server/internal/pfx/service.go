package pfx

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// Store keeps requests. Implementations are safe for concurrent use and pass storetest.Run.
//
// The tenant is a parameter of every method: no method reads, changes or reveals a request of another tenant. Errors
// are of type [*Error]; Unavailable means that the outcome is unknown or that nothing was stored.
type Store interface {
	// Update applies fn to the request by [Request.Change], atomically. It returns the stored request once it would
	// survive a crash. fn may run more than once, on any goroutine, and must not keep r. If fn returns an error, Update
	// returns it and stores nothing. It returns a NotFound error if the tenant has no such request.
	Update(ctx context.Context, tenant edm.Guid, id string, fn func(r *Request) error) (*Request, error)
	// Insert stores r for the tenant r.TenantID with a new version, or returns an Exists error and stores nothing.
	Insert(ctx context.Context, r Request) (*Request, error)
	// Delete removes the request, atomically and durably. If check returns an error, Delete returns it and removes
	// nothing. check may run more than once and must not change or keep r. Delete returns a NotFound error if the
	// tenant has no such request.
	Delete(ctx context.Context, tenant edm.Guid, id string, check func(r *Request) error) error
	// Get returns the request as of the last finished Update or Insert, or a NotFound error.
	Get(ctx context.Context, tenant edm.Guid, id string) (*Request, error)
	// List returns at most q.Limit of the tenant's requests that match q.Filter and whose id is after q.After, in byte
	// order of their ids. Its cost grows with the requests that it skips, not with the size of the store.
	List(ctx context.Context, tenant edm.Guid, q Query) ([]Request, error)
	// Count returns the number of the tenant's requests that match filter.
	Count(ctx context.Context, tenant edm.Guid, filter Filter) (int64, error)
	// Ready returns nil if the store accepts writes. Its error's Msg names no path.
	Ready(ctx context.Context) error
	// Close waits for pending calls and releases the store.
	Close() error
}

// Query selects the requests to list.
type Query struct {
	Filter Filter
	After  string // the id before the first one listed; "" starts at the beginning
	Limit  int    // the most requests, at least 1
}

// NotFoundError returns the error for a request that the tenant does not have, even if another tenant has it.
func NotFoundError() error {
	return &Error{Kind: NotFound, Msg: "Resource not found for the segment 'pfxRecryptionRequests': the tenant has no object with this key."}
}

// Condition limits an operation to versions of a request (RFC 9110 §13.1.1). The zero Condition does not limit it.
type Condition struct {
	Any      bool      // any version of an existing request
	Versions []Version // one of these, unless Any
}

// isZero reports whether the operation is unconditional. An empty, non-nil list matches no version.
func (c Condition) isZero() bool { return !c.Any && c.Versions == nil }

// Names reports whether the condition names the version. The zero Condition names none.
func (c Condition) Names(v Version) bool { return c.Any || slices.Contains(c.Versions, v) }

// check returns an error if r has a version that the condition excludes.
func (c Condition) check(r *Request) error {
	if c.isZero() || c.Names(r.Version) {
		return nil
	}
	return &Error{Kind: PreconditionFailed, Msg: "The object has changed: no entity tag in 'If-Match' is its ETag. Read it again and retry."}
}

// Service applies the contract's rules that no schema can express. It is safe for concurrent use.
type Service struct {
	// Store keeps the requests. Required.
	Store Store
	// RequireCondition rejects an update or a deletion without a condition.
	RequireCondition bool
}

// Get returns tenant's request id. It returns a NotFound or Unavailable [*Error].
func (s *Service) Get(ctx context.Context, tenant edm.Guid, id string) (*Request, error) {
	return s.Store.Get(ctx, tenant, id)
}

// Page is a part of a list.
type Page struct {
	Requests []Request
	More     bool   // there are further requests
	Count    *int64 // the number on all pages, if it was requested
}

// List returns the page of tenant's requests that q selects and, if count is true, the number on all pages. The page
// and the count are separate snapshots. Its error is an Unavailable [*Error].
func (s *Service) List(ctx context.Context, tenant edm.Guid, q Query, count bool) (*Page, error) {
	var page Page
	if count {
		n, err := s.Store.Count(ctx, tenant, q.Filter)
		if err != nil {
			return nil, err
		}
		page.Count = &n
	}
	limit := q.Limit
	q.Limit++ // the extra one shows whether there are more
	requests, err := s.Store.List(ctx, tenant, q)
	if err != nil {
		return nil, err
	}
	page.More = len(requests) > limit
	page.Requests = requests[:min(len(requests), limit)]
	return &page, nil
}

// Create stores a request with the members of e under a new key and returns it. Its error is a Denied or Unavailable
// [*Error]; only after Unavailable the request may exist.
func (s *Service) Create(ctx context.Context, tenant edm.Guid, e Entity) (*Request, error) {
	if e.TenantID != tenant {
		return nil, otherTenant()
	}
	e.ID = uuid.NewString()
	return s.Store.Insert(ctx, Request{Entity: e})
}

// Patch applies p to tenant's request id if cond names its version, and returns the stored request. Its error is an
// Invalid, Denied, PreconditionRequired, NotFound, PreconditionFailed or Unavailable [*Error], checked in this order.
// Only after Unavailable the request may have changed.
func (s *Service) Patch(ctx context.Context, tenant edm.Guid, id string, cond Condition, p *Patch) (*Request, error) {
	if err := p.check(tenant, id); err != nil {
		return nil, err
	}
	if s.RequireCondition && cond.isZero() {
		return nil, conditionRequired()
	}
	return s.Store.Update(ctx, tenant, id, func(r *Request) error {
		if err := cond.check(r); err != nil {
			return err
		}
		p.apply(r)
		return nil
	})
}

// maxUpserts bounds the attempts of Upsert while others create and delete the request.
const maxUpserts = 10

// Upsert applies p like Patch without a condition. If the request does not exist, it creates it: p must then have all
// required members, and created is true. With insertOnly an existing request is an error. Its error is an Invalid,
// Denied, PreconditionRequired, Exists or Unavailable [*Error].
func (s *Service) Upsert(ctx context.Context, tenant edm.Guid, id string, insertOnly bool, p *Patch) (r *Request, created bool, err error) {
	if err := p.check(tenant, id); err != nil {
		return nil, false, err
	}
	if s.RequireCondition && !insertOnly {
		return nil, false, conditionRequired()
	}
	for range maxUpserts {
		if !insertOnly {
			r, err = s.Store.Update(ctx, tenant, id, func(r *Request) error { p.apply(r); return nil })
			if !isKind(err, NotFound) {
				return r, false, err
			}
		}
		if err := p.complete(); err != nil {
			return nil, false, err
		}
		fresh := Request{Entity: Entity{ID: id, TenantID: tenant}}
		p.apply(&fresh)
		r, err = s.Store.Insert(ctx, fresh)
		if insertOnly || !isKind(err, Exists) {
			return r, err == nil, err
		}
	}
	return nil, false, &Error{Kind: Unavailable, Msg: "The object is created and deleted all the time: try again later.", Err: err}
}

// Delete removes tenant's request id if cond names its version. Its error is a PreconditionRequired, NotFound,
// PreconditionFailed or Unavailable [*Error], checked in this order. Only after Unavailable the request may be gone.
func (s *Service) Delete(ctx context.Context, tenant edm.Guid, id string, cond Condition) error {
	if s.RequireCondition && cond.isZero() {
		return conditionRequired()
	}
	return s.Store.Delete(ctx, tenant, id, cond.check)
}

// check rejects a patch whose id differs from the address, or whose tenantId differs from the token.
func (p *Patch) check(tenant edm.Guid, id string) error {
	if named, ok := p.ID.Get(); ok && named != id {
		const msg = "The value of 'id' does not match the key of the addressed object."
		return &Error{Kind: Invalid, Msg: msg, Details: []Detail{{"id", msg}}}
	}
	if named, ok := p.TenantID.Get(); ok && named != tenant {
		return otherTenant()
	}
	return nil
}

func otherTenant() error {
	const msg = "The value of 'tenantId' is not the tenant of the access token."
	return &Error{Kind: Denied, Msg: msg, Details: []Detail{{"tenantId", msg}}}
}

func conditionRequired() error {
	return &Error{Kind: PreconditionRequired, Msg: "The header 'If-Match' is required: send the ETag of the object that the request is meant for."}
}

func isKind(err error, kind Kind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == kind
}
