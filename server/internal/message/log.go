package message

import "strings"

// maxLogged is how much of a text that a caller chose stands in a log line, in bytes.
const maxLogged = 200

// Cut returns the beginning of a text, in UTF-8, for a log line.
func Cut(s string) string {
	if len(s) > maxLogged {
		s = s[:maxLogged] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
