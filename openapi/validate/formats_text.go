package validate

import (
	"encoding/base64"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate/ecma"
)

func isCharacter(s string) bool { return utf8.RuneCountInString(s) == 1 }

// isBase64URL reports whether s is base64url (RFC 4648 §5), with or without padding, whose unused bits are zero.
func isBase64URL(s string) bool {
	if strings.ContainsAny(s, "\r\n") {
		return false
	}
	encoding := base64.RawURLEncoding
	if strings.HasSuffix(s, "=") {
		encoding = base64.URLEncoding
	}
	_, err := encoding.Strict().DecodeString(s)
	return err == nil
}

// isJSONPointer reports whether s is a JSON Pointer (RFC 6901 §3).
func isJSONPointer(s string) bool {
	if s == "" {
		return true
	}
	for i := range len(s) {
		if s[i] == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return false
		}
	}
	return s[0] == '/'
}

// isRelativeJSONPointer reports whether s is a Relative JSON Pointer (draft-bhutton-relative-json-pointer-00 §3).
func isRelativeJSONPointer(s string) bool {
	s, ok := cutNumber(s)
	if !ok {
		return false
	}
	if s != "" && (s[0] == '+' || s[0] == '-') {
		if s, ok = cutNumber(s[1:]); !ok {
			return false
		}
	}
	return s == "#" || isJSONPointer(s)
}

// cutNumber removes digits without leading zeros from the front.
func cutNumber(s string) (rest string, ok bool) {
	n := digitsEndString(s, 0)
	return s[n:], n > 0 && (n == 1 || s[0] != '0')
}

// isMediaRange reports whether s is a media-range (RFC 9110 §12.5.1).
func isMediaRange(s string) bool {
	kind, rest, ok := strings.Cut(s, "/")
	end := strings.IndexAny(rest, "; \t")
	if end < 0 {
		end = len(rest)
	}
	subtype := rest[:end]
	return ok && isToken(kind) && isToken(subtype) && (kind != "*" || subtype == "*") && areParameters(rest[end:])
}

// areParameters reports whether s is parameters (RFC 9110 §5.6.6), possibly none.
func areParameters(s string) bool {
	for s != "" {
		s = strings.TrimLeft(s, " \t")
		if s == "" || s[0] != ';' {
			return false
		}
		s = strings.TrimLeft(s[1:], " \t")
		if s == "" || s[0] == ';' {
			continue // an empty parameter
		}
		name, rest, ok := strings.Cut(s, "=")
		if !ok || !isToken(name) {
			return false
		}
		if s, ok = cutValue(rest); !ok {
			return false
		}
	}
	return true
}

// cutValue removes a token or a quoted-string (RFC 9110 §5.6.4) from the front.
func cutValue(s string) (rest string, ok bool) {
	if s == "" || s[0] != '"' {
		end := strings.IndexFunc(s, func(r rune) bool { return !isTokenRune(r) })
		if end < 0 {
			end = len(s)
		}
		return s[end:], end > 0
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[i+1:], true
		case c < ' ' && c != '\t', c == 0x7f:
			return "", false
		case c == '\\':
			i++
		}
	}
	return "", false
}

// isLanguage reports whether s is a well-formed language tag (RFC 5646 §2.1). Irregular grandfathered tags are listed.
func isLanguage(s string) bool { return languageTags().MatchString(s) }

var languageTags = sync.OnceValue(func() *ecma.Pattern {
	const (
		alphanumeric = `[A-Za-z0-9]`
		language     = `(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})`
		script       = `(?:-[A-Za-z]{4})?`
		region       = `(?:-(?:[A-Za-z]{2}|[0-9]{3}))?`
		variants     = `(?:-(?:` + alphanumeric + `{5,8}|[0-9]` + alphanumeric + `{3}))*`
		extensions   = `(?:-[0-9A-WY-Za-wy-z](?:-` + alphanumeric + `{2,8})+)*`
		private      = `[Xx](?:-` + alphanumeric + `{1,8})+`
		irregular    = `en-GB-oed|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)|sgn-(?:BE-FR|BE-NL|CH-DE)`
	)
	return ecma.MustCompile(`^(?:` + language + script + region + variants + extensions + `(?:-` + private + `)?|` + private + `|` + irregular + `)$`)
})

// isStructuredBinary reports whether s is an sf-binary (RFC 8941 §3.3.5).
func isStructuredBinary(s string) bool {
	return len(s) >= 2 && s[0] == ':' && s[len(s)-1] == ':' && isByte(s[1:len(s)-1])
}

// isStructuredBoolean reports whether s is an sf-boolean (RFC 8941 §3.3.6).
func isStructuredBoolean(s string) bool { return s == "?0" || s == "?1" }

// isStructuredString reports whether s is an sf-string (RFC 8941 §3.3.3).
func isStructuredString(s string) bool {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	s = s[1 : len(s)-1]
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '"':
			return false
		case c == '\\':
			if i++; i == len(s) || s[i] != '"' && s[i] != '\\' {
				return false
			}
		}
	}
	return true
}

// isStructuredToken reports whether s is an sf-token (RFC 8941 §3.3.4).
func isStructuredToken(s string) bool {
	if s == "" || s[0] != '*' && (s[0]|0x20 < 'a' || s[0]|0x20 > 'z') {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r != ':' && r != '/' && !isTokenRune(r) })
}

func isTokenRune(r rune) bool { return r < utf8.RuneSelf && isTokenByte(byte(r)) }
