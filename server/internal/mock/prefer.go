package mock

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// preferences select the response to a request. The zero value selects nothing.
type preferences struct {
	code    int // 0 if unset
	example string
	dynamic bool
}

// preferencesOf parses the lines of Prefer (RFC 7240 §2). The first of each name counts, and unknown names are ignored.
// Names are case-insensitive.
func preferencesOf(lines []string) (preferences, error) {
	var p preferences
	seen := map[string]bool{}
	for _, line := range lines {
		for _, element := range message.SplitList(line) {
			name, value := preference(element)
			if seen[name] {
				continue
			}
			seen[name] = true
			if err := p.set(name, value); err != nil {
				return preferences{}, err
			}
		}
	}
	return p, nil
}

// preference returns the lower-case name and the value of a preference, without its parameters.
func preference(element string) (name, value string) {
	name, value, _ = strings.Cut(element, "=")
	value = strings.TrimSpace(value)
	if strings.HasPrefix(value, `"`) {
		value = unquote(value)
	} else {
		value, _, _ = strings.Cut(value, ";")
	}
	name, _, _ = strings.Cut(name, ";")
	return strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
}

// unquote decodes the quoted string at the start of s (RFC 9110 §5.6.4).
func unquote(s string) string {
	var b strings.Builder
	for i := 1; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (p *preferences) set(name, value string) error {
	switch name {
	case "code":
		code, err := strconv.Atoi(value)
		if err != nil || code < 200 || code > 599 {
			return badPreference("code", "must be a status from 200 to 599")
		}
		p.code = code
	case "example":
		p.example = value
	case "dynamic":
		if value != "true" && value != "false" {
			return badPreference("dynamic", "must be true or false")
		}
		p.dynamic = value == "true"
	}
	return nil
}

// badPreference is the problem of a malformed preference. Ignoring it would give the tester of a client a different response
// from the one requested.
func badPreference(name, fault string) *graph.Problem {
	p := &graph.Problem{
		Status: http.StatusUnprocessableEntity, Code: graph.CodeBadRequest,
		Message: "The preference '" + name + "' of the header 'Prefer' " + fault + ".",
	}
	p.Faults = []graph.Fault{{In: "header", Name: "Prefer", Keyword: name, Message: p.Message}}
	return p
}

// unknownCode and unknownExample are the problems of preferences that the document does not have.
func unknownCode(code int) *graph.Problem {
	return &graph.Problem{
		Status: http.StatusNotFound, Code: graph.CodeNotFound,
		Message: "The document describes no response of the status " + strconv.Itoa(code) + " for this operation.",
	}
}

func unknownExample(name, mediaType string) *graph.Problem {
	return &graph.Problem{
		Status: http.StatusNotFound, Code: graph.CodeNotFound,
		Message: "The document has no example '" + printable(name) + "' for the media type " + mediaType + " of this response.",
	}
}

// printable removes from a name what a log or a terminal could misread.
func printable(s string) string {
	const most = 100
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), most)]
}
