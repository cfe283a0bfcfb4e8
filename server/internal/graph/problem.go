package graph

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// Problem is a refusal in the words that the client gets.
type (
	Problem = strict.Problem
	Fault   = strict.Fault
	Field   = strict.Field
)

// Problems with the words of package strict.
var (
	Internal      = strict.Internal
	Unavailable   = strict.Unavailable
	BadParameter  = strict.BadParameter
	BadField      = strict.BadField
	SlowBody      = strict.SlowBody
	CheckEncoding = strict.CheckEncoding
)

// The codes of Microsoft Graph errors.
const (
	CodeBadRequest      = strict.CodeBadRequest
	CodeModelValidation = strict.CodeModelValidation
	CodeInvalidToken    = "InvalidAuthenticationToken"
	CodeForbidden       = "Forbidden"
	CodeNotFound        = "ResourceNotFound"
	CodePrecondition    = "PreconditionFailed"
	CodeInvalidVersion  = "InvalidVersion"
)

// OfRefusal returns the problem for an error of package strict, or for any other error.
func OfRefusal(err error) *Problem {
	if e, ok := errors.AsType[*strict.InvalidError](err); ok {
		if e.Parameters {
			return OfParameter(e.Faults)
		}
		return OfBody(e.Faults)
	}
	if e, ok := errors.AsType[*strict.MethodError](err); ok {
		p := MethodNotAllowed()
		p.Header = []Field{{Name: "Allow", Value: strings.Join(optionsFirst(e.Allow), ", ")}}
		return p
	}
	if e, ok := errors.AsType[*strict.NoRouteError](err); ok {
		return NoPath(e.Path)
	}
	if errors.Is(err, message.ErrMalformed) {
		return MalformedBody(err)
	}
	return strict.ProblemOf(err)
}

// optionsFirst puts OPTIONS before other methods, as clients expect.
func optionsFirst(methods []string) []string {
	others := slices.DeleteFunc(slices.Clone(methods), func(m string) bool { return m == http.MethodOptions })
	return slices.Insert(others, 0, http.MethodOptions)
}

// Refusal returns the problem for 412, 429 or 503.
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
		p.Header = []Field{{Name: "Retry-After", Value: strconv.FormatInt(seconds, 10)}}
	}
	return p
}

// OfToken returns the problem with a challenge (RFC 6750 §3); without a token there is no error code (§3.1). Every value is
// quoted: Microsoft's Go client panics on one that is not.
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
		Header: []Field{{Name: "WWW-Authenticate", Value: challenge}}, Cause: e.Err,
	}
}

// quoted returns s as a quoted-string (RFC 9110 §5.6.4) without characters that a challenge must not contain.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`"`, "'", `\`, "/").Replace(s) + `"`
}

// Forbidden is the problem of a token that grants no alternative. An alternative needs all its scopes.
func Forbidden(alternatives [][]string) *Problem {
	var words, scope []string
	for _, scopes := range alternatives {
		words = append(words, strings.Join(scopes, " and "))
		if len(scopes) == 1 || len(scope) == 0 { // the field cannot express alternatives
			scope = append(scope, scopes...)
		}
	}
	return &Problem{
		Status: http.StatusForbidden, Code: CodeForbidden,
		Message: "Application must have one of the following scopes: " + strings.Join(words, ", "),
		Header:  []Field{{Name: "WWW-Authenticate", Value: `Bearer realm="pfxrecryption", error="insufficient_scope", scope=` + quoted(strings.Join(scope, " "))}},
	}
}

// Challenge is an accepted kind of credentials. In and Name say where a key is.
type Challenge struct{ Scheme, In, Name string }

func (c Challenge) String() string {
	text := c.Scheme + ` realm="pfxrecryption"`
	if c.Name != "" {
		text += ", in=" + quoted(c.In) + ", name=" + quoted(c.Name)
	}
	return text
}

