package graph

import (
	"net/url"
	"strings"
)

// CanonicalAddress rewrites the path before routing, so that an object has one address. Keys in parentheses, quoted or not,
// become a segment (OData 4.01 URL Conventions §4.3.1 and §4.3.6). Unneeded escapes are decoded (RFC 3986 §6.2.2.2). What is
// still escaped cannot be part of a key.
func CanonicalAddress(u *url.URL) {
	if raw := u.EscapedPath(); strings.ContainsAny(raw, "%(") {
		SetPath(u, CanonicalPath(raw))
	}
}

// SetPath sets a URL's path from an escaped path.
func SetPath(u *url.URL, escaped string) {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return // net/url made the escaped form, so it is valid
	}
	u.Path, u.RawPath = path, escaped
}

// CanonicalPath returns the path that [CanonicalAddress] sets for an escaped path.
func CanonicalPath(escaped string) string {
	if !strings.ContainsAny(escaped, "%(") {
		return escaped
	}
	segments := strings.Split(escaped, "/")
	for i, s := range segments {
		segments[i] = keyAsSegment(unescapePlain(s))
	}
	return strings.Join(segments, "/")
}

// keyAsSegment converts name('key') and name(key) to name/key.
func keyAsSegment(segment string) string {
	name, rest, found := strings.Cut(segment, "(")
	key, closed := strings.CutSuffix(rest, ")")
	if !found || !closed || name == "" {
		return segment
	}
	if len(key) >= 2 && key[0] == '\'' && key[len(key)-1] == '\'' {
		key = key[1 : len(key)-1]
	}
	if key == "" {
		return segment
	}
	return name + "/" + key
}

// unescapePlain decodes only escaped unreserved characters, apostrophes and parentheses: %2F stays %2F, and %2561 stays
// %2561.
func unescapePlain(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := url.PathUnescape(s[i : i+3]); err == nil && isPlain(c[0]) {
				b.WriteByte(c[0])
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func isPlain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~'()", c) >= 0
}
