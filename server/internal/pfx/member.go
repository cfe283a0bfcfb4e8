package pfx

import (
	"reflect"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// Type is the primitive type of a member (OData CSDL 4.01 §3.3).
type Type int

// The types of members, each with the Go type of its values.
const (
	Text           Type = iota // Edm.String: string
	Boolean                    // Edm.Boolean: bool
	Int32                      // Edm.Int32: int32
	Guid                       // Edm.Guid: edm.Guid
	DateTimeOffset             // Edm.DateTimeOffset: edm.DateTimeOffset
)

// Member is a member of a request. Stores, filters, updates and the audit trail use it instead of the fields of
// [Entity].
type Member struct {
	Column   string // in SQL
	Type     Type
	Nullable bool
	Required bool // to create a request

	field
	operations
}

// field is a member's name, with functions that return pointers to its fields. In a patch, and in an entity if the
// member is nullable, a field is an edm.Optional.
type field struct {
	Name string // in JSON
	of   func(*Entity) any
	in   func(*Patch) any
}

// Members are a request's members in the document's order. The first two are id and tenantId.
var Members = members()

// Changeable are the members that an update can change.
var Changeable = Members[2:]

// MemberNamed returns the member with a JSON name; nil if there is none.
func MemberNamed(name string) *Member {
	for i := range Members {
		if Members[i].Name == name {
			return &Members[i]
		}
	}
	return nil
}

// Get returns the value of a member of r. It reports false for null. T is the Go type of the member's type.
func Get[T any](m *Member, r *Request) (value T, ok bool) {
	if m.Nullable {
		return m.of(&r.Entity).(*edm.Optional[T]).Get()
	}
	return *m.of(&r.Entity).(*T), true
}

// Set sets a member of r. T is the Go type of the member's type.
func Set[T any](m *Member, r *Request, value T) {
	if m.Nullable {
		*m.of(&r.Entity).(*edm.Optional[T]) = edm.Value(value)
	} else {
		*m.of(&r.Entity).(*T) = value
	}
}

// Clear sets a nullable member of r to null.
func (m *Member) Clear(r *Request) { m.clear(m.of(&r.Entity)) }

// Value returns the value of a member of r; nil for null.
func (m *Member) Value(r *Request) any { return m.value(m.of(&r.Entity)) }

// Equal reports whether two requests have the same value, text and times byte by byte.
func (m *Member) Equal(a, b *Request) bool { return m.equal(m.of(&a.Entity), m.of(&b.Entity)) }

// operations work on pointers to the fields of a member.
type operations struct {
	patch reflect.Type            // of the field in a patch
	merge func(entity, patch any) // sets the first to the second, unless the second is absent
	take  func(patch, entity any) // sets the first to the second
	equal func(entity, other any) bool
	value func(entity any) any
	clear func(entity any)
	// settle makes an absent member null.
	settle func(entity any)
}

// plain are the operations on a T.
func plain[T comparable]() operations {
	return operations{
		patch: reflect.TypeFor[edm.Optional[T]](),
		merge: func(entity, patch any) {
			if v, ok := patch.(*edm.Optional[T]).Get(); ok {
				*entity.(*T) = v
			}
		},
		take:   func(patch, entity any) { *patch.(*edm.Optional[T]) = edm.Value(*entity.(*T)) },
		equal:  func(entity, other any) bool { return *entity.(*T) == *other.(*T) },
		value:  func(entity any) any { return *entity.(*T) },
		clear:  func(any) {},
		settle: func(any) {},
	}
}

// nullable are the operations on an edm.Optional[T].
func nullable[T comparable]() operations {
	return operations{
		patch: reflect.TypeFor[edm.Optional[T]](),
		merge: func(entity, patch any) {
			e := entity.(*edm.Optional[T])
			*e = patch.(*edm.Optional[T]).Or(*e)
		},
		take:  func(patch, entity any) { *patch.(*edm.Optional[T]) = *entity.(*edm.Optional[T]) },
		equal: func(entity, other any) bool { return *entity.(*edm.Optional[T]) == *other.(*edm.Optional[T]) },
		value: func(entity any) any {
			if v, ok := entity.(*edm.Optional[T]).Get(); ok {
				return v
			}
			return nil
		},
		clear: func(entity any) { *entity.(*edm.Optional[T]) = edm.Null[T]() },
		settle: func(entity any) {
			e := entity.(*edm.Optional[T])
			*e = e.Or(edm.Null[T]())
		},
	}
}

// fieldTypes are the Go types of members in the generated structs.
var fieldTypes = map[reflect.Type]Member{
	reflect.TypeFor[string]():                           {Type: Text, operations: plain[string]()},
	reflect.TypeFor[bool]():                             {Type: Boolean, operations: plain[bool]()},
	reflect.TypeFor[int32]():                            {Type: Int32, operations: plain[int32]()},
	reflect.TypeFor[edm.Guid]():                         {Type: Guid, operations: plain[edm.Guid]()},
	reflect.TypeFor[edm.DateTimeOffset]():               {Type: DateTimeOffset, operations: plain[edm.DateTimeOffset]()},
	reflect.TypeFor[edm.Optional[string]]():             {Type: Text, Nullable: true, operations: nullable[string]()},
	reflect.TypeFor[edm.Optional[bool]]():               {Type: Boolean, Nullable: true, operations: nullable[bool]()},
	reflect.TypeFor[edm.Optional[int32]]():              {Type: Int32, Nullable: true, operations: nullable[int32]()},
	reflect.TypeFor[edm.Optional[edm.Guid]]():           {Type: Guid, Nullable: true, operations: nullable[edm.Guid]()},
	reflect.TypeFor[edm.Optional[edm.DateTimeOffset]](): {Type: DateTimeOffset, Nullable: true, operations: nullable[edm.DateTimeOffset]()},
}

// members completes the generated fields. It panics, at the start of every test and program, if a member has a type
// that no store supports, or cannot be omitted in an update.
func members() []Member {
	create := reflect.TypeFor[pfxapi.PfxRecryptionRequestCreate]()
	list := make([]Member, len(fields))
	for i, f := range fields {
		m, known := fieldTypes[reflect.TypeOf(f.of(&Entity{})).Elem()]
		if !known {
			panic("no store keeps the type of the member " + f.Name)
		}
		if in := reflect.TypeOf(f.in(&Patch{})).Elem(); in != m.patch {
			panic("the member " + f.Name + " of an update has the type " + in.String() + ", want " + m.patch.String())
		}
		m.field, m.Column, m.Required = f, columnName(f.Name), isRequired(create, f.Name)
		list[i] = m
	}
	return list
}

// isRequired reports whether a generated struct always has the member.
func isRequired(of reflect.Type, member string) bool {
	for i := range of.NumField() {
		if of.Field(i).Tag.Get("json") == member {
			return true
		}
	}
	return false
}

// columnName converts a name like userId to user_id.
func columnName(name string) string {
	var b strings.Builder
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}
