package mock

import (
	"bytes"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// member is a member of an object, its value as JSON.
type member struct {
	name  string
	value []byte
}

// object is a JSON object that keeps the order of its members.
type object []member

var errNoObject = errors.New("the value is not an object")

func readObject(data []byte) (object, error) {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	if d.PeekKind() != '{' {
		return nil, errNoObject
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	o := object{}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		text := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		o = append(o, member{text, bytes.Clone(value)})
	}
	_, err := d.ReadToken()
	return o, err
}

// get returns the value of a member, or nil.
func (o object) get(name string) []byte {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// with returns the object with a member set. An existing member keeps its place.
func (o object) with(name string, value []byte) object {
	for i := range o {
		if o[i].name == name {
			o = slices.Clone(o)
			o[i].value = value
			return o
		}
	}
	return append(slices.Clip(o), member{name, value})
}

func (o object) without(name string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return m.name == name })
}

func (o object) json() []byte {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(validate.AppendString(b, m.name), ':')
		b = append(b, m.value...)
	}
	return append(b, '}')
}

// mergePatch applies a merge patch to a value (RFC 7396 §2).
func mergePatch(target, patch []byte) ([]byte, error) {
	changes, err := readObject(patch)
	if errors.Is(err, errNoObject) {
		return patch, nil
	}
	if err != nil {
		return nil, err
	}
	o, err := readObject(target)
	if err != nil {
		o = object{} // anything else is replaced by an object
	}
	for _, change := range changes {
		if change.value[0] == 'n' {
			o = o.without(change.name)
			continue
		}
		merged, err := mergePatch(valueOr(o.get(change.name)), change.value)
		if err != nil {
			return nil, err
		}
		o = o.with(change.name, merged)
	}
	return o.json(), nil
}

// valueOr returns the value, or null if it is absent.
func valueOr(value []byte) []byte {
	if value == nil {
		return []byte("null")
	}
	return value
}
