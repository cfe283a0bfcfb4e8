package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/fatih/color"
	"golang.org/x/oauth2"

	"github.com/pfxrecryption/pfxrecryption/client"
)

// The exit codes. Scripts may rely on them.
const (
	exitOK           = 0
	exitFail         = 1
	exitUsage        = 2
	exitNotFound     = 3
	exitPrecondition = 4
	exitAccess       = 5
	exitRefused      = 6
	exitUnavailable  = 7
	exitUnknown      = 8
	exitInterrupted  = 130
)

const exitCodes = `0 success, 1 failure, 2 usage error, 3 no such object, ` +
	`4 the object has changed or exists already (412, 428), 5 access denied (401, 403), 6 refused for another reason (4xx), ` +
	`7 throttled or unavailable (nothing changed), 8 unknown outcome (changed once or not at all), 130 interrupted.`

// usageError is an error in the command line.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// exitCode returns the exit code for err.
func exitCode(err error) int {
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	for _, known := range []struct {
		err  error
		code int
	}{
		{client.ErrUnknownOutcome, exitUnknown}, {context.Canceled, exitInterrupted},
		{client.ErrNoAPI, exitRefused}, {client.ErrNotFound, exitNotFound},
		{client.ErrPreconditionFailed, exitPrecondition}, {client.ErrPreconditionRequired, exitPrecondition},
		{client.ErrUnauthorized, exitAccess}, {client.ErrForbidden, exitAccess},
		{client.ErrThrottled, exitUnavailable}, {client.ErrUnavailable, exitUnavailable}, {context.DeadlineExceeded, exitUnavailable},
		{client.ErrInvalid, exitRefused},
	} {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	if e, ok := errors.AsType[*client.Error](err); ok && e.Status < 500 {
		return exitRefused
	}
	if _, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return exitAccess
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return exitUnavailable
	}
	return exitFail
}

// complain prints the error and advice, and returns the exit code.
func complain(c *console, f *connection, err error) int {
	code := exitCode(err)
	label := paint(c.colorErr, "pfxr:", color.FgRed, color.Bold)
	fmt.Fprintf(c.err, "%s %v\n", label, err)
	if e, ok := errors.AsType[*client.Error](err); ok {
		for _, d := range e.Details {
			fmt.Fprintf(c.err, "  %s: %s\n", d.Target, d.Message)
		}
	}
	if advice := adviceFor(f, err, code); advice != "" {
		fmt.Fprintln(c.err, advice)
	}
	return code
}

// adviceFor returns advice for an error, or "".
func adviceFor(f *connection, err error, code int) string {
	_, noToken := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case code == exitUsage:
		return "Run pfxr --help, or a command with --help."
	case errors.Is(err, client.ErrNoAPI):
		return fmt.Sprintf("--server is %s: it must end with the base path of the API, as in https://graph.example.com/beta.", f.Server)
	case noToken || errors.Is(err, client.ErrUnauthorized):
		return "Tokens come from PFXR_TOKEN, from --token-url with --client-id and PFXR_CLIENT_SECRET, or from pfxr login; for a development server from pfxrd token."
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("No program listens at %s: start the server, or name another with --server or PFXR_SERVER.", f.Server)
	}
	return ""
}
