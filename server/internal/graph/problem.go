package graph

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

// Problem is a refusal in the words that the caller gets.
type Problem struct {
	Status  int
	Code    string
	Message string
	Details []pfxapi.ErrorDetail
	Faults  []Fault // the broken rules, for forms that have a place for them; Graph's has Details
	Header  []Field
	Cause   error // for the log only
}

// Fault is one broken rule. It never holds the caller's value.
type Fault struct {
	In      string // "" for a body, else path, query or header
	Pointer string // of the member (RFC 6901)
	Name    string // of the member or the parameter
	Keyword string
	Message string
}

// Field is a header field whose name goes out in the letter case it has here.
type Field struct{ Name, Value string }

func (p *Problem) Error() string { return p.Message }

// The codes of Microsoft Graph errors.
const (
	CodeBadRequest      = "BadRequest"
	CodeModelValidation = "ModelValidationFailure"
	CodeInvalidToken    = "InvalidAuthenticationToken"
	CodeForbidden       = "Forbidden"
	CodeNotFound        = "ResourceNotFound"
	CodePrecondition    = "PreconditionFailed"
	CodeInvalidVersion  = "InvalidVersion"
)

// Internal is the problem of an error that nobody classified.
func Internal(err error) *Problem {
	return &Problem{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: "The server failed to answer the request.", Cause: err}
}

// Unavailable is the problem of a service that will be back.
func Unavailable(cause error) *Problem {
	return &Problem{
		Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable",
		Message: "The service is temporarily unavailable. Retry after the time that 'Retry-After' names.",
		Header:  []Field{{"Retry-After", "5"}}, Cause: cause,
	}
}

// Refusal is the problem that has a status for which the caller is not to blame.
func Refusal(status int, retryAfter time.Duration) *Problem {
	p := Internal(nil)
	switch status {
	case http.StatusPreconditionFailed:
		return &Problem{Status: status, Code: CodePrecondition, Message: "The object has changed. Read it again and retry."}
	case http.StatusTooManyRequests:
		p = &Problem{Status: status, Code: "TooManyRequests", Message: "Too many requests. Retry after the time that 'Retry-After' names."}
	case http.StatusServiceUnavailable:
		p = Unavailable(nil)
	}
	p.Header = nil
	if seconds := int64(retryAfter / time.Second); seconds > 0 {
		p.Header = []Field{{"Retry-After", strconv.FormatInt(seconds, 10)}}
	}
	return p
}

// OfToken answers with a challenge (RFC 6750 §3); a request without a token gets no error code (§3.1). Every value
// is quoted: Microsoft's Go client panics on one that is not.
func OfToken(e *auth.Error) *Problem {
	if e.Reason == auth.Unavailable {
		return Unavailable(e)
	}
	challenge := `Bearer realm="pfxrecryption"`
	if e.Reason != auth.Missing {
		challenge += `, error="invalid_token", error_description=` + quoted(e.Msg)
	}
	return &Problem{
		Status: http.StatusUnauthorized, Code: CodeInvalidToken, Message: e.Msg,
		Header: []Field{{"WWW-Authenticate", challenge}}, Cause: e.Err,
	}
}

// quoted returns s as an HTTP quoted-string (RFC 9110 §5.6.4) without characters that a challenge cannot hold.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`"`, "'", `\`, "/").Replace(s) + `"`
}

// Forbidden is the problem of a token that grants no alternative: all scopes of one are needed.
func Forbidden(alternatives [][]string) *Problem {
	var words, scope []string
	for _, scopes := range alternatives {
		words = append(words, strings.Join(scopes, " and "))
		if len(scopes) == 1 || len(scope) == 0 { // the field has no word for both
			scope = append(scope, scopes...)
		}
	}
	return &Problem{
		Status: http.StatusForbidden, Code: CodeForbidden,
		Message: "Application must have one of the following scopes: " + strings.Join(words, ", "),
		Header:  []Field{{"WWW-Authenticate", `Bearer realm="pfxrecryption", error="insufficient_scope", scope=` + quoted(strings.Join(scope, " "))}},
	}
}

