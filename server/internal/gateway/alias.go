package gateway

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDecodings is how many times other servers may decode a path.
const maxDecodings = 3

// aliases returns the resources that other servers may find for an escaped path. Such servers decode it several times, merge
// slashes, resolve dots, cut parameters, trailing dots or spaces off a segment, drop invalid text, or ignore case.
func (r *router) aliases(escaped string, keys func(string) string) []*resource {
	var all []*resource
	for range maxDecodings {
		decoded, err := url.PathUnescape(escaped)
		if err != nil {
			break
		}
		if res := r.alias(decoded, keys); res != nil && !slices.Contains(all, res) {
			all = append(all, res)
		}
		if decoded == escaped {
			break
		}
		escaped = decoded
	}
	return all
}

// alias returns the resource of a decoded path, or nil.
func (r *router) alias(decoded string, keys func(string) string) *resource {
	segments := strings.Split(strings.ReplaceAll(decoded, "\\", "/"), "/")
	for i, s := range segments {
		segments[i] = escapeSegment(bare(s))
	}
	clean := keys(path.Clean("/" + strings.Join(segments, "/")))
	segments = strings.Split(clean[1:], "/")
	for i, s := range segments {
		segments[i], _ = url.PathUnescape(s) // it was escaped here
	}
	for _, b := range r.bases {
		if !b.begins(segments, strings.EqualFold) {
			continue
		}
		var values []string
		below := segments[len(b.Segments):]
		if len(below) == 0 {
			below = []string{""}
		}
		if res := b.root.find(below, below, &values, folded); res != nil {
			return res
		}
	}
	return nil
}

// bare returns what lenient servers keep of a segment.
func bare(s string) string {
	s, _, _ = strings.Cut(strings.Map(text, strings.ToValidUTF8(s, "")), ";")
	s = strings.TrimLeft(s, " ")
	if dots := strings.TrimRight(s, " "); dots == "." || dots == ".." {
		return dots
	}
	return strings.TrimRight(s, ". ")
}

// text drops control characters.
func text(c rune) rune {
	if unicode.IsControl(c) {
		return -1
	}
	return c
}

// isAmbiguous reports whether some servers resolve, split or repair a segment: dots, and escaped backslashes, control
// characters or invalid UTF-8.
func isAmbiguous(s string) bool {
	if s == "." || s == ".." || !utf8.ValidString(s) {
		return true
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f || c == '\\' {
			return true
		}
	}
	return false
}
