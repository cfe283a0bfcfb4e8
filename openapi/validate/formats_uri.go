package validate

import (
	"strings"
	"unicode/utf8"
)

// reference is the grammar of a URI (RFC 3986 appendix A) or, international, of an IRI (RFC 3987 §2.2).
type reference struct{ international bool }

func isURI(s string) bool          { return reference{}.absolute(s) }
func isURIReference(s string) bool { return reference{}.relative(s) || isURI(s) }
func isIRI(s string) bool          { return reference{true}.absolute(s) }
func isIRIReference(s string) bool { return reference{true}.relative(s) || isIRI(s) }

const (
	subDelims = "!$&'()*+,;="
	pathChars = subDelims + ":@/"
)

// absolute reports whether s has a scheme.
func (r reference) absolute(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	return ok && isScheme(scheme) && r.hierarchy(rest)
}

// relative reports whether s is a relative reference, whose first segment has no colon.
func (r reference) relative(s string) bool {
	first := s
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		first = s[:i]
	}
	return !strings.Contains(first, ":") && r.hierarchy(s)
}

func isScheme(s string) bool {
	return s != "" && s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z' &&
		!strings.ContainsFunc(s, func(c rune) bool { return notLetterDigitHyphen(c) && c != '+' && c != '.' })
}

// hierarchy reports whether s is an authority, a path, a query and a fragment, each of them optional.
func (r reference) hierarchy(s string) bool {
	s, fragment, _ := strings.Cut(s, "#")
	s, query, _ := strings.Cut(s, "?")
	if authority, ok := strings.CutPrefix(s, "//"); ok {
		path := ""
		if i := strings.IndexByte(authority, '/'); i >= 0 {
			authority, path = authority[:i], authority[i:]
		}
		if !r.authority(authority) {
			return false
		}
		s = path
	}
	return r.chars(s, pathChars, false) && r.chars(query, pathChars+"?", true) && r.chars(fragment, pathChars+"?", false)
}

func (r reference) authority(s string) bool {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		if !r.chars(s[:i], subDelims+":", false) {
			return false
		}
		s = s[i+1:]
	}
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
	}
	if digitsEndString(port, 0) != len(port) {
		return false
	}
	if literal, ok := strings.CutPrefix(host, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		return ok && (isIPv6(literal) || isFutureAddress(literal))
	}
	return r.chars(host, subDelims, false)
}

// isFutureAddress reports whether s is an IPvFuture (RFC 3986 §3.2.2).
func isFutureAddress(s string) bool {
	version, address, ok := strings.Cut(s, ".")
	if !ok || len(version) < 2 || version[0]|0x20 != 'v' || address == "" {
		return false
	}
	for i := 1; i < len(version); i++ {
		if unhex(version[i]) > 0xf {
			return false
		}
	}
	return !strings.Contains(address, "%") && reference{}.chars(address, subDelims+":", false)
}

// chars reports whether s has only unreserved characters, those in more, and percent-encoded bytes.
func (r reference) chars(s, more string, query bool) bool {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			char, size := utf8.DecodeRuneInString(s[i:])
			if !r.international || !isUcschar(char) && !(query && isPrivate(char)) {
				return false
			}
			i += size
			continue
		case c == '%':
			if !isEncoded(s[i:]) {
				return false
			}
		case notLetterDigitHyphen(rune(c)) && strings.IndexByte("._~", c) < 0 && strings.IndexByte(more, c) < 0:
			return false
		}
		i++
	}
	return true
}

// isEncoded reports whether s starts with a percent-encoded byte.
func isEncoded(s string) bool { return len(s) > 2 && unhex(s[1]) <= 0xf && unhex(s[2]) <= 0xf }

// isUcschar reports whether r is a ucschar of RFC 3987 §2.2.
func isUcschar(r rune) bool {
	switch {
	case r < 0xa0, r > 0xd7ff && r < 0xf900, r > 0xfdcf && r < 0xfdf0, r > 0xffef && r < 0x10000:
		return false
	case r >= 0x10000:
		return r&0xffff <= 0xfffd && r < 0xf0000 && (r < 0xe0000 || r >= 0xe1000)
	}
	return true
}

// isPrivate reports whether r is an iprivate of RFC 3987 §2.2.
func isPrivate(r rune) bool {
	return r >= 0xe000 && r <= 0xf8ff || r >= 0xf0000 && r&0xffff <= 0xfffd
}

// isURITemplate reports whether s is a URI Template (RFC 6570 §2). The apostrophe is a literal: it is a sub-delim.
func isURITemplate(s string) bool {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 || !isExpression(s[i+1:i+end]) {
				return false
			}
			i += end + 1
			continue
		case c == '%':
			if !isEncoded(s[i:]) {
				return false
			}
		case c >= utf8.RuneSelf:
			char, size := utf8.DecodeRuneInString(s[i:])
			if !isUcschar(char) && !isPrivate(char) {
				return false
			}
			i += size
			continue
		case c <= ' ', c == 0x7f, strings.IndexByte("\"<>\\^`|}", c) >= 0:
			return false
		}
		i++
	}
	return true
}

func isExpression(s string) bool {
	if s != "" && strings.IndexByte("+#./;?&=,!@|", s[0]) >= 0 {
		s = s[1:]
	}
	for variable := range strings.SplitSeq(s, ",") {
		name, length, prefixed := strings.Cut(strings.TrimSuffix(variable, "*"), ":")
		if prefixed && (strings.HasSuffix(variable, "*") || !isPrefixLength(length)) || !isVariableName(name) {
			return false
		}
	}
	return true
}

// isPrefixLength reports whether s is a number below 10,000 (RFC 6570 §2.4.1).
func isPrefixLength(s string) bool {
	return s != "" && len(s) <= 4 && s[0] != '0' && digitsEndString(s, 0) == len(s)
}

func isVariableName(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" {
			return false
		}
		for i := range len(part) {
			c := part[i]
			if c == '%' && isEncoded(part[i:]) || c == '_' || c != '-' && !notLetterDigitHyphen(rune(c)) {
				continue
			}
			return false
		}
	}
	return true
}
