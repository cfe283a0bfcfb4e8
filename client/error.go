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

// What a server can refuse for, for errors.Is. A method that changes something has changed nothing if it returns one of
// them.
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

// ErrNoAPI means that the base URL is not that of the API: the server knows no such path, or it is another server. It is
// neither ErrNotFound, which means that an object does not exist, nor ErrInvalid.
var ErrNoAPI = errors.New("the base URL is not that of the API: it must end with the base path, such as /beta")

// ErrApplied means that the server has applied the change without returning the object, and that reading the object
// afterwards failed.
var ErrApplied = errors.New("the change was applied, but the object could not be read afterwards")

// ErrNoTag means that the server sends no entity tags, without which Update could overwrite the changes of others.
var ErrNoTag = errors.New("the server sends no entity tag: without one, an update can overwrite the changes of others")

// ErrNotModified is what [Client.Get] returns if the object still has the tag of IfNoneMatch.
var ErrNotModified error = sentinel(http.StatusNotModified)

// ErrUnknownOutcome means that the change was applied once or not at all, and that nobody knows: read the object to find
// out. A chain that has it may have an *[Error] (500, 502, 504) or the error of the connection, too, but never one of
// the sentinels of refusals.
var ErrUnknownOutcome = errors.New("the outcome is unknown: the change was applied once or not at all")

type sentinel int

func (s sentinel) Error() string { return http.StatusText(int(s)) }

// Error is a response that is no success.
type Error struct {
	Status     int                  // the HTTP status
	Code       string               // the Graph error's code; empty if the response has none
	Message    string               // the Graph error's message
	Details    []pfxapi.ErrorDetail // the faults of the body, with JSON Pointers
	RequestID  string               // by which the server finds the request in its logs
	RetryAfter time.Duration        // how long to wait before the next try; 0 if the server did not say
	NoAPI      bool                 // it is ErrNoAPI
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

// Is reports whether target is ErrNoAPI, for an e that is, or the sentinel of e's status.
func (e *Error) Is(target error) bool {
	if e.NoAPI {
		return target == ErrNoAPI
	}
	return target == sentinel(e.Status)
}

// newError reads the response a. It takes what it can from a body that is no Graph error.
func newError(a *answer) *Error {
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

// readGraph takes what is of its type from the member error of a Graph error.
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

// noSegment begins Microsoft Graph's message for a path that it does not know.
const noSegment = "Resource not found for the segment "

// isNoAPI reports whether the response says that the path does not exist. Only Graph's own 404 at the address of an
// object says that the object does not exist.
func (e *Error) isNoAPI(listed bool) bool {
	switch e.Status {
	case http.StatusNotFound:
		return listed || e.Code == "" || e.Code == "InvalidVersion"
	case http.StatusBadRequest:
		return strings.HasPrefix(e.Message, noSegment)
	}
	return false
}

// maxRetryAfter bounds what a server can ask for.
const maxRetryAfter = math.MaxInt32 * time.Second

// retryAfter reads Retry-After, a number of seconds or a date (RFC 9110 §10.2.3). The date is of the server's clock, which
// Date tells.
func (a *answer) retryAfter() time.Duration {
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
