package pfx

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"reflect"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// Entity has the members of a request. Here `@odata.type` is empty, and nullable members are null or a value, never
// absent.
type Entity = pfxapi.PfxRecryptionRequest

// Request is one work item. It is a plain value: comparable with == and copied freely.
type Request struct {
	Entity

	Version Version
}

// Key identifies a request among those of all tenants.
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

// Version identifies a state of a request. It is positive and changes with every change of a member, and only then. It
// starts at a random number, so that a request that is deleted and created again has new versions.
type Version int64

// NewVersion returns the first version of a new request.
func NewVersion() Version {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return Version(binary.BigEndian.Uint64(b[:])>>2 | 1)
}

// Change applies fn to r and gives r a new version if a member has changed. Stores use it in [Store]'s Update: fn
// cannot change the key and the tenant. After an error r must not be stored.
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

// Patch has the members that an update names; others are absent. Its id and tenantId must be those of the request.
type Patch pfxapi.PfxRecryptionRequestUpdate

// apply merges p into r (RFC 7396 §2 for an object with flat members).
func (p *Patch) apply(r *Request) {
	for i := range Changeable {
		m := &Changeable[i]
		m.merge(m.of(&r.Entity), m.in(p))
	}
}

// complete returns an Invalid error that names the required members of a new request that p lacks; nil if there are
// none.
func (p *Patch) complete() error {
	var missing []Detail
	for i := range Members {
		m := &Members[i]
		if m.Required && reflect.ValueOf(m.in(p)).Elem().IsZero() {
			missing = append(missing, Detail{m.Name, "The property '" + m.Name + "' is required to create an object."})
		}
	}
	if missing == nil {
		return nil
	}
	return &Error{Kind: Invalid, Msg: missing[0].Msg, Details: missing}
}

// Select returns the named members of r, or all if names is nil.
func (r *Request) Select(names []string) Patch {
	var selected Patch
	for i := range Members {
		m := &Members[i]
		if names == nil || slices.Contains(names, m.Name) {
			m.take(m.in(&selected), m.of(&r.Entity))
		}
	}
	return selected
}

// Normalize converts r to the stored form: absent members become null, and `@odata.type` is empty.
func (r *Request) Normalize() {
	r.ODataType = ""
	for i := range Changeable {
		m := &Changeable[i]
		m.settle(m.of(&r.Entity))
	}
}
