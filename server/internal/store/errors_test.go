package store_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
)

var errCause = errors.New("cause")

func TestErrorsHaveAKindAndWrapTheirCause(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errCause)
	for name, tt := range map[string]struct {
		err   error
		kind  pfx.Kind
		cause error
	}{
		"unavailable": {store.Unavailable("It is away.", errCause), pfx.Unavailable, errCause},
		"closed":      {store.ClosedError(), pfx.Unavailable, os.ErrClosed},
		"givenUp":     {store.GivenUpError(ended), pfx.Unavailable, errCause},
		"internal":    {store.InternalError(errCause), pfx.Internal, errCause},
		"exists":      {store.ExistsError(), pfx.Exists, nil},
		"panic":       {store.Guard(func() error { panic(errCause) }), pfx.Internal, errCause},
		"panicText":   {store.Guard(func() error { panic("cause") }), pfx.Internal, nil},
	} {
		e, ok := errors.AsType[*pfx.Error](tt.err)
		if !ok || e.Kind != tt.kind || e.Msg == "" || tt.cause != nil && !errors.Is(tt.err, tt.cause) {
			t.Errorf("%s: got %v, want a pfx.Error of kind %d that wraps %v", name, tt.err, tt.kind, tt.cause)
		}
	}
}

func TestGuardReturnsTheErrorOfTheFunction(t *testing.T) {
	t.Parallel()
	for _, want := range []error{nil, errCause} {
		if got := store.Guard(func() error { return want }); got != want { //nolint:errorlint // the very same
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
