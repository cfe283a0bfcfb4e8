package validate

import "unicode/utf8"

// Automaton is a pattern as a table, which reads each character once. All characters beyond ASCII are alike to it. It is
// a [Matcher].
type Automaton struct {
	Class   *[256]uint8 // of a byte; class 0 is the bytes that continue a character and change nothing
	Next    []uint8     // state·Classes + class → state; it starts in state 0
	Classes int
	Accepts []bool // by state, at the end of the string
}

// MatchString reports whether the pattern matches s, which is UTF-8.
func (a *Automaton) MatchString(s string) bool {
	state := 0
	for i := range len(s) {
		state = int(a.Next[state*a.Classes+int(a.Class[s[i]])])
	}
	return a.Accepts[state]
}

// Match reports whether the pattern matches b, which is UTF-8.
func (a *Automaton) Match(b []byte) bool {
	state := 0
	for i := range b {
		state = int(a.Next[state*a.Classes+int(a.Class[b[i]])])
	}
	return a.Accepts[state]
}

// Longer reports whether s has more than n characters. It counts them only if there are more bytes.
func Longer(s string, n int) bool { return len(s) > n && utf8.RuneCountInString(s) > n }

// Shorter reports whether s has fewer than n characters.
func Shorter(s string, n int) bool {
	return len(s) < n || len(s) < 4*n && utf8.RuneCountInString(s) < n
}
