package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxserver"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// problem is a refusal in the words that the caller gets. Its zero value is no problem at all; an error that nobody
// classified becomes internalProblem.
type problem struct {
	status  int
	code    string
	message string
	details []pfxapi.ErrorDetail
	header  []field
	cause   error // for the log only
}

// field is a header field whose name goes out in the letter case it has here.
type field struct{ name, value string }

func (p *problem) Error() string { return p.message }

// The codes of Microsoft Graph errors.
const (
	codeBadRequest      = "BadRequest"
	codeModelValidation = "ModelValidationFailure"
	codeInvalidToken    = "InvalidAuthenticationToken"
	codeForbidden       = "Forbidden"
	codeNotFound        = "ResourceNotFound"
	codePrecondition    = "PreconditionFailed"
)

// problemOf turns err into what the caller sees. Only here does an error become a status, and only a problem, a
// *pfx.Error, an *auth.Error and the faults of parameters have words meant for a caller.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*pfx.Error](err); ok {
		return domainProblem(e)
	}
	if e, ok := errors.AsType[*auth.Error](err); ok {
		return tokenProblem(e)
	}
	if e, ok := errors.AsType[*pfxserver.ParameterError](err); ok {
		return parameterProblem(e.Faults)
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		return routingProblem(e)
	}
	return internalProblem(err)
}

func internalProblem(err error) *problem {
	return &problem{status: http.StatusInternalServerError, code: "InternalServerError", message: "The server failed to answer the request.", cause: err}
}

// domainProblem maps the kinds of pfx errors. A kind that is missing here is internal.
func domainProblem(e *pfx.Error) *problem {
	p := &problem{message: e.Msg, cause: e.Err}
	switch e.Kind {
	case pfx.Invalid:
		p.status, p.code = http.StatusBadRequest, codeModelValidation
	case pfx.Denied:
		p.status, p.code = http.StatusForbidden, codeForbidden
	case pfx.NotFound:
		p.status, p.code = http.StatusNotFound, codeNotFound
	case pfx.Exists, pfx.PreconditionFailed:
		p.status, p.code = http.StatusPreconditionFailed, codePrecondition
	case pfx.PreconditionRequired:
		p.status, p.code = http.StatusPreconditionRequired, "PreconditionRequired"
	case pfx.Unavailable:
		return unavailable(e)
	default:
		return internalProblem(e)
	}
	for _, d := range e.Details {
		p.details = append(p.details, pfxapi.ErrorDetail{Code: p.code, Message: d.Msg, Target: "/" + d.Member})
	}
	return p
}

func unavailable(cause error) *problem {
	return &problem{
		status: http.StatusServiceUnavailable, code: "ServiceUnavailable",
		message: "The service is temporarily unavailable. Retry after the time that 'Retry-After' names.",
		header:  []field{{"Retry-After", "5"}}, cause: cause,
	}
}

// refusal is the problem that has a status for which the caller is not to blame.
func refusal(status int, retryAfter time.Duration) *problem {
	p := internalProblem(nil)
	switch status {
	case http.StatusPreconditionFailed:
		return &problem{status: status, code: codePrecondition, message: "The object has changed. Read it again and retry."}
	case http.StatusTooManyRequests:
		p = &problem{status: status, code: "TooManyRequests", message: "Too many requests. Retry after the time that 'Retry-After' names."}
	case http.StatusServiceUnavailable:
		p = unavailable(nil)
	}
	p.header = nil
	if seconds := int64(retryAfter / time.Second); seconds > 0 {
		p.header = []field{{"Retry-After", strconv.FormatInt(seconds, 10)}}
	}
	return p
}

// tokenProblem answers with a challenge (RFC 6750 §3); a request without a token gets no error code (§3.1). Every value
// is quoted: Microsoft's Go client panics on one that is not.
func tokenProblem(e *auth.Error) *problem {
	if e.Reason == auth.Unavailable {
		return unavailable(e)
	}
	challenge := `Bearer realm="pfxrecryption"`
	if e.Reason != auth.Missing {
		challenge += `, error="invalid_token", error_description=` + quoted(e.Msg)
	}
	return &problem{
		status: http.StatusUnauthorized, code: codeInvalidToken, message: e.Msg,
		header: []field{{"WWW-Authenticate", challenge}}, cause: e.Err,
	}
}

