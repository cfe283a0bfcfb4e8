package graph

import (
	"errors"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// MaxHeader is the default length of all header fields together in bytes: names, values, and four bytes for each line.
const MaxHeader = 16 << 10

// LimitHeader refuses header fields that are longer than limit together.
func LimitHeader(h http.Header, limit int) error { return worded(message.LimitHeader(h, limit)) }

// CheckTarget refuses a request line that HTTP does not allow but net/http lets through.
func CheckTarget(r *http.Request) error { return worded(message.CheckTarget(r)) }

// worded returns the problem of an error of package message.
func worded(err error) error {
	if err == nil {
		return nil
	}
	return strict.ProblemOf(err)
}

// Body is the body of one request. Its zero value is none.
type Body struct{ message.Body }

// Read reads the body of a request, at most limit bytes before and after decompression, or returns a [*Problem]. Release must
// follow.
func (b *Body) Read(r *http.Request, limit int64) error {
	err := b.Body.Read(r, limit)
	if errors.Is(err, message.ErrMalformed) {
		return MalformedBody(err)
	}
	return worded(err)
}

// What package message has.
var (
	EndsConnection = message.EndsConnection
	Method         = message.Method
	NewBuffer      = message.NewBuffer
	FreeBuffer     = message.FreeBuffer
)

// Budget bounds the bytes of many bodies together.
type Budget = message.Budget
