package strict

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Form writes the body of a problem: it appends to buf and returns the body and its media type. Status and header fields
// come from the problem.
type Form func(buf []byte, x *Exchange, p *Problem) (body []byte, mediaType string)

// ProblemDetails is the form of RFC 9457, with one member of errors for each fault. It is the default.
func ProblemDetails(buf []byte, x *Exchange, p *Problem) ([]byte, string) {
	return AppendProblem(buf, p, x.RequestID), "application/problem+json"
}

// details has the members of RFC 9457 §3.1, and errors as in the example of its §3. The type is about:blank (§4.2.1): the
// status is the kind of problem, and keyword the broken rule.
type details struct {
	Type     string  `json:"type"`
	Title    string  `json:"title"`
	Status   int     `json:"status"`
	Detail   string  `json:"detail"`
	Instance string  `json:"instance,omitempty"`
	Errors   []Entry `json:"errors,omitempty"`
}

// Entry is a fault of a body's member or of a parameter, as in problem details.
type Entry struct {
	Pointer   string `json:"pointer,omitempty"`   // to the member, as a URI fragment (RFC 6901 §6)
	Parameter string `json:"parameter,omitempty"` // its name
	In        string `json:"in,omitempty"`        // path, query, header or cookie
	Keyword   string `json:"keyword"`             // the rule, such as required
	Detail    string `json:"detail"`
}

// Entries returns the faults as problem details list them.
func (p *Problem) Entries() []Entry {
	var list []Entry
	for i := range p.Faults {
		list = append(list, newEntry(&p.Faults[i]))
	}
	return list
}

func newEntry(f *Fault) Entry {
	entry := Entry{Parameter: f.Name, In: f.In, Keyword: f.Keyword, Detail: f.Message}
	pointer := f.Pointer
	switch {
	case f.In == "":
		entry.Parameter = ""
	case f.In == "header" && f.Name == "Cookie" && pointer != "": // starts with the name of the cookie
		entry.In = "cookie"
		name, rest, below := strings.Cut(pointer[1:], "/")
		entry.Parameter = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		if pointer = ""; below {
			pointer = "/" + rest
		}
	}
	if f.In == "" || pointer != "" {
		entry.Pointer = "#" + (&url.URL{Fragment: pointer}).EscapedFragment()
	}
	return entry
}

// AppendProblem appends a problem in the form of RFC 9457. If requestID is a UUID, instance is its URN (RFC 9562 §4).
func AppendProblem(buf []byte, p *Problem, requestID string) []byte {
	d := details{Type: "about:blank", Title: http.StatusText(p.Status), Status: p.Status, Detail: p.Message, Errors: p.Entries()}
	if isUUID(requestID) {
		d.Instance = "urn:uuid:" + requestID
	}
	text, err := AppendJSON(buf, &d)
	if err != nil {
		panic("strict: " + err.Error()) // strings and an int always encode
	}
	return text
}

// AppendJSON appends a value as JSON without characters that HTML treats as markup. Clients choose names of members and
// parameters: invalid UTF-8 in them becomes U+FFFD.
func AppendJSON(buf []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v, jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return append(buf, text...), nil
}

// isUUID reports whether s is a lower-case UUID (RFC 9562 §4).
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if c-'0' > 9 && c-'a' > 'f'-'a' {
				return false
			}
		}
	}
	return true
}