// quoted returns s as an HTTP quoted-string (RFC 9110 §5.6.4) without characters that a challenge cannot hold.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`"`, "'", `\`, "/").Replace(s) + `"`
}

func forbidden(permissions []string) *problem {
	scope := strings.Join(permissions, " ")
	return &problem{
		status: http.StatusForbidden, code: codeForbidden,
		message: "Application must have one of the following scopes: " + strings.Join(permissions, ", "),
		header:  []field{{"WWW-Authenticate", `Bearer realm="pfxrecryption", error="insufficient_scope", scope=` + quoted(scope)}},
	}
}

func personalAccount() *problem {
	return &problem{status: http.StatusForbidden, code: codeForbidden, message: "Personal Microsoft accounts are not supported. Use a work or school account."}
}

func unlicensed() *problem {
	return &problem{status: http.StatusBadRequest, code: codeBadRequest, message: "Request not applicable to target tenant."}
}

func notAcceptable() *problem {
	return &problem{status: http.StatusNotAcceptable, code: "NotAcceptable", message: "The answer is application/json, which the header 'Accept' does not cover."}
}

// unsupportedMediaType names the media types that the operation takes: for PATCH in the field that OPTIONS has too
// (RFC 5789 §2.2), for others in Accept (RFC 9110 §15.5.16).
func unsupportedMediaType(method string, bodyTypes []string) *problem {
	types := strings.Join(bodyTypes, ", ")
	name := "Accept"
	if method == http.MethodPatch {
		name = "Accept-Patch"
	}
	return &problem{
		status: http.StatusUnsupportedMediaType, code: "UnsupportedMediaType",
		message: "The header 'Content-Type' must name one of: " + types + ", in UTF-8.",
		header:  []field{{name, types}},
	}
}

func unsupportedEncoding() *problem {
	return &problem{
		status: http.StatusUnsupportedMediaType, code: "UnsupportedMediaType",
		message: "The header 'Content-Encoding' must be gzip, identity or absent.",
		header:  []field{{"Accept-Encoding", "gzip"}},
	}
}

func payloadTooLarge() *problem {
	return &problem{status: http.StatusRequestEntityTooLarge, code: "PayloadTooLarge", message: fmt.Sprintf("The body must be at most %d bytes, before and after decompression.", maxBody)}
}

func headerTooLarge() *problem {
	return &problem{status: http.StatusRequestHeaderFieldsTooLarge, code: "RequestHeaderFieldsTooLarge", message: fmt.Sprintf("The header fields must be at most %d bytes together.", maxHeader)}
}

func badParameter(name, fault string) *problem {
	return &problem{status: http.StatusBadRequest, code: codeBadRequest, message: fmt.Sprintf("The parameter '%s' %s.", name, fault)}
}

func malformedBody(cause error) *problem {
	return &problem{status: http.StatusBadRequest, code: codeBadRequest, message: "Unable to read JSON request payload. Send one JSON object in UTF-8, no member twice, nothing after it.", cause: cause}
}

// routingProblem words what echo's router refuses.
func routingProblem(e *echo.HTTPError) *problem {
	switch e.Code {
	case http.StatusNotFound:
		return &problem{status: e.Code, code: codeNotFound, message: "Resource not found: no operation has this path."}
	case http.StatusMethodNotAllowed:
		return &problem{status: e.Code, code: "Request_BadRequest", message: "Specified HTTP method is not allowed for the request target."}
	}
	return internalProblem(e)
}

// append appends the error in the form of every Microsoft Graph error.
func (p *problem) append(buf []byte, of *exchange) []byte {
	var e pfxapi.Error
	e.Error.Code, e.Error.Message, e.Error.Details = p.code, p.message, p.details
	e.Error.InnerError = pfxapi.InnerError{
		Date:            of.start.UTC().Format("2006-01-02T15:04:05"),
		RequestID:       of.requestID,
		ClientRequestID: of.clientRequestID,
	}
	return pfxvalid.AppendError(buf, &e)
}
