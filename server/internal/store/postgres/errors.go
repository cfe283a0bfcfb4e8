package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
)

// Outcomes of one attempt that the caller never sees.
var (
	errMoved = errors.New("the request has changed meanwhile")
	errAlone = errors.New("the group stored nothing")
)

// fate says what is known of a failed statement.
type fate int

const (
	unknown   fate = iota // it may have been applied
	refused               // it was not applied
	transient             // it was not applied, and a retry may work: 40001, 40P01 and readOnly
	unsent                // it never reached the server
)

// fateOf returns unknown in case of doubt: certain is only what the server says on a live connection, and what was never
// sent.
func fateOf(err error) fate {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if pgconn.SafeToRetry(err) {
			return unsent
		}
		return unknown
	}
	switch {
	case len(e.Code) != 5:
		return unknown
	case e.SeverityUnlocalized != "ERROR":
		// FATAL and PANIC may come after the commit, instead of its confirmation.
		return unknown
	case e.Code == "40003", e.Code[:2] == "08":
		return unknown // statement_completion_unknown, which CockroachDB sends; transaction_resolution_unknown
	case e.Code == "40001", e.Code == "40P01", e.Code == readOnly:
		return transient
	}
	return refused
}

// readOnly is the SQLSTATE of a server that accepts no changes, such as a primary that has become a standby. The next
// connection may lead to another host.
const readOnly = "25006"

// isReadOnly reports whether err says that the server accepts no changes.
func isReadOnly(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == readOnly
}

// isLost reports whether err means a lost connection, so other connections may be lost too.
func isLost(err error) bool {
	switch fateOf(err) {
	case unknown, unsent:
		_, ours := errors.AsType[*pfx.Error](err)
		return !ours
	case refused, transient:
	}
	return false
}

// readError returns the error of a statement that changes nothing.
func readError(err error) error {
	if _, ok := errors.AsType[*pfx.Error](err); ok {
		return err
	}
	if fateOf(err) == refused {
		return refusedError(err)
	}
	return store.Unavailable("The store cannot be used at the moment: try again later.", err)
}

// writeError returns the error of a statement that may have changed something.
func writeError(err error) error {
	if _, ok := errors.AsType[*pfx.Error](err); ok {
		return err
	}
	switch fateOf(err) {
	case unknown:
		return store.Unavailable("The store did not tell the outcome: the change may have been made or not. Read the object before you send it again.", err)
	case refused:
		return refusedError(err)
	case transient, unsent:
	}
	return store.Unavailable("The store cannot be used at the moment: nothing was changed. Try again later.", err)
}

// refusedError distinguishes what the server cannot do now from what it can never do.
func refusedError(err error) error {
	e, _ := errors.AsType[*pgconn.PgError](err) // fateOf returns refused for these alone
	switch e.Code[:2] {
	case "25", // read-only: a standby
		"53", // resources: a full disk, too many connections
		"55", // a lock that was not free in time
		"57", // a statement that took too long, a server that starts or stops
		"58": // a disk fault
		return store.Unavailable("The store cannot be used at the moment: nothing was changed. Try again later.", err)
	}
	return store.InternalError(err)
}
