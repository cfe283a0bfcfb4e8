package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
)

// What a server can refuse for, for errors.Is.
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

func newError(resp *http.Response, body []byte, isJSON bool) error {
	e := &Error{Status: resp.StatusCode, Message: http.StatusText(resp.StatusCode), RequestID: resp.Header.Get("request-id")}
	if seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(resp.Header.Get("Retry-After")); err == nil {
		e.RetryAfter = max(0, time.Until(at))
	}
	var graph pfxapi.Error
	if isJSON && json.Unmarshal(body, &graph) == nil && graph.Error.Code != "" {
		e.Code, e.Message, e.Details = graph.Error.Code, graph.Error.Message, graph.Error.Details
	}
	return e
}
