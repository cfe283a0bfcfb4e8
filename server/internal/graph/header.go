package graph

import (
	"errors"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// MaxHeader is the default for the total size of the header fields in bytes: names, values, and four bytes for each line.
const MaxHeader = 16 << 10

// LimitHeader returns an error if the header fields exceed limit bytes in total.
func LimitHeader(h http.Header, limit int) error { return worded(message.LimitHeader(h, limit)) }

// CheckTarget returns an error for a request line that net/http accepts but HTTP does not allow.
func CheckTarget(r *http.Request) error { return worded(message.CheckTarget(r)) }

// worded returns the problem for an error of package message.
func worded(err error) error {
	if err == nil {
		return nil
	}
	return strict.ProblemOf(err)
}

// Body is the body of one request. The zero value is empty.
type Body struct{ message.Body }

// Read reads the body of a request, at most limit bytes before and after decompression, or returns a [*Problem]. The caller
// must call Release.
func (b *Body) Read(r *http.Request, limit int64) error {
	err := b.Body.Read(r, limit)
	if errors.Is(err, message.ErrMalformed) {
		return MalformedBody(err)
	}
	return worded(err)
}

// Names of package message.
var (
	EndsConnection = message.EndsConnection
	Method         = message.Method
	NewBuffer      = message.NewBuffer
	FreeBuffer     = message.FreeBuffer
)

// Budget bounds the bytes of many bodies together.
type Budget = message.Budget
