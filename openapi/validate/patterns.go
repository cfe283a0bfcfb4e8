package validate

import "unicode/utf8"

// Longer reports whether s has more than n characters. It counts them only if s has more bytes.
func Longer(s string, n int) bool { return len(s) > n && utf8.RuneCountInString(s) > n }

// Shorter reports whether s has fewer than n characters.
func Shorter(s string, n int) bool {
	return len(s) < n || len(s) < 4*n && utf8.RuneCountInString(s) < n
}
