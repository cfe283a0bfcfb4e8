package pfx

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// Request is one work item. It is a plain value: comparable with == and copied freely.
type Request struct {
	ID                  string
	TenantID            edm.Guid // the owner
	UserID              edm.Guid
	DeviceID            edm.Guid
	ProfileID           edm.Guid
	Thumbprint          edm.Optional[string] // null or a value, never absent
	DeviceKeyThumbprint edm.Optional[string] // null or a value, never absent
	Status              int32
	SourceType          int32
	CreatedTime         edm.DateTimeOffset
	LastModifiedTime    edm.DateTimeOffset
	IsDeleted           bool
	ETag                edm.Optional[string] // a member like any other, not the HTTP entity tag; never absent

	Version Version
}

// Key names a request among those of all tenants.
type Key struct {
	Tenant edm.Guid
	ID     string
}

// Compare orders keys by tenant, then by id, both byte by byte.
func (k Key) Compare(other Key) int {
	return cmp.Or(bytes.Compare(k.Tenant[:], other.Tenant[:]), strings.Compare(k.ID, other.ID))
}

// Key returns the key of r.
func (r *Request) Key() Key { return Key{r.TenantID, r.ID} }

// Version tells two states of one request apart. It is positive, and it changes with every change of a member and only
// then. It starts at a random number, so that a key that is deleted and created again never repeats a version.
type Version int64

// NewVersion returns the version of a request that is created.
func NewVersion() Version {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return Version(binary.BigEndian.Uint64(b[:])>>2 | 1)
}

// Change applies fn to r and gives r a new version if that changed a member. It is how a store applies the function of
// [Store]'s Update: the key and the owner stay as they are, whatever fn does. After an error r must not be stored.
func (r *Request) Change(fn func(*Request) error) error {
	before := *r
	if err := fn(r); err != nil {
		return err
	}
	r.ID, r.TenantID, r.Version = before.ID, before.TenantID, before.Version
	if *r != before {
		r.Version++
	}
	return nil
}

// Patch holds the members that an update names; the others are absent. Only the three strings may be null.
type Patch struct {
	ID                  edm.Optional[string]   // not changed; must be the request's own
	TenantID            edm.Optional[edm.Guid] // not changed; must be the caller's own
	UserID              edm.Optional[edm.Guid]
	DeviceID            edm.Optional[edm.Guid]
	ProfileID           edm.Optional[edm.Guid]
	Thumbprint          edm.Optional[string]
	DeviceKeyThumbprint edm.Optional[string]
	Status              edm.Optional[int32]
	SourceType          edm.Optional[int32]
	CreatedTime         edm.Optional[edm.DateTimeOffset]
	LastModifiedTime    edm.Optional[edm.DateTimeOffset]
	IsDeleted           edm.Optional[bool]
	ETag                edm.Optional[string]
}

// apply merges p into r (RFC 7396 §2 for an object whose members are flat).
func (p *Patch) apply(r *Request) {
	merge(&r.UserID, p.UserID)
	merge(&r.DeviceID, p.DeviceID)
	merge(&r.ProfileID, p.ProfileID)
	r.Thumbprint = p.Thumbprint.Or(r.Thumbprint)
	r.DeviceKeyThumbprint = p.DeviceKeyThumbprint.Or(r.DeviceKeyThumbprint)
	merge(&r.Status, p.Status)
	merge(&r.SourceType, p.SourceType)
	merge(&r.CreatedTime, p.CreatedTime)
	merge(&r.LastModifiedTime, p.LastModifiedTime)
	merge(&r.IsDeleted, p.IsDeleted)
	r.ETag = p.ETag.Or(r.ETag)
}

// complete returns an Invalid error that names the members that p lacks, nil if it has all that a request has.
func (p *Patch) complete() error {
	var missing []Detail
	for _, m := range []struct {
		name   string
		absent bool
	}{
		{"tenantId", p.TenantID.IsZero()}, {"userId", p.UserID.IsZero()}, {"deviceId", p.DeviceID.IsZero()},
		{"profileId", p.ProfileID.IsZero()}, {"thumbprint", p.Thumbprint.IsZero()},
		{"deviceKeyThumbprint", p.DeviceKeyThumbprint.IsZero()}, {"status", p.Status.IsZero()},
		{"sourceType", p.SourceType.IsZero()}, {"createdTime", p.CreatedTime.IsZero()},
		{"lastModifiedTime", p.LastModifiedTime.IsZero()}, {"isDeleted", p.IsDeleted.IsZero()}, {"eTag", p.ETag.IsZero()},
	} {
		if m.absent {
			missing = append(missing, Detail{m.name, "The property '" + m.name + "' is required to create an object."})
		}
	}
	if missing == nil {
		return nil
	}
	return &Error{Kind: Invalid, Msg: missing[0].Msg, Details: missing}
}

func merge[T any](member *T, o edm.Optional[T]) {
	if v, ok := o.Get(); ok {
		*member = v
	}
}
