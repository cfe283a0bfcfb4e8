package edm

import (
	"encoding/hex"
	"errors"
)

// Guid is an Edm.Guid: 128 bits, not necessarily of an RFC 9562 version. It does not keep upper or lower case.
type Guid [16]byte

var errGuid = errors.New("not an Edm.Guid: want 8-4-4-4-12 hexadecimal digits")

// guidLen is the length of a Guid's text in bytes.
const guidLen = 36

// ParseGuid reads 8-4-4-4-12 hexadecimal digits, case-insensitive. It rejects every other form, such as braces, urn: or
// missing hyphens.
func ParseGuid[T ~string | ~[]byte](text T) (Guid, error) {
	if len(text) != guidLen || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return Guid{}, errGuid
	}
	var g Guid
	var bad byte
	for i, at := range guidDigits {
		hi, lo := hexDigit[text[at]], hexDigit[text[at+1]]
		bad |= hi | lo
		g[i] = hi<<4 | lo&0xf
	}
	if bad > 0xf {
		return Guid{}, errGuid
	}
	return g, nil
}

// guidDigits is the offset of the two digits of each byte.
var guidDigits = [len(Guid{})]uint8{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

// hexDigit maps an ASCII hexadecimal digit to its value and every other byte to 0xff.
var hexDigit = func() [256]byte {
	var t [256]byte
	for i := range t {
		t[i] = 0xff
	}
	for i := range 10 {
		t['0'+i] = byte(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = byte(10+i), byte(10+i)
	}
	return t
}()

// String returns the Guid in lower case.
func (g Guid) String() string { return string(g.append(make([]byte, 0, guidLen))) }

// AppendText appends the Guid in lower case to b. The error is always nil.
func (g Guid) AppendText(b []byte) ([]byte, error) { return g.append(b), nil }

func (g Guid) append(b []byte) []byte {
	b = hex.AppendEncode(b, g[:4])
	b = hex.AppendEncode(append(b, '-'), g[4:6])
	b = hex.AppendEncode(append(b, '-'), g[6:8])
	b = hex.AppendEncode(append(b, '-'), g[8:10])
	return hex.AppendEncode(append(b, '-'), g[10:])
}

// MarshalText returns the Guid in lower case. The error is always nil.
func (g Guid) MarshalText() ([]byte, error) { return g.append(make([]byte, 0, guidLen)), nil }

// UnmarshalText reads what ParseGuid reads.
func (g *Guid) UnmarshalText(text []byte) error {
	v, err := ParseGuid(text)
	if err != nil {
		return err
	}
	*g = v
	return nil
}
