package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

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

// ErrNotModified is what [Client.Get] returns if the object still has the tag of IfNoneMatch.
var ErrNotModified error = sentinel(http.StatusNotModified)

// ErrUnknownOutcome means that the change was applied once or not at all, and that nobody knows: read the object to find
// out. A chain that has it may have an *[Error] (500, 502, 504) or the error of the connection, too, but never one of
// the sentinels of refusals.
var ErrUnknownOutcome = errors.New("the outcome is unknown: the change was applied once or not at all")

type sentinel int

func (s sentinel) Error() string { return http.StatusText(int(s)) }

// Error is an answer that is no success.
type Error struct {
	Status     int                  // the HTTP status
	Code       string               // the Graph error's code; empty if the answer was none
	Message    string               // the Graph error's message
	Details    []pfxapi.ErrorDetail // the faults of the body, with JSON Pointers
	RequestID  string               // by which the server finds the request in its logs
	RetryAfter time.Duration        // how long to wait before the next try; 0 if the server did not say
}

func (e *Error) Error() string {
	return fmt.Sprintf("%d %s: %s (request-id %s)", e.Status, e.Code, e.Message, e.RequestID)
}

// Is reports whether target is the sentinel of e's status.
func (e *Error) Is(target error) bool { return target == sentinel(e.Status) }

// newError reads the answer a. It takes what it can from a body that is no Graph error.
func newError(a *answer) *Error {
	e := &Error{Status: a.status, Message: http.StatusText(a.status), RequestID: a.header.Get("request-id"), RetryAfter: retryAfter(a.header)}
	var graph pfxapi.Error
	if a.isJSON() && json.Unmarshal(a.body, &graph) == nil && graph.Error.Code != "" {
		e.Code, e.Message, e.Details = graph.Error.Code, graph.Error.Message, graph.Error.Details
	}
	return e
}

// retryAfter reads Retry-After, a number of seconds or a date (RFC 9110 §10.2.3).
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
