package validate

import "unicode/utf8"

// Automaton is a pattern as a table. It reads each character once and treats all characters beyond ASCII alike. It is a
// [Matcher].
type Automaton struct {
	Class   *[256]uint8 // of a byte; class 0 is UTF-8 continuation bytes, which change nothing
	Next    []uint8     // state·Classes + class → state; the start is state 0
	Classes int
	Accepts []bool // by the state at the end of the string
}

// MatchString reports whether the pattern matches s, which must be UTF-8.
func (a *Automaton) MatchString(s string) bool {
	state := 0
	for i := range len(s) {
		state = int(a.Next[state*a.Classes+int(a.Class[s[i]])])
	}
	return a.Accepts[state]
}

// Match reports whether the pattern matches b, which must be UTF-8.
func (a *Automaton) Match(b []byte) bool {
	state := 0
	for i := range b {
		state = int(a.Next[state*a.Classes+int(a.Class[b[i]])])
	}
	return a.Accepts[state]
}

// Longer reports whether s has more than n characters. It counts them only if s has more bytes.
func Longer(s string, n int) bool { return len(s) > n && utf8.RuneCountInString(s) > n }

// Shorter reports whether s has fewer than n characters.
func Shorter(s string, n int) bool {
	return len(s) < n || len(s) < 4*n && utf8.RuneCountInString(s) < n
}
