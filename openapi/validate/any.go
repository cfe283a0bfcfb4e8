package validate

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Any reads a value of any type and decodes it as [json.Unmarshal] does, except that numbers that float64 would round are
// [json.Number].
func (r *Reader) Any() any {
	start := r.pos
	r.Skip()
	if r.bad != 0 {
		return nil
	}
	data := r.data[start:r.pos]
	var v any
	if !mayRound(data) && json.Unmarshal(data, &v) == nil {
		return v
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v = nil
	_ = d.Decode(&v) // the value was validated as JSON
	return withFloats(v)
}

// mayRound reports whether data may have a number that float64 would round: one with an exponent or of 16 digits.
func mayRound(data []byte) bool {
	run := 0
	for _, c := range data {
		switch {
		case c-'0' <= 9 || c == '.':
			if run++; run > 15 {
				return true
			}
			continue
		case run > 0 && c|0x20 == 'e':
			return true
		}
		run = 0
	}
	return false
}

// withFloats converts the numbers in v to float64, unless that would round them.
func withFloats(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err == nil && CompareDecimal([]byte(v), strconv.FormatFloat(f, 'g', -1, 64)) == 0 {
			return f
		}
	case []any:
		for i := range v {
			v[i] = withFloats(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = withFloats(v[name])
		}
	}
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

// AppendAny appends the JSON that encoding/json makes of v; null if it rejects v.
func AppendAny(b []byte, v any) []byte {
	j, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, j...)
}
