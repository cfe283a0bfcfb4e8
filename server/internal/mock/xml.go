package mock

import (
	"bytes"
	"encoding/xml"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// appendXML appends a JSON value as an element: members become elements, and an array one element for each item. Package
// validate does not check XML, and the keyword xml is ignored.
func appendXML(b []byte, name string, v any) []byte {
	if list, ok := v.([]any); ok {
		for _, item := range list {
			b = appendXML(b, name, item)
		}
		return b
	}
	name = elementName(name)
	b = append(b, "<"+name+">"...)
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			b = appendXML(b, member, v[member])
		}
	default:
		var text bytes.Buffer
		_ = xml.EscapeText(&text, []byte(scalar(v))) // a buffer never fails
		b = append(b, text.Bytes()...)
	}
	return append(b, "</"+name+">"...)
}

// elementName removes the characters that element names cannot have.
func elementName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, name)
	if first, _ := utf8.DecodeRuneInString(name); first != '_' && !unicode.IsLetter(first) {
		return "_" + name
	}
	return name
}
