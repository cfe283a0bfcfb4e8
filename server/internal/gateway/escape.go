package gateway

import (
	"net/url"
	"strconv"
	"strings"
)

// path returns the path to forward: the template with the checked values.
func (m *match) path(rt *route) string {
	var b strings.Builder
	b.WriteString(m.base)
	n := 0
	for _, segment := range m.resource.template {
		b.WriteByte('/')
		for i, literal := range strings.Split(segment, "{}") {
			if i > 0 {
				value := m.values[n]
				if n >= len(rt.matrix) || !rt.matrix[n] {
					value = strings.ReplaceAll(value, ";", "%3B") // some servers read parameters after it (RFC 3986 §3.3)
				}
				b.WriteString(value)
				n++
			}
			b.WriteString(literal)
		}
	}
	return b.String()
}

const upperHex = "0123456789ABCDEF"

// escapeSegment escapes what a segment must not contain, and the semicolon, because some servers read parameters after it
// (RFC 3986 §3.3).
func escapeSegment(s string) string { return escape(s, ":@!$&'()*+,=") }

// escape percent-encodes all but unreserved characters and those in also.
func escape(s, also string) string {
	plain := func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 || strings.IndexByte(also, c) >= 0
	}
	first := 0
	for first < len(s) && plain(s[first]) {
		first++
	}
	if first == len(s) {
		return s
	}
	b := []byte(s[:first])
	for i := first; i < len(s); i++ {
		if c := s[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&0xf])
		}
	}
	return string(b)
}

// normalSegment escapes what a segment must not contain, and decodes escaped unreserved characters (RFC 3986 §6.2.2.2). An
// escaped delimiter stays escaped.
func normalSegment(s string) string { return normal(s, ":@!$&'()*+,=;", "") }

// normal escapes all but unreserved characters and those in also. It decodes escaped unreserved characters and those in
// harmless.
func normal(s, also, harmless string) string {
	if escape(s, also) == s {
		return s
	}
	b := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); i++ {
		if c, ok := escapedByte(s[i:]); ok {
			if text := escape(string([]byte{c}), harmless); text[0] == '%' {
				b = append(b, text...)
			} else {
				b = append(b, c)
			}
			i += 2
			continue
		}
		b = append(b, escape(s[i:i+1], also)...)
	}
	return string(b)
}

// escapedByte returns the byte that an escape at the start of s encodes.
func escapedByte(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:3], 16, 8)
	return byte(n), err == nil
}

// canonicalQuery returns the options of a valid query under their declared names, escaped in one way. Escaped delimiters
// stay escaped.
func (rt *route) canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	b := make([]byte, 0, len(raw)+16)
	for option := range strings.SplitSeq(raw, "&") {
		if option == "" {
			continue
		}
		name, value, assigned := strings.Cut(option, "=")
		decoded, _ := url.QueryUnescape(name) // both name and value are already checked
		if declared := rt.QueryOption(decoded); declared != "" {
			decoded = declared
		}
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = append(b, escape(decoded, "$@:[]")...)
		if assigned {
			b = append(b, '=')
			b = append(b, normal(strings.ReplaceAll(value, "+", "%20"), "$@:,/'()*!|[]=?", "$@:/'()*!?")...)
		}
	}
	return string(b)
}
