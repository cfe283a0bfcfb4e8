package validate

import (
	"strings"
	"unicode/utf8"
)

// IsJSON reports whether content of a media type is JSON. mediaType is in lower case and has no parameters.
func IsJSON(mediaType string) bool {
	return mediaType == "application/json" || mediaType == "text/json" || strings.HasSuffix(mediaType, "+json")
}

// ReadsCharset reports whether checked content may be in a charset; "" is none. Content is read as UTF-8: for a reader
// that applies another charset it would have a different meaning.
func ReadsCharset(charset string) bool {
	return charset == "" || strings.EqualFold(charset, "utf-8") || isASCII(charset)
}

// isASCII reports whether a charset is ASCII. Content in it must not have other characters.
func isASCII(charset string) bool { return strings.EqualFold(charset, "us-ascii") }

// MediaType is the value of a Content-Type field.
type MediaType struct {
	// Type is the media type in lower case.
	Type string
	// parameters are the original text, which is well-formed.
	parameters string
}

// ParseMediaType parses a Content-Type (RFC 9110 §8.3.1). It reports false for a malformed one, for a duplicate parameter,
// and for the extended parameters of RFC 2231, which some readers decode and others ignore.
func ParseMediaType(contentType string) (MediaType, bool) {
	name, parameters, _ := strings.Cut(contentType, ";")
	name = strings.Trim(name, " \t")
	main, sub, ok := strings.Cut(name, "/")
	if !ok || !isToken(main) || !isToken(sub) {
		return MediaType{}, false
	}
	m := MediaType{strings.ToLower(name), parameters}
	for rest := parameters; rest != ""; {
		var key string
		if key, _, rest, ok = cutParameter(rest); !ok || strings.IndexByte(key, '*') >= 0 {
			return MediaType{}, false
		}
		if key != "" && hasParameter(rest, key) {
			return MediaType{}, false
		}
	}
	return m, true
}

// String returns the media type in normal form: names and charset in lower case, the charset without quotes, and one
// space after each semicolon.
func (m MediaType) String() string {
	if m.parameters == "" {
		return m.Type
	}
	text := m.Type
	for rest := m.parameters; rest != ""; {
		var key, value string
		var ok bool
		if key, value, rest, ok = cutParameter(rest); !ok {
			break
		}
		key = strings.ToLower(key)
		if key == "charset" && isToken(unquote(value)) {
			value = strings.ToLower(unquote(value))
		}
		if key != "" {
			text += "; " + key + "=" + value
		}
	}
	return text
}

// Parameter returns the value of a parameter and whether there is one. Names are case-insensitive.
func (m MediaType) Parameter(name string) (string, bool) {
	for rest := m.parameters; rest != ""; {
		var key, value string
		var ok bool
		if key, value, rest, ok = cutParameter(rest); !ok {
			break
		}
		if strings.EqualFold(key, name) {
			return unquote(value), true
		}
	}
	return "", false
}

// Charset returns the charset; "" if there is none.
func (m MediaType) Charset() string {
	charset, _ := m.Parameter("charset")
	return charset
}

func hasParameter(parameters, name string) bool {
	for ok := true; ok && parameters != ""; {
		var key string
		if key, _, parameters, ok = cutParameter(parameters); ok && strings.EqualFold(key, name) {
			return true
		}
	}
	return false
}

// cutParameter returns the first of the parameters of a header field, its undecoded value, and the text after the
// semicolon. A trailing semicolon is allowed. It reports false for invalid syntax.
func cutParameter(s string) (name, value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	if s == "" {
		return "", "", "", true
	}
	name, s, ok = strings.Cut(s, "=")
	if !ok || !isToken(name) {
		return "", "", "", false
	}
	end := valueEnd(s)
	value, s = s[:end], strings.TrimLeft(s[end:], " \t")
	if value == "" || s != "" && s[0] != ';' {
		return "", "", "", false
	}
	return name, value, strings.TrimPrefix(s, ";"), true
}

// valueEnd returns the length of the token or quoted string at the start of s; 0 if there is neither.
func valueEnd(s string) int {
	i := 0
	if !strings.HasPrefix(s, `"`) {
		for i < len(s) && isTokenByte(s[i]) {
			i++
		}
		return i
	}
	for i = 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i++
		case c < ' ' && c != '\t', c == 0x7f:
			return 0
		}
	}
	return 0
}

// unquote decodes a quoted string and returns a token unchanged.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// isToken reports whether s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	return c-'0' <= 9 || c|0x20-'a' <= 'z'-'a' || c < utf8.RuneSelf && strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// RequestBody returns the body for a request's Content-Type. It returns nil for 415: the contract has no body of the
// media type, or the body is checked and its charset is not supported.
func (o *Operation) RequestBody(contentType string) *Body { return bodyOf(o.Request, contentType) }

// Body returns the body for a response's Content-Type. It returns nil if the contract has none of the media type, or
// the body is checked and its charset is not supported.
func (r *Response) Body(contentType string) *Body { return bodyOf(r.Bodies, contentType) }

func bodyOf(bodies []*Body, contentType string) *Body {
	m, ok := ParseMediaType(contentType)
	if !ok {
		return nil
	}
	var found *Body
	most := 0
	for _, b := range bodies {
		if fit := b.fits(m); fit > most {
			found, most = b, fit
		}
	}
	if found != nil && found.reads(m) && !ReadsCharset(m.Charset()) {
		return nil
	}
	return found
}

// reads reports whether CheckContent reads content of a media type.
func (b *Body) reads(m MediaType) bool { return b.Schema != nil || b.Check != nil || IsJSON(m.Type) }

// fits returns how well a media type fits the body; 0 means not at all. The type counts more than the parameters.
func (b *Body) fits(m MediaType) int {
	const more = 1 << 16 // more than the parameters of any document
	var fit int
	main, sub, _ := strings.Cut(m.Type, "/")
	switch ours, ourSub, _ := strings.Cut(b.Type, "/"); {
	case b.Type == m.Type:
		fit = 4 * more
	case b.Type == "*/*":
		fit = more
	case ours != main:
		return 0
	case ourSub == "*":
		fit = 2 * more
	case strings.HasPrefix(ourSub, "*+") && strings.HasSuffix(sub, ourSub[1:]): // application/*+json, as in ASP.NET
		fit = 3 * more
	default:
		return 0
	}
	for name, want := range b.Parameters {
		if !m.has(name, want) {
			return 0
		}
		fit++
	}
	return fit
}

// has reports whether a parameter has the value in the document. Content without a charset is UTF-8.
func (m MediaType) has(name, want string) bool {
	got, ok := m.Parameter(name)
	if name == "charset" {
		return strings.EqualFold(got, want) || ReadsCharset(got) && ReadsCharset(want)
	}
	return ok && got == want
}
