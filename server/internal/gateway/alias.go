package gateway

import (
	"net/url"
	"path"
	"strings"
	"unicode"
)

// alias returns the resource that a path which leads nowhere here leads some readers to: those who decode twice, merge
// slashes, resolve dots, cut parameters, trailing dots or spaces off a segment, drop what is not text, or fold letters.
func (r *router) alias(escaped string, keys func(string) string) *resource {
	decoded := escaped
	for range 3 {
		next, err := url.PathUnescape(decoded)
		if err != nil || next == decoded {
			break
		}
		decoded = next
	}
	segments := strings.Split(strings.ReplaceAll(decoded, "\\", "/"), "/")
	for i, s := range segments {
		bare, _, _ := strings.Cut(strings.Map(text, strings.ToValidUTF8(s, "")), ";")
		if bare != "." && bare != ".." {
			bare = strings.TrimRight(bare, ". ")
		}
		segments[i] = escapeSegment(bare)
	}
	clean := keys(path.Clean("/" + strings.Join(segments, "/")))
	segments = strings.Split(clean[1:], "/")
	for i, s := range segments {
		segments[i], _ = url.PathUnescape(s) // it was escaped here
	}
	for _, b := range r.bases {
		if _, ok := b.match(segments, strings.EqualFold); !ok {
			continue
		}
		var values []string
		below := segments[len(b.Segments):]
		if len(below) == 0 {
			below = []string{""}
		}
		if res := b.root.find(below, below, &values, (*node).folded); res != nil {
			return res
		}
	}
	return nil
}

// text drops control characters.
func text(c rune) rune {
	if unicode.IsControl(c) {
		return -1
	}
	return c
}

// isAmbiguous reports whether a segment is one that some readers resolve or split: dots, and what was a backslash or a
// control character behind its escape.
func isAmbiguous(s string) bool {
	if s == "." || s == ".." {
		return true
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f || c == '\\' {
			return true
		}
	}
	return false
}
