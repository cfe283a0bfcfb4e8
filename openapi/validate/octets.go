package validate

import (
	"encoding/binary"
	"hash/maphash"
	"strconv"
)

// octets appends a string of bytes as their number and a hash. Schemas limit only the number, so the bytes are not
// copied.
func (t *tape) octets(data string) {
	var text [16]byte
	binary.LittleEndian.PutUint64(text[:], uint64(len(data)))
	binary.LittleEndian.PutUint64(text[8:], maphash.String(nameSeed, data))
	t.leaf(stringToken, string(text[:]))
	t.tokens[len(t.tokens)-1].flags = counted
}

// checkOctets checks the length of a string of bytes.
func (r *run) checkOctets(s *Schema, at uint32) bool {
	n, ok, place := binary.LittleEndian.Uint64(r.data[r.tokens[at].start:]), true, r.place(at)
	if s.MinLength != nil && n < uint64(*s.MinLength) {
		ok = r.note(place, "minLength", strconv.Itoa(*s.MinLength), s.want)
	}
	if s.MaxLength != nil && n > uint64(*s.MaxLength) {
		ok = r.note(place, "maxLength", strconv.Itoa(*s.MaxLength), s.want)
	}
	if s.MaxBytes != nil && n > uint64(*s.MaxBytes) {
		ok = r.note(place, "x-maxBytes", strconv.Itoa(*s.MaxBytes), s.want)
	}
	return ok
}
