package validate

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD. It escapes only what must be escaped.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	b = appendInside(b, s)
	return append(b, '"')
}

func appendInside(b []byte, s string) []byte {
	for start := 0; ; {
		i := start
		for i < len(s) && s[i] >= ' ' && s[i] < utf8.RuneSelf && s[i] != '"' && s[i] != '\\' {
			i++
		}
		b = append(b, s[start:i]...)
		if i == len(s) {
			return b
		}
		if s[i] < utf8.RuneSelf {
			b = appendEscape(b, s[i])
			start = i + 1
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		b = utf8.AppendRune(b, r)
		start = i + n
	}
}

func appendEscape(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}

// CloseString makes a JSON string of the text appended after start, the offset of the opening quote.
func CloseString(b []byte, start int) []byte {
	if end := plain(b, start+1); end < len(b) {
		return AppendString(b[:start], string(b[start+1:]))
	}
	return append(b, '"')
}

// AppendFloat appends f as JavaScript writes it. NaN and infinities, which JSON does not have, become null.
func AppendFloat(b []byte, f float64, size int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	if abs := math.Abs(f); abs == 0 || size == 64 && abs >= 1e-6 && abs < 1e21 || size == 32 && float32(abs) >= 1e-6 && float32(abs) < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, size)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, size)
	if n := len(b); n >= 4 && b[n-4] == 'e' && (b[n-3] == '-' || b[n-3] == '+') && b[n-2] == '0' { // e-09 → e-9
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

// AppendBase64 appends v as a JSON string of base64 (RFC 4648 §4).
func AppendBase64(b, v []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(b, '"'), v), '"')
}
