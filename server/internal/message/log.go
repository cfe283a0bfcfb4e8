package message

import "strings"

// maxLogged bounds how much of a client's text a log line contains, in bytes.
const maxLogged = 200

// Cut shortens a text for a log line, and keeps it valid UTF-8.
func Cut(s string) string {
	if len(s) > maxLogged {
		s = s[:maxLogged] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