// Unauthenticated is the problem of a request without the required credentials (RFC 9110 §15.5.2).
func Unauthenticated(accepted []Challenge) *Problem {
	challenges := make([]string, len(accepted))
	for i, c := range accepted {
		challenges[i] = c.String()
	}
	return &Problem{
		Status: http.StatusUnauthorized, Code: CodeInvalidToken,
		Message: "Credentials are missing, or not all of those that the operation needs together.",
		Header:  []Field{{Name: "WWW-Authenticate", Value: strings.Join(challenges, ", ")}},
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

// NotAcceptable is the problem of a client that does not accept JSON.
func NotAcceptable() *Problem {
	p := BadField("Accept", "mediaType", "")
	p.Status, p.Code, p.Message = http.StatusNotAcceptable, "NotAcceptable", "The answer is application/json, which the header 'Accept' does not cover."
	p.Faults[0].Message = p.Message
	return p
}

// UnsupportedMediaType lists the accepted media types; for POST they are in Accept.
func UnsupportedMediaType(method string, bodyTypes []string) *Problem {
	p := strict.UnsupportedMediaType(method, bodyTypes)
	if method == http.MethodPost {
		p.Header[0].Name = "Accept"
	}
	return p
}

// MalformedBody is the problem of a body that is not JSON.
func MalformedBody(cause error) *Problem {
	p := Entity.Malformed(false)
	p.Faults, p.Cause = nil, cause
	return p
}

// UnexpectedBody is the problem of a body for an operation without one.
func UnexpectedBody() *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: "The operation takes no request body."}
}

// NoRoute is the problem of a path that matches no operation.
func NoRoute() *Problem {
	return &Problem{Status: http.StatusNotFound, Code: CodeNotFound, Message: "Resource not found: no operation has this path."}
}

// Misdirected is the problem of a request for another server (RFC 9110 §15.5.20).
func Misdirected() *Problem {
	return &Problem{
		Status: http.StatusMisdirectedRequest, Code: "MisdirectedRequest",
		Message: "A development server answers only for names of loopback, such as localhost, and for that of --public-url.",
	}
}

// maxShown bounds how much of a path a message repeats.
const maxShown = 128

// NoPath is the problem of an escaped path that the API does not have, in Microsoft Graph's words: 404 outside the base
// path, 400 below it. Neither looks like a missing object.
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

// unknownSegment returns the first segment below the base path that no operation has.
func unknownSegment(segments []string) string {
	for i, s := range segments {
		begins := func(op *validate.Operation) bool { return hasPrefix(op.Path, segments[:i+1]) }
		if !slices.ContainsFunc(pfxvalid.Operations, begins) {
			return s
		}
	}
	return segments[len(segments)-1]
}

// hasPrefix reports whether a path of the template can start with the segments.
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

// MethodNotAllowed is the problem of a path without this method. The response needs Allow.
func MethodNotAllowed() *Problem {
	return &Problem{Status: http.StatusMethodNotAllowed, Code: "Request_BadRequest", Message: "Specified HTTP method is not allowed for the request target."}
}

// Append appends an error in Microsoft Graph's form.
func Append(buf []byte, p *Problem, of *Identity) []byte {
	var e pfxapi.Error
	e.Error.Code, e.Error.Message = p.Code, p.Message
	for i := range p.Faults {
		if f := &p.Faults[i]; p.Code == CodeModelValidation || f.In == "" && p.Code != CodeBadRequest {
			e.Error.Details = append(e.Error.Details, pfxapi.ErrorDetail{Code: p.Code, Message: f.Message, Target: f.Pointer})
		}
	}
	e.Error.InnerError = pfxapi.InnerError{
		Date:            of.Start.UTC().Format("2006-01-02T15:04:05"),
		RequestID:       of.RequestID,
		ClientRequestID: of.ClientRequestID,
	}
	return pfxvalid.AppendError(buf, &e)
}
