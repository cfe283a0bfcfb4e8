package edm

import (
	"bytes"
	"encoding/json"
)

// Optional is a member of a JSON object that is absent, null, or has a value of type T. The zero value is absent.
//
// With the struct tag `omitzero`, encoding/json omits an absent member.
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

// Value returns a member with the value v.
func Value[T any](v T) Optional[T] { return Optional[T]{value: v, state: present} }

// Null returns a member that is null.
func Null[T any]() Optional[T] { return Optional[T]{state: null} }

// Get returns the value and true. If the member is absent or null it returns T's zero value and false.
func (o Optional[T]) Get() (T, bool) { return o.value, o.state == present }

// Or returns o, or other if o is absent.
func (o Optional[T]) Or(other Optional[T]) Optional[T] {
	if o.IsZero() {
		return other
	}
	return o
}

// IsNull reports whether the member is null.
func (o Optional[T]) IsNull() bool { return o.state == null }

// IsZero reports whether the member is absent.
func (o Optional[T]) IsZero() bool { return o.state == absent }

// MarshalJSON returns the JSON of the value. It returns null also for an absent member: only the object that has the member
// can omit it.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if o.state != present {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON sets the member to null or to the value in data. JSON decoders do not call it for an absent member.
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
