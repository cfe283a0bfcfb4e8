package validate

import (
	"bytes"
	"encoding/json"
)

// Any reads a value of any type into what [json.Unmarshal] makes of it; where a number is too
// large for float64, numbers are [json.Number].
func (r *Reader) Any() any {
	start := r.pos
	r.Skip()
	if r.bad != 0 {
		return nil
	}
	var v any
	if json.Unmarshal(r.data[start:r.pos], &v) == nil {
		return v
	}
	d := json.NewDecoder(bytes.NewReader(r.data[start:r.pos])) // a number is too large for float64
	d.UseNumber()
	v = nil
	_ = d.Decode(&v) // it is known to be JSON
	return v
}

// Raw reads a value of any type and returns a copy of its bytes.
func (r *Reader) Raw() []byte {
	start := r.pos
	r.Skip()
	if r.bad != 0 {
		return nil
	}
	return append([]byte(nil), r.data[start:r.pos]...)
}

// AppendAny appends what encoding/json makes of v, null if it refuses v.
func AppendAny(b []byte, v any) []byte {
	j, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, j...)
}