// Challenge says which credentials are accepted. In and Name are where a key is.
type Challenge struct{ Scheme, In, Name string }

func (c Challenge) String() string {
	text := c.Scheme + ` realm="pfxrecryption"`
	if c.Name != "" {
		text += ", in=" + quoted(c.In) + ", name=" + quoted(c.Name)
	}
	return text
}

// Unauthenticated is the problem of a request without the credentials that it needs (RFC 9110 §15.5.2).
func Unauthenticated(accepted []Challenge) *Problem {
	challenges := make([]string, len(accepted))
	for i, c := range accepted {
		challenges[i] = c.String()
	}
	return &Problem{
		Status: http.StatusUnauthorized, Code: CodeInvalidToken,
		Message: "Credentials are missing, or not all of those that the operation needs together.",
		Header:  []Field{{"WWW-Authenticate", strings.Join(challenges, ", ")}},
	}
}

// PersonalAccount is the problem of a personal Microsoft account.
func PersonalAccount() *Problem {
	return &Problem{Status: http.StatusForbidden, Code: CodeForbidden, Message: "Personal Microsoft accounts are not supported. Use a work or school account."}
}

// Unlicensed is the problem of a tenant without an Intune licence.
func Unlicensed() *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: "Request not applicable to target tenant."}
}

// NotAcceptable is the problem of a caller who would not take JSON.
func NotAcceptable() *Problem {
	p := &Problem{Status: http.StatusNotAcceptable, Code: "NotAcceptable", Message: "The answer is application/json, which the header 'Accept' does not cover."}
	return p.inField("Accept", "mediaType")
}

// UnsupportedMediaType names the media types that the operation takes: for PATCH in the field that OPTIONS has too
// (RFC 5789 §2.2), for others in Accept (RFC 9110 §15.5.16).
func UnsupportedMediaType(method string, bodyTypes []string) *Problem {
	types := strings.Join(bodyTypes, ", ")
	name := "Accept"
	if method == http.MethodPatch {
		name = "Accept-Patch"
	}
	p := &Problem{
		Status: http.StatusUnsupportedMediaType, Code: "UnsupportedMediaType",
		Message: "The header 'Content-Type' must name one of: " + types + ", in UTF-8.",
		Header:  []Field{{name, types}},
	}
	return p.inField("Content-Type", "mediaType")
}

// UnsupportedEncoding is the problem of a Content-Encoding that is not known.
func UnsupportedEncoding() *Problem {
	p := &Problem{
		Status: http.StatusUnsupportedMediaType, Code: "UnsupportedMediaType",
		Message: "The header 'Content-Encoding' must be gzip, identity or absent.",
		Header:  []Field{{"Accept-Encoding", "gzip"}},
	}
	return p.inField("Content-Encoding", "encoding")
}

// PayloadTooLarge is the problem of a body above limit bytes.
func PayloadTooLarge(limit int64) *Problem {
	return &Problem{Status: http.StatusRequestEntityTooLarge, Code: "PayloadTooLarge", Message: fmt.Sprintf("The body must be at most %d bytes, before and after decompression.", limit)}
}

// HeaderTooLarge is the problem of header fields above limit bytes.
func HeaderTooLarge(limit int) *Problem {
	return &Problem{Status: http.StatusRequestHeaderFieldsTooLarge, Code: "RequestHeaderFieldsTooLarge", Message: fmt.Sprintf("The header fields must be at most %d bytes together.", limit)}
}

// BadParameter is the problem of a parameter or a header field.
func BadParameter(name, fault string) *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: fmt.Sprintf("The parameter '%s' %s.", name, fault)}
}

// BadField is the problem of a header field, whatever a contract says of it.
func BadField(name, keyword, fault string) *Problem {
	return BadParameter(name, fault).inField(name, keyword)
}

