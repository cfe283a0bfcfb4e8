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

// Entity holds the members of a request, as the document has them. `@odata.type` is empty here, and nullable members are
// null or a value, never absent.
type Entity = pfxapi.PfxRecryptionRequest

// Request is one work item. It is a plain value: comparable with == and copied freely.
type Request struct {
	Entity

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

// Patch holds the members that an update names; the others are absent. Its id and tenantId change nothing: they must be
// those of the request.
type Patch pfxapi.PfxRecryptionRequestUpdate

// apply merges p into r (RFC 7396 §2 for an object whose members are flat).
func (p *Patch) apply(r *Request) {
	for i := range Changeable {
		m := &Changeable[i]
		m.merge(m.of(&r.Entity), m.in(p))
	}
}

// complete returns an Invalid error that names the members that p lacks, nil if it has all that a new request needs.
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

// Select returns the members of r that names has, or all of them for nil.
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

// Normalize gives r the form in which stores keep it: what is absent is null, and there is no annotation.
func (r *Request) Normalize() {
	r.ODataType = ""
	for i := range Changeable {
		m := &Changeable[i]
		m.settle(m.of(&r.Entity))
	}
}
