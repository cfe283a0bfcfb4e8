// Package form writes the gateway's own responses in the form that the operator chooses: problem details (RFC 9457),
// Microsoft Graph's errors, or a template of the operator's own. It knows neither contracts nor policies.
package form

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// Form is how the gateway's own responses look. It is safe for concurrent use.
type Form struct {
	// MediaType is the Content-Type of the responses.
	MediaType string

	append func(buf []byte, p *graph.Problem, of *graph.Identity) ([]byte, error)
}

// Append appends the body of a response. Only the form of a template can fail.
func (f *Form) Append(buf []byte, p *graph.Problem, of *graph.Identity) ([]byte, error) {
	return f.append(buf, p, of)
}

// Graph returns the form of Microsoft Graph's errors.
func Graph() *Form {
	return &Form{"application/json", func(buf []byte, p *graph.Problem, of *graph.Identity) ([]byte, error) {
		return p.Append(buf, of), nil
	}}
}

// Problem returns the form of RFC 9457, with one member of errors for each fault.
func Problem() *Form {
	return &Form{"application/problem+json", func(buf []byte, p *graph.Problem, of *graph.Identity) ([]byte, error) {
		a := newAnswer(p, of)
		return appendJSON(buf, &details{Type: "about:blank", Title: a.Title, Status: a.Status, Detail: a.Detail, Instance: a.Instance, Errors: a.Errors})
	}}
}

// details are the members of RFC 9457 §3.1, and errors as in the example of its §3. The type is about:blank (§4.2.1): the
// status says what kind of problem it is, and keyword which rule was broken.
type details struct {
	Type     string  `json:"type"`
	Title    string  `json:"title"`
	Status   int     `json:"status"`
	Detail   string  `json:"detail"`
	Instance string  `json:"instance"`
	Errors   []Fault `json:"errors,omitempty"`
}

// Answer is what a template can show.
type Answer struct {
	Status          int     // such as 400
	Title           string  // such as Bad Request
	Code            string  // such as ModelValidationFailure
	Detail          string  // what was wrong, and what to do
	Instance        string  // the request's id as a URN (RFC 9562 §4)
	RequestID       string  // as in the field request-id
	ClientRequestID string  // as in the field client-request-id
	Time            string  // when the request came (RFC 3339)
	Errors          []Fault // one for each broken rule; none where there is no place to name
}

// Fault is one broken rule: of a member of the body, or of a parameter.
type Fault struct {
	Pointer   string `json:"pointer,omitempty"`   // to the member, as a URI fragment (RFC 6901 §6)
	Parameter string `json:"parameter,omitempty"` // its name
	In        string `json:"in,omitempty"`        // path, query, header or cookie
	Keyword   string `json:"keyword"`             // the rule, such as required
	Detail    string `json:"detail"`
}

func newAnswer(p *graph.Problem, of *graph.Identity) *Answer {
	a := &Answer{
		Status: p.Status, Title: http.StatusText(p.Status), Code: p.Code, Detail: p.Message,
		Instance: "urn:uuid:" + of.RequestID.String(), RequestID: of.RequestID.String(), ClientRequestID: of.ClientRequestID.String(),
		Time: of.Start.UTC().Format(time.RFC3339),
	}
	for i := range p.Faults {
		a.Errors = append(a.Errors, newFault(&p.Faults[i]))
	}
	return a
}

func newFault(f *graph.Fault) Fault {
	fault := Fault{Parameter: f.Name, In: f.In, Keyword: f.Keyword, Detail: f.Message}
	pointer := f.Pointer
	switch {
	case f.In == "":
		fault.Parameter = ""
	case f.In == "header" && f.Name == "Cookie" && pointer != "": // begins with the name of the cookie
		fault.In = "cookie"
		name, rest, below := strings.Cut(pointer[1:], "/")
		fault.Parameter = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		if pointer = ""; below {
			pointer = "/" + rest
		}
	}
	if f.In == "" || pointer != "" {
		fault.Pointer = "#" + (&url.URL{Fragment: pointer}).EscapedFragment()
	}
	return fault
}

// appendJSON appends a value that no reader of HTML takes for markup. Callers choose names of members and parameters:
// what is not UTF-8 in them becomes U+FFFD.
func appendJSON(buf []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v, jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return append(buf, text...), nil
}
