package validate

import "unicode/utf8"

// dfa is a pattern as a table: it reads each character once. All characters beyond ASCII are alike to it.
type dfa struct {
	class   *[256]uint8 // of a byte; class 0 is the bytes that continue a character and change nothing
	next    []uint8     // state·classes + class → state
	classes int
	accepts []bool // by state, at the end of the string
}

// match reports whether the pattern d matches s, which is UTF-8. It starts in state 0.
func match[T string | []byte](d *dfa, s T) bool {
	state := 0
	for i := range len(s) {
		state = int(d.next[state*d.classes+int(d.class[s[i]])])
	}
	return d.accepts[state]
}

// longer reports whether s has more than n characters. It counts them only if there are more bytes.
func longer(s string, n int) bool { return len(s) > n && utf8.RuneCountInString(s) > n }

// shorter reports whether s has fewer than n characters.
func shorter(s string, n int) bool {
	return len(s) < n || len(s) < 4*n && utf8.RuneCountInString(s) < n
}
