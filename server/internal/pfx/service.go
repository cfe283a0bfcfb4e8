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
// The tenant is a parameter of every method: no method reaches, or tells of, a request of another tenant.
// Errors are of type [*Error]; Unavailable means that the outcome is unknown or that nothing was stored.
type Store interface {
	// Update applies fn to the request by [Request.Change], atomically, and returns what was stored once it would
	// survive a crash. fn may run more than once, on any goroutine, and must not keep r. If fn returns an error,
	// Update returns it and stores nothing. It returns a NotFound error when the tenant has no such request.
	Update(ctx context.Context, tenant edm.Guid, id string, fn func(r *Request) error) (*Request, error)
	// Insert stores r for the tenant r.TenantID with a new version, or returns an Exists error and stores nothing.
	Insert(ctx context.Context, r Request) (*Request, error)
	// Delete removes the request, atomically and for good, unless check returns an error for what it is: then Delete
	// returns that error. check may run more than once and must not change or keep r. It returns a NotFound error when
	// the tenant has no such request.
	Delete(ctx context.Context, tenant edm.Guid, id string, check func(r *Request) error) error
	// Get returns the request as the last finished Update or Insert left it, or a NotFound error.
	Get(ctx context.Context, tenant edm.Guid, id string) (*Request, error)
	// List returns at most q.Limit of the tenant's requests for which q.Filter holds and whose id is after q.After, in
	// the order of their ids, byte by byte. What it costs depends on how many it passes over, not on how many there are.
	List(ctx context.Context, tenant edm.Guid, q Query) ([]Request, error)
	// Count returns how many of the tenant's requests there are for which filter holds.
	Count(ctx context.Context, tenant edm.Guid, filter Filter) (int64, error)
	// Ready returns nil if the store can keep what it is given. Its error's Msg names no path.
	Ready(ctx context.Context) error
	// Close waits for what is under way and releases the store.
	Close() error
}

// Query says which requests to list.
type Query struct {
	Filter Filter
	After  string // the id after which to begin; "" is the beginning
	Limit  int    // how many at most, from 1 on
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

// Names reports whether the condition names the version, which no version is for the zero Condition.
func (c Condition) Names(v Version) bool { return c.Any || slices.Contains(c.Versions, v) }

// check returns the error for a request that is not as the condition wants it.
func (c Condition) check(r *Request) error {
	if c.isZero() || c.Names(r.Version) {
		return nil
	}
	return &Error{Kind: PreconditionFailed, Msg: "The object has changed: no entity tag in 'If-Match' is its ETag. Read it again and retry."}
}

// Service applies the rules of the contract that no schema can state. It is safe for concurrent use.
type Service struct {
	// Store keeps the requests. Required.
	Store Store
	// RequireCondition refuses an update and a deletion that do not say which version they are meant for.
	RequireCondition bool
}

// Get returns tenant's request id. It returns a NotFound or Unavailable [*Error].
func (s *Service) Get(ctx context.Context, tenant edm.Guid, id string) (*Request, error) {
	return s.Store.Get(ctx, tenant, id)
}

// Page is a part of a list.
type Page struct {
	Requests []Request
	More     bool   // whether there are requests after these
	Count    *int64 // how many there are on all pages, if that was asked for
}

// List returns the page of tenant's requests that q asks for, and counts those on all pages if count says so. The page
// and the count are each as of one moment, but not of the same one. It returns an Unavailable [*Error].
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
	q.Limit++ // one more tells whether there are more
	requests, err := s.Store.List(ctx, tenant, q)
	if err != nil {
		return nil, err
	}
	page.More = len(requests) > limit
	page.Requests = requests[:min(len(requests), limit)]
	return &page, nil
}

// Create stores a request with these members under a new key and returns it as stored. It returns a Denied or Unavailable
// [*Error]; only after Unavailable the request may be there.
func (s *Service) Create(ctx context.Context, tenant edm.Guid, e Entity) (*Request, error) {
	if e.TenantID != tenant {
		return nil, otherTenant()
	}
	e.ID = uuid.NewString()
	return s.Store.Insert(ctx, Request{Entity: e})
}

// Patch changes the members of tenant's request id that p names, if cond holds, and returns the request as stored.
// It returns an Invalid, Denied, PreconditionRequired, NotFound, PreconditionFailed or Unavailable [*Error], looked
// for in this order, and then nothing was changed; only after Unavailable the change may have happened.
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

// maxUpserts bounds how often Upsert follows a request that others create and delete.
const maxUpserts = 10

// Upsert does what Patch does without a condition, or creates the request if there is none, for which p must have all
// members; then created is true. insertOnly leaves a request that exists alone. It returns an Invalid, Denied,
// PreconditionRequired, Exists or Unavailable [*Error].
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

// Delete removes tenant's request id if cond holds. It returns a PreconditionRequired, NotFound, PreconditionFailed or
// Unavailable [*Error], looked for in this order; only after Unavailable the request may be gone.
func (s *Service) Delete(ctx context.Context, tenant edm.Guid, id string, cond Condition) error {
	if s.RequireCondition && cond.isZero() {
		return conditionRequired()
	}
	return s.Store.Delete(ctx, tenant, id, cond.check)
}

// check refuses a patch that means another request or another tenant than the address and the token do.
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
