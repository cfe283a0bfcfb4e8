// Package store holds the errors that the stores share. Each store has its own package below this one.
package store

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// Unavailable returns the error of a store that cannot be used at the moment. msg says whether anything was changed.
func Unavailable(msg string, cause error) error {
	return &pfx.Error{Kind: pfx.Unavailable, Msg: msg, Err: cause}
}

// ClosedError returns the error of a call after Close. It wraps [os.ErrClosed].
func ClosedError() error {
	return Unavailable("The store is closed: try again later.", os.ErrClosed)
}

// GivenUpError returns the error of a call whose ctx ended before the store began with it. It wraps the cause of that.
func GivenUpError(ctx context.Context) error {
	return Unavailable("The request was given up before the store took it: nothing was changed.", context.Cause(ctx))
}

// InternalError returns an error that hides its cause from the client.
func InternalError(cause error) error {
	return &pfx.Error{Kind: pfx.Internal, Msg: "Internal error.", Err: cause}
}

// ExistsError returns the error of an Insert whose key is taken.
func ExistsError() error {
	return &pfx.Error{Kind: pfx.Exists, Msg: "The tenant has an object with this key already."}
}

// Guard runs the function of an update or a deletion. It turns a panic into an InternalError, so that the panic ends this
// one call and neither the writer nor the other updates of the batch. The error wraps a panic value that is an error.
func Guard(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = InternalError(&panicError{p, debug.Stack()})
		}
	}()
	return fn()
}

// panicError is the value that the function of an update panicked with, and the stack.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("panic in an update: %v\n%s", e.value, e.stack)
}

// Unwrap returns the value if it is an error.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}
