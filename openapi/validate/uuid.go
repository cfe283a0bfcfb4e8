package validate

import "github.com/pfxrecryption/pfxrecryption/openapi/edm"

// UUID reads a string that is a UUID without escapes and returns its sixteen bytes in the order of the text. For another
// value it reports false and reads nothing; the caller then reads a string to find the fault.
func (r *Reader) UUID() ([16]byte, bool) {
	const size = len(`"00000000-0000-0000-0000-000000000000"`)
	if len(r.data)-r.pos < size || r.data[r.pos] != '"' || r.data[r.pos+size-1] != '"' {
		return [16]byte{}, false
	}
	v, err := edm.ParseGuid(r.data[r.pos+1 : r.pos+size-1])
	if err != nil {
		return v, false
	}
	r.pos += size
	return v, true
}

// isUUID reports whether s is 8-4-4-4-12 hexadecimal digits, case-insensitive, of any version and variant.
func isUUID(s string) bool {
	_, err := edm.ParseGuid(s)
	return err == nil
}
