// Package form writes the gateway's own responses in the operator's chosen form: problem details (RFC 9457), Microsoft
// Graph's errors, or a template. It knows neither contracts nor policies.
package form

import (
	"net/http"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// Form is the format of the gateway's own responses. It is safe for concurrent use.
type Form struct {
	// MediaType is the Content-Type of the responses.
	MediaType string

	append func(buf []byte, p *graph.Problem, of *graph.Identity) ([]byte, error)
}

// Append appends the body of a response. Only a template can fail.
func (f *Form) Append(buf []byte, p *graph.Problem, of *graph.Identity) ([]byte, error) {
	return f.append(buf, p, of)
}

// Graph returns the form of Microsoft Graph's errors.
func Graph() *Form {
	return &Form{"application/json", func(buf []byte, p *graph.Problem, of *graph.Identity) ([]byte, error) {
		return graph.Append(buf, p, of), nil
	}}
}

// Problem returns the form of RFC 9457, with one member of errors for each fault.
func Problem() *Form {
	return &Form{"application/problem+json", func(buf []byte, p *graph.Problem, of *graph.Identity) ([]byte, error) {
		return strict.AppendProblem(buf, p, of.RequestID.String()), nil
	}}
}

// Answer is the data of a template.
type Answer struct {
	Status          int     // such as 400
	Title           string  // such as Bad Request
	Code            string  // such as ModelValidationFailure
	Detail          string  // what was wrong, and what to do
	Instance        string  // the request's id as a URN (RFC 9562 §4)
	RequestID       string  // as in the field request-id
	ClientRequestID string  // as in the field client-request-id
	Time            string  // when the request arrived (RFC 3339)
	Errors          []Fault // one for each broken rule that has a place
}

// Fault is one broken rule: of a member of the body, or of a parameter.
type Fault = strict.Entry

func newAnswer(p *graph.Problem, of *graph.Identity) *Answer {
	return &Answer{
		Status: p.Status, Title: http.StatusText(p.Status), Code: p.Code, Detail: p.Message,
		Instance: "urn:uuid:" + of.RequestID.String(), RequestID: of.RequestID.String(), ClientRequestID: of.ClientRequestID.String(),
		Time: of.Start.UTC().Format(time.RFC3339), Errors: p.Entries(),
	}
}
