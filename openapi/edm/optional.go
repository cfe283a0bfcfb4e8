package edm

import (
	"bytes"
	"encoding/json"
)

// Optional is a member of a JSON object that may be absent, null, or hold a value of type T. Its zero value is absent.
//
// With the struct tag `omitzero` encoding/json leaves an absent member out.
type Optional[T any] struct {
	value T
	state state
}

type state uint8

const (
	absent state = iota
	null
	present
)

// Value returns a member that holds v.
func Value[T any](v T) Optional[T] { return Optional[T]{value: v, state: present} }

// Null returns a member that is null.
func Null[T any]() Optional[T] { return Optional[T]{state: null} }

// Get returns the value and true, or T's zero value and false when the member is absent or null.
func (o Optional[T]) Get() (T, bool) { return o.value, o.state == present }

// Or returns the member o if it is there, null or not, and otherwise the member that stands to its right.
func (o Optional[T]) Or(other Optional[T]) Optional[T] {
	if o.IsZero() {
		return other
	}
	return o
}

// IsNull reports whether the member is there and null.
func (o Optional[T]) IsNull() bool { return o.state == null }

// IsZero reports whether the member is absent.
func (o Optional[T]) IsZero() bool { return o.state == absent }

// MarshalJSON returns the value's JSON, and null for a member that is null or absent: a lone value cannot be left out.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if o.state != present {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON makes the member null or gives it the value of data. It is not called for an absent member.
func (o *Optional[T]) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		*o = Null[T]()
		return nil
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*o = Value(v)
	return nil
}
