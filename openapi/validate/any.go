package validate

import "encoding/json"

// anyValue reads a value of any type into what encoding/json makes of it.
func (l *lexer) anyValue() any {
	start := l.pos
	l.skipAny()
	if l.bad != 0 {
		return nil
	}
	var v any
	_ = json.Unmarshal(l.data[start:l.pos], &v) // a number too large for float64 leaves nil
	return v
}

// raw reads a value of any type and returns a copy of its bytes.
func (l *lexer) raw() []byte {
	start := l.pos
	l.skipAny()
	if l.bad != 0 {
		return nil
	}
	return append([]byte(nil), l.data[start:l.pos]...)
}

// appendAny appends what encoding/json makes of v, null if it refuses v.
func appendAny(b []byte, v any) []byte {
	j, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, j...)
}
