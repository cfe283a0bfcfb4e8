package client

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
)

// The reasons for which a server refuses a call, for errors.Is. A method that returns one of them has changed nothing.
var (
	ErrInvalid              error = sentinel(http.StatusBadRequest)
	ErrUnauthorized         error = sentinel(http.StatusUnauthorized)
	ErrForbidden            error = sentinel(http.StatusForbidden)
	ErrNotFound             error = sentinel(http.StatusNotFound)
	ErrPreconditionFailed   error = sentinel(http.StatusPreconditionFailed)
	ErrPreconditionRequired error = sentinel(http.StatusPreconditionRequired)
	ErrThrottled            error = sentinel(http.StatusTooManyRequests)
	ErrUnavailable          error = sentinel(http.StatusServiceUnavailable)
)

// ErrNoAPI means that the base URL is wrong: the server does not have the path, or it is a different server. Such an error
// is neither ErrNotFound, which means a missing object, nor ErrInvalid.
var ErrNoAPI = errors.New("the base URL is not that of the API: it must end with the base path, such as /beta")

// ErrApplied means that the change was applied, that the response had no object, and that reading the object failed.
var ErrApplied = errors.New("the change was applied, but the object could not be read afterwards")

// ErrNoTag means that the server sends no entity tags. Without them Update could overwrite the changes of other clients.
var ErrNoTag = errors.New("the server sends no entity tag: without one, an update can overwrite the changes of others")

// ErrNotModified is the error of [Client.Get] if the object has the tag of IfNoneMatch.
var ErrNotModified error = sentinel(http.StatusNotModified)

// ErrUnknownOutcome means that the change was applied once or not at all: read the object to find out. Its chain may also
// have an *[Error] (500, 502, 504) or the error of the connection, but never one of the sentinels above.
var ErrUnknownOutcome = errors.New("the outcome is unknown: the change was applied once or not at all")

type sentinel int

func (s sentinel) Error() string { return http.StatusText(int(s)) }

// Error is a response that is not a success.
type Error struct {
	Status     int                  // the HTTP status
	Code       string               // the code of the Graph error; empty if the response has none
	Message    string               // the message of the Graph error
	Details    []pfxapi.ErrorDetail // the faults of the body, with JSON Pointers
	RequestID  string               // identifies the request in the server's logs
	RetryAfter time.Duration        // the wait before the next try; 0 if the server did not state one
	NoAPI      bool                 // the error is ErrNoAPI
}

func (e *Error) Error() string {
	text := strconv.Itoa(e.Status)
	if e.Code != "" {
		text += " " + e.Code
	}
	text += ": " + e.Message
	if e.RequestID != "" {
		text += " (request-id " + e.RequestID + ")"
	}
	if e.NoAPI {
		text += "; " + ErrNoAPI.Error()
	}
	return text
}

// Is reports whether target is ErrNoAPI, if e is, or the sentinel of the status.
func (e *Error) Is(target error) bool {
	if e.NoAPI {
		return target == ErrNoAPI
	}
	return target == sentinel(e.Status)
}

// newError reads an error response. If the body is not a Graph error, it takes the members that it can.
func newError(a *response) *Error {
	e := &Error{Status: a.status, Message: http.StatusText(a.status), RequestID: a.header.Get("request-id"), RetryAfter: a.retryAfter()}
	if a.status >= 300 && a.status <= 399 && a.status != http.StatusNotModified {
		e.Message = "The server redirects, which is not followed: check the base URL."
	}
	if a.isJSON() && utf8.Valid(a.body) {
		e.readGraph(memberOf(a.body, "error"))
	}
	e.NoAPI = e.isNoAPI(a.listed)
	return e
}

// readGraph sets the fields from the member error of a Graph error. It ignores members of the wrong type.
func (e *Error) readGraph(graph []byte) {
	e.Code = textOf(memberOf(graph, "code"))
	e.Message = cmp.Or(textOf(memberOf(graph, "message")), e.Message)
	var details []json.RawMessage
	if json.Unmarshal(memberOf(graph, "details"), &details) != nil {
		return
	}
	for _, d := range details {
		if detail, ok := detailOf(d); ok {
			e.Details = append(e.Details, detail)
		}
	}
}

func detailOf(object json.RawMessage) (pfxapi.ErrorDetail, bool) {
	var texts [3]string
	for i, name := range []string{"code", "message", "target"} {
		value := memberOf(object, name)
		if len(value) == 0 || value[0] != '"' || json.Unmarshal(value, &texts[i]) != nil {
			return pfxapi.ErrorDetail{}, false
		}
	}
	return pfxapi.ErrorDetail{Code: texts[0], Message: texts[1], Target: texts[2]}, true
}

// noSegment is the start of Microsoft Graph's message for an unknown path.
const noSegment = "Resource not found for the segment "

// isNoAPI reports whether the response says that the path does not exist. Only Graph's own 404 for an object's URL says that
// the object does not exist.
func (e *Error) isNoAPI(listed bool) bool {
	switch e.Status {
	case http.StatusNotFound:
		return listed || e.Code == "" || e.Code == "InvalidVersion"
	case http.StatusBadRequest:
		return strings.HasPrefix(e.Message, noSegment)
	}
	return false
}

// maxRetryAfter limits the wait that a server can ask for.
const maxRetryAfter = math.MaxInt32 * time.Second

// retryAfter reads Retry-After, a number of seconds or a date (RFC 9110 §10.2.3). A date is relative to Date, the server's
// clock.
func (a *response) retryAfter() time.Duration {
	value := a.field("Retry-After")
	if value != "" && strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return maxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(a.field("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(0, at.Sub(now)), maxRetryAfter)
}
