package validate

// UUID reads a string that is a UUID without escapes and returns its sixteen bytes in the order of the text. For another
// value it reports false and reads nothing; the caller then reads a string to find the fault.
func (r *Reader) UUID() ([16]byte, bool) {
	var v [16]byte
	if len(r.data)-r.pos < len(`""`)+36 {
		return v, false
	}
	b := (*[38]byte)(r.data[r.pos:])
	if b[0] != '"' || b[9] != '-' || b[14] != '-' || b[19] != '-' || b[24] != '-' || b[37] != '"' {
		return v, false
	}
	var bad byte
	for i, at := range uuidDigits {
		hi, lo := hexValues[b[at]], hexValues[b[at+1]]
		bad |= hi | lo
		v[i] = hi<<4 | lo&0xf
	}
	if bad > 0xf {
		return v, false
	}
	r.pos += len(b)
	return v, true
}

// uuidDigits is the offset of the two digits of each byte, counted from the opening quote.
var uuidDigits = [16]uint8{1, 3, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 29, 31, 33, 35}

// hexValues is a table for unhex.
var hexValues = func() [256]byte {
	var t [256]byte
	for i := range t {
		t[i] = unhex(byte(i))
	}
	return t
}()
