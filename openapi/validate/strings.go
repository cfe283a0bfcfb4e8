package validate

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// String reads a string. It reports false after a fault.
func (r *Reader) String(want *Expected) (string, bool) {
	if r.Peek() != '"' {
		r.wrongType(want)
		return "", false
	}
	start := r.pos + 1
	if end := plain(r.data, start); end < len(r.data) && r.data[end] == '"' {
		r.pos = end + 1
		return r.share(start, end), true
	}
	return r.rareStr(start)
}

// AnyString reads a string without other rules. It is empty after a fault.
func (r *Reader) AnyString(want *Expected) string {
	s, _ := r.String(want)
	return s
}

// rareStr reads a string with escapes or characters beyond ASCII.
func (r *Reader) rareStr(start int) (string, bool) {
	end, escaped := r.endOfString(start)
	if end < 0 {
		return "", false
	}
	r.pos = end + 1
	if escaped {
		return string(unescape(make([]byte, 0, end-start), r.data[start:end])), true
	}
	return r.share(start, end), true
}

// share returns the data between start and end as a part of the copy that all strings share.
func (r *Reader) share(start, end int) string {
	if r.text == "" || start < r.first {
		r.text, r.first = string(r.data[start:]), start
	}
	return r.text[start-r.first : end-r.first]
}

// endOfString returns the offset of the quote that closes a string, starting at offset i in it, and whether there are
// escapes before it. It returns -1 after a syntax error.
func (r *Reader) endOfString(i int) (int, bool) {
	escaped := false
	for {
		if i = plain(r.data, i); i >= len(r.data) {
			r.malformed(len(r.data))
			return -1, false
		}
		n := 0
		switch c := r.data[i]; {
		case c == '"':
			return i, escaped
		case c == '\\':
			n = escapeLen(r.data[i:])
			escaped = true
		case c >= utf8.RuneSelf:
			if _, n = utf8.DecodeRune(r.data[i:]); n == 1 { // RFC 3629 §3: no overlong forms, no surrogates
				n = 0
			}
		}
		if n == 0 {
			r.malformed(i)
			return -1, false
		}
		i += n
	}
}

// plain returns the offset, from i on, of the first byte that needs attention in a string: a quote, a backslash, a control
// character or a byte beyond ASCII. It reads eight bytes at a time.
func plain(b []byte, i int) int {
	const (
		low   = 0x0101010101010101
		high  = 0x8080808080808080
		quote = '"' * low
		slash = '\\' * low
		space = ' ' * low
	)
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		// The lowest zero byte in x is the lowest byte whose high bit is set in (x-low)&^x&high.
		q, s := w^quote, w^slash
		if m := ((q-low)&^q | (s-low)&^s | (w-space)&^w | w) & high; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(b) && b[i] >= ' ' && b[i] < utf8.RuneSelf && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// escapeLen returns the length of the escape at the start of b; 0 if it is invalid or a lone surrogate (RFC 7493 §2.1).
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		switch r := hex4(b); {
		case r < 0:
			return 0
		case !utf16.IsSurrogate(r):
			return 6
		case len(b) > 6 && b[6] == '\\' && utf16.DecodeRune(r, hex4(b[6:])) != utf8.RuneError:
			return 12
		}
	}
	return 0
}

// hex4 returns the code unit of the escape \uXXXX at the start of b, or -1.
func hex4(b []byte) rune {
	if len(b) < 6 || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range b[2:6] {
		d := unhex(c)
		if d > 0xf {
			return -1
		}
		r = r<<4 | rune(d)
	}
	return r
}

// unhex returns the value of a hexadecimal digit; 0xff for another byte.
func unhex(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

// unescape appends the decoded content of a string to dst. Its escapes are known to be valid.
func unescape(dst, b []byte) []byte {
	for len(b) > 0 {
		if b[0] != '\\' {
			n := 1
			for n < len(b) && b[n] != '\\' {
				n++
			}
			dst = append(dst, b[:n]...)
			b = b[n:]
			continue
		}
		n := escapeLen(b)
		switch n {
		case 2:
			dst = append(dst, unescapeByte(b[1]))
		case 6:
			dst = utf8.AppendRune(dst, hex4(b))
		default:
			dst = utf8.AppendRune(dst, utf16.DecodeRune(hex4(b), hex4(b[6:])))
		}
		b = b[n:]
	}
	return dst
}

func unescapeByte(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