// inField names the header field that is at fault.
func (p *Problem) inField(name, keyword string) *Problem {
	p.Faults = []Fault{{In: "header", Name: name, Keyword: keyword, Message: p.Message}}
	return p
}

// MalformedBody is the problem of a body that is not JSON.
func MalformedBody(cause error) *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: "Unable to read JSON request payload. Send one JSON object in UTF-8, no member twice, nothing after it.", Cause: cause}
}

// SlowBody is the problem of a body that did not come in time (RFC 9110 §15.5.9).
func SlowBody(cause error) *Problem {
	return &Problem{
		Status: http.StatusRequestTimeout, Code: "RequestTimeout", Message: "The request body did not arrive in time. Nothing was changed.",
		Header: []Field{{"Connection", "close"}}, Cause: cause,
	}
}

// EmptyBody is the problem of a body that is not there.
func EmptyBody() *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: "Empty Payload. JSON content expected."}
}

// UnexpectedBody is the problem of a body where the operation has none.
func UnexpectedBody() *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: "The operation takes no request body."}
}

// NoRoute is the problem of a path that no operation has.
func NoRoute() *Problem {
	return &Problem{Status: http.StatusNotFound, Code: CodeNotFound, Message: "Resource not found: no operation has this path."}
}

// maxShown bounds what a message repeats of a path.
const maxShown = 128

// NoPath is the problem of an escaped path that the API does not have, in Microsoft Graph's words: outside of the base
// path 404, below it 400. Neither can be taken for an object that does not exist.
func NoPath(escaped string) *Problem {
	rest, below := strings.CutPrefix(escaped, BasePath)
	if !below || rest != "" && rest[0] != '/' {
		version, _, _ := strings.Cut(strings.TrimPrefix(escaped, "/"), "/")
		return &Problem{Status: http.StatusNotFound, Code: CodeInvalidVersion, Message: "Invalid version: " + shown(version)}
	}
	segment := shown(unknownSegment(strings.Split(strings.TrimPrefix(rest, "/"), "/")))
	return &Problem{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: "Resource not found for the segment '" + segment + "'."}
}

func shown(escaped string) string { return escaped[:min(len(escaped), maxShown)] }

// unknownSegment returns the first segment of a path below the base path that no operation has there.
func unknownSegment(segments []string) string {
	for i, s := range segments {
		begins := func(op *validate.Operation) bool { return hasPrefix(op.Path, segments[:i+1]) }
		if !slices.ContainsFunc(pfxvalid.Operations, begins) {
			return s
		}
	}
	return segments[len(segments)-1]
}

// hasPrefix reports whether a path of the template can begin with the segments.
func hasPrefix(template string, segments []string) bool {
	literals := strings.Split(strings.TrimPrefix(template, "/"), "/")
	if len(segments) > len(literals) {
		return false
	}
	for i, s := range segments {
		if literals[i] != s && (literals[i][0] != '{' || s == "") {
			return false
		}
	}
	return true
}

// MethodNotAllowed is the problem of a path whose operations have other methods. The answer needs Allow.
func MethodNotAllowed() *Problem {
	return &Problem{Status: http.StatusMethodNotAllowed, Code: "Request_BadRequest", Message: "Specified HTTP method is not allowed for the request target."}
}

// Append appends the error in the form of every Microsoft Graph error.
func (p *Problem) Append(buf []byte, of *Identity) []byte {
	var e pfxapi.Error
	e.Error.Code, e.Error.Message, e.Error.Details = p.Code, p.Message, p.Details
	e.Error.InnerError = pfxapi.InnerError{
		Date:            of.Start.UTC().Format("2006-01-02T15:04:05"),
		RequestID:       of.RequestID,
		ClientRequestID: of.ClientRequestID,
	}
	return pfxvalid.AppendError(buf, &e)
}
