package validate

import "encoding/json"

// Any reads a value of any type into what [json.Unmarshal] makes of it.
func (r *Reader) Any() any {
	start := r.pos
	r.Skip()
	if r.bad != 0 {
		return nil
	}
	var v any
	_ = json.Unmarshal(r.data[start:r.pos], &v) // a number too large for float64 leaves nil
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
