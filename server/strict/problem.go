package strict

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// Problem is a refusal or a failure as the client sees it. It is an error: a handler returns one to choose the response.
type Problem struct {
	Status  int
	Code    string // a name for the kind of problem, for forms that show it
	Message string // what is wrong, and what to do
	Faults  []Fault
	Header  []Field
	Cause   error // for the log only
}

// Fault is one broken rule. It never contains a value from the client.
type Fault struct {
	In      string // "" for a body, otherwise path, query or header
	Pointer string // of the member (RFC 6901)
	Name    string // of the member or the parameter
	Keyword string // the rule, such as required
	Message string
}

// Field is a header field. Its name is sent in the case it has here.
type Field struct{ Name, Value string }

func (p *Problem) Error() string { return p.Message }

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// The codes of the handler's own problems.
const (
	CodeBadRequest      = "BadRequest"
	CodeModelValidation = "ModelValidationFailure"
	CodeUnauthorized    = "Unauthorized"
	CodeForbidden       = "Forbidden"
	CodeNotFound        = "NotFound"
)

// ErrNoResponse is the error of a handler that returned neither a response nor an error.
var ErrNoResponse = errors.New("the handler returned no response")

// NoRouteError is the error of a request whose path matches no operation.
type NoRouteError struct {
	Path string // as received, escaped
}

func (*NoRouteError) Error() string { return "no operation has this path" }

// MethodError is the error of a request whose path has operations, but not for its method.
type MethodError struct {
	Allow []string // the methods of the path, sorted
}

func (*MethodError) Error() string { return "no operation of this path has the method" }

// InvalidError is the error of invalid parameters or an invalid body.
type InvalidError struct {
	Parameters bool // otherwise the body
	Faults     *validate.Faults
}

func (*InvalidError) Error() string { return "the request breaks the contract" }

// ProblemOf returns what the client gets for err: a [*Problem] unchanged, the errors of this package in plain words, and
// otherwise a 500 that reveals nothing of err. It is the default of [Config.Problem].
func ProblemOf(err error) *Problem {
	var words Words
	return words.ProblemOf(err)
}

// ProblemOf is like the function [ProblemOf], with the words of w.
func (w *Words) ProblemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*InvalidError](err); ok {
		return w.ofInvalid(e)
	}
	if e, ok := errors.AsType[*MethodError](err); ok {
		return &Problem{
			Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed", Message: "The path does not have this method. It has: " + strings.Join(e.Allow, ", ") + ".",
			Header: []Field{{"Allow", strings.Join(e.Allow, ", ")}},
		}
	}
	if _, ok := errors.AsType[*NoRouteError](err); ok {
		return &Problem{Status: http.StatusNotFound, Code: CodeNotFound, Message: "No operation has this path."}
	}
	if p := ofMessage(err); p != nil {
		return p
	}
	return Internal(err)
}

// ofMessage returns the problem for the errors of package message, or nil.
func ofMessage(err error) *Problem {
	if e, ok := errors.AsType[*message.LimitError](err); ok {
		if e.Header {
			return &Problem{Status: http.StatusRequestHeaderFieldsTooLarge, Code: "RequestHeaderFieldsTooLarge", Message: fmt.Sprintf("The header fields must be at most %d bytes together.", e.Limit)}
		}
		return &Problem{Status: http.StatusRequestEntityTooLarge, Code: "PayloadTooLarge", Message: fmt.Sprintf("The body must be at most %d bytes, before and after decompression.", e.Limit)}
	}
	switch {
	case errors.Is(err, message.ErrMethod):
		return badRequest("The method must be a token (RFC 9110 §9.1).")
	case errors.Is(err, message.ErrTarget):
		return badRequest("The request target has a character that must be percent-encoded: a space, '#', or one beyond ASCII (RFC 3986 §2).")
	case errors.Is(err, message.ErrHost):
		return BadParameter("Host", "must be a host and maybe a port (RFC 3986 §3.2.2)")
	case errors.Is(err, message.ErrSlow):
		return SlowBody(err)
	case errors.Is(err, message.ErrNoRoom), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Unavailable(err)
	case errors.Is(err, message.ErrMalformed):
		return badRequest("The request body is cut off or malformed: send it whole, and as its Content-Encoding says.")
	}
	return nil
}

func badRequest(text string) *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: text}
}

// Internal is the problem of an unclassified error. Its text is only logged.
func Internal(err error) *Problem {
	return &Problem{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: "The server failed to answer the request.", Cause: err}
}

// Unavailable is the problem of a temporarily unavailable service.
func Unavailable(cause error) *Problem {
	return &Problem{
		Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable",
		Message: "The service is temporarily unavailable. Retry after the time that 'Retry-After' names.",
		Header:  []Field{{"Retry-After", "5"}}, Cause: cause,
	}
}

// BadParameter is the problem of a parameter or a header field; fault continues the sentence after its name.
func BadParameter(name, fault string) *Problem {
	return badRequest(fmt.Sprintf("The parameter '%s' %s.", name, fault))
}

// BadField is the problem of a header field, independent of a contract.
func BadField(name, keyword, fault string) *Problem {
	return BadParameter(name, fault).inField(name, keyword)
}

// inField adds the fault of a header field.
func (p *Problem) inField(name, keyword string) *Problem {
	p.Faults = []Fault{{In: "header", Name: name, Keyword: keyword, Message: p.Message}}
	return p
}

// SlowBody is the problem of a body that did not arrive in time (RFC 9110 §15.5.9).
func SlowBody(cause error) *Problem {
	return &Problem{
		Status: http.StatusRequestTimeout, Code: "RequestTimeout", Message: "The request body did not arrive in time. Nothing was changed.",
		Header: []Field{{"Connection", "close"}}, Cause: cause,
	}
}

// NotAcceptable is the problem of a client that accepts none of the response's media types.
func NotAcceptable(types []string) *Problem {
	p := &Problem{Status: http.StatusNotAcceptable, Code: "NotAcceptable", Message: "The response is " + strings.Join(types, " or ") + ", which the header 'Accept' does not cover."}
	return p.inField("Accept", "mediaType")
}

// UnsupportedMediaType is the problem of a wrong media type. It lists the accepted ones: for PATCH in Accept-Patch (RFC 5789
// §2.2), for POST in Accept-Post, otherwise in Accept (RFC 9110 §15.5.16).
func UnsupportedMediaType(method string, bodyTypes []string) *Problem {
	types := strings.Join(bodyTypes, ", ")
	name := "Accept"
	switch method {
	case http.MethodPatch:
		name = "Accept-Patch"
	case http.MethodPost:
		name = "Accept-Post"
	}
	p := &Problem{
		Status: http.StatusUnsupportedMediaType, Code: "UnsupportedMediaType",
		Message: "The header 'Content-Type' must name one of: " + types + ", in UTF-8.",
		Header:  []Field{{name, types}},
	}
	return p.inField("Content-Type", "mediaType")
}

// UnsupportedEncoding is the problem of an unknown Content-Encoding.
func UnsupportedEncoding() *Problem {
	p := &Problem{
		Status: http.StatusUnsupportedMediaType, Code: "UnsupportedMediaType",
		Message: "The header 'Content-Encoding' must be gzip, identity or absent.",
		Header:  []Field{{"Accept-Encoding", "gzip"}},
	}
	return p.inField("Content-Encoding", "encoding")
}

// CheckEncoding returns the problem of an unsupported Content-Encoding, or nil.
func CheckEncoding(encoding string) error {
	switch strings.ToLower(encoding) {
	case "", "identity", "gzip":
		return nil
	}
	return UnsupportedEncoding()
}
