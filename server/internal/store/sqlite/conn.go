package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitemigration"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
)

// conn is one connection with its statements. One goroutine uses it at a time.
type conn struct {
	*sqlite.Conn
	selectOne                                            *sqlite.Stmt
	selectAny, list                                      *sqlite.Stmt // readers only
	begin, commit, rollback                              *sqlite.Stmt // these and the following: writer only
	insert, put, update, delete                          *sqlite.Stmt
	insertBlock, putHead                                 *sqlite.Stmt
	checkpointNoop, checkpointPassive, checkpointRestart *sqlite.Stmt
}

// settings apply to every connection: any of them may be the last one, which moves the log into the file. Those with a want
// are read back, because SQLite ignores a setting that it cannot or will not follow.
var settings = []struct{ pragma, value, want string }{
	// The commit returns after its fsync. NORMAL would sync only at checkpoints and lose acknowledged updates.
	{"synchronous", "FULL", "2"},
	// No memory map: a disk fault would be a SIGBUS instead of an error.
	{"mmap_size", "0", ""},
	{"cell_size_check", "ON", "1"},
	{"trusted_schema", "OFF", "0"},
	// In KiB. 8 MiB hold 15,000 requests; the kernel caches more.
	{"cache_size", "-8192", "-8192"},
	// The writer checkpoints itself: SQLite would do it during a commit, while callers wait, and hide its errors.
	{"wal_autocheckpoint", "0", "0"},
	// In bytes: SQLite truncates a longer log to this size when it restarts. Half as much again as the log's usual size.
	{"journal_size_limit", fmt.Sprint(checkpointPages * 3 / 2 * pageBytes), ""},
}

// openConn opens a connection to a file that exists.
func openConn(path string, busy time.Duration) (*conn, error) {
	sc, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: sc}
	c.SetBusyTimeout(busy)
	for _, s := range settings {
		if err := c.set(s.pragma, s.value, s.want); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	if err := c.CreateFunction("instant", &instantFunction); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// set changes a setting. If want is not empty, it reads the setting back and requires that value.
func (c *conn) set(pragma, value, want string) error {
	if err := sqlitex.ExecuteTransient(c.Conn, "PRAGMA "+pragma+" = "+value, nil); err != nil {
		return fmt.Errorf("setting %s: %w", pragma, err)
	}
	if want == "" {
		return nil
	}
	got, err := c.text("PRAGMA " + pragma)
	if err != nil {
		return fmt.Errorf("reading %s: %w", pragma, err)
	}
	if got != want {
		return fmt.Errorf("SQLite keeps %s at %s instead of %s", pragma, got, want)
	}
	return nil
}

// text returns the first column of the last row of query.
func (c *conn) text(query string) (string, error) {
	var got string
	err := sqlitex.ExecuteTransient(c.Conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		got = stmt.ColumnText(0)
		return nil
	}})
	return got, err
}

// migrate switches the file to the current schema, and then to a write-ahead log. In this order, the file itself and not
// only its log identifies this program from the first commit on.
func (c *conn) migrate(ctx context.Context, busy time.Duration) error {
	if err := inspectSchema(c, true); err != nil { // a second time, now with the log
		return err
	}
	if err := sqlitemigration.Migrate(ctx, c.Conn, schema); err != nil {
		return err
	}
	return c.useLog(ctx, busy)
}

// useLog switches the file to a write-ahead log, if it has none. While another process opens the new file, SQLite refuses
// the switch at once instead of waiting: each holds a lock that the other needs.
func (c *conn) useLog(ctx context.Context, busy time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, busy)
	defer cancel()
	retry := time.NewTicker(5 * time.Millisecond)
	defer retry.Stop()
	for {
		err := c.set("journal_mode", "WAL", "wal")
		if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy {
			return err
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return err
		}
	}
}

// prepareReader compiles the read statements, which also proves that the table exists.
func (c *conn) prepareReader() error {
	return c.compile([]compiled{
		{&c.selectOne, selectRequest},
		{&c.selectAny, selectAny},
		{&c.list, listRequests + listOrder},
	})
}

// prepareWriter compiles the statements of the writer's connection.
func (c *conn) prepareWriter(sql statements) error {
	return c.compile([]compiled{
		{&c.selectOne, selectRequest},
		{&c.begin, "BEGIN IMMEDIATE"},
		{&c.commit, "COMMIT"},
		{&c.rollback, "ROLLBACK"},
		{&c.insert, sql.insert},
		{&c.put, sql.put},
		{&c.update, sql.update},
		{&c.delete, deleteRequest},
		{&c.insertBlock, insertBlock},
		{&c.putHead, putHead},
		{&c.checkpointNoop, "PRAGMA wal_checkpoint(NOOP)"},
		{&c.checkpointPassive, "PRAGMA wal_checkpoint(PASSIVE)"},
		{&c.checkpointRestart, "PRAGMA wal_checkpoint(RESTART)"},
	})
}

type compiled struct {
	stmt  **sqlite.Stmt
	query string
}

func (c *conn) compile(list []compiled) error {
	for _, s := range list {
		stmt, err := c.Prepare(s.query)
		if err != nil {
			return err
		}
		*s.stmt = stmt
	}
	return nil
}

// execute runs a statement to its end.
func execute(stmt *sqlite.Stmt) error {
	for {
		row, err := stmt.Step()
		if err != nil {
			return err // Step has reset stmt
		}
		if !row {
			return stmt.Reset()
		}
	}
}

// logState is the state of the log after a checkpoint. If the next commit restarts the log, pages still counts the old
// pages until that commit.
type logState struct {
	busy         bool // other connections have stopped the checkpoint
	pages, moved int  // pages in the log, and how many of them are in the file too
}

// checkpoint runs a checkpoint's statement. Busy connections are not an error.
func (c *conn) checkpoint(stmt *sqlite.Stmt) (logState, error) {
	if _, err := stmt.Step(); err != nil { // has reset stmt
		return logState{}, err
	}
	state := logState{stmt.ColumnBool(0), stmt.ColumnInt(1), stmt.ColumnInt(2)}
	return state, stmt.Reset()
}

// probe reads from the table.
func (c *conn) probe() error { return execute(c.selectAny) }

// load returns a request as the current transaction sees it. Its error is a *pfx.Error if it is about the request, and
// SQLite's otherwise.
func (c *conn) load(tenant edm.Guid, id string) (*pfx.Request, error) {
	stmt := c.selectOne
	stmt.BindBytes(1, tenant[:])
	stmt.BindText(2, id)
	row, err := stmt.Step()
	if err != nil {
		return nil, fmt.Errorf("loading a request: %w", err)
	}
	if !row {
		if err := stmt.Reset(); err != nil {
			return nil, fmt.Errorf("loading a request: %w", err)
		}
		return nil, pfx.NotFoundError()
	}
	r, err := scan(stmt, tenant)
	if err := errors.Join(err, stmt.Reset()); err != nil {
		return nil, fmt.Errorf("loading a request: %w", err)
	}
	return r, nil
}

// scan returns the request in a row.
func scan(stmt *sqlite.Stmt, tenant edm.Guid) (*pfx.Request, error) {
	var r pfx.Request
	r.TenantID, r.ID, r.Version = tenant, stmt.ColumnText(0), pfx.Version(stmt.ColumnInt64(1))
	for i := range pfx.Changeable {
		if err := scanMember(stmt, i+2, &pfx.Changeable[i], &r); err != nil {
			return nil, store.InternalError(err)
		}
	}
	return &r, nil
}

func scanMember(stmt *sqlite.Stmt, col int, m *pfx.Member, r *pfx.Request) error {
	if m.Nullable && stmt.ColumnIsNull(col) {
		m.Clear(r)
		return nil
	}
	switch m.Type {
	case pfx.Text:
		pfx.Set(m, r, stmt.ColumnText(col))
	case pfx.Boolean:
		pfx.Set(m, r, stmt.ColumnBool(col))
	case pfx.Int32:
		pfx.Set(m, r, stmt.ColumnInt32(col))
	case pfx.Guid:
		var g edm.Guid
		stmt.ColumnBytes(col, g[:])
		pfx.Set(m, r, g)
	case pfx.DateTimeOffset:
		var d edm.DateTimeOffset
		if text := stmt.ColumnText(col); text != "" { // otherwise the zero time
			var err error
			if d, err = edm.ParseDateTimeOffset(text); err != nil {
				return err
			}
		}
		pfx.Set(m, r, d)
	}
	return nil
}

// store writes r with one of the statements insert, put and update.
func (c *conn) store(stmt *sqlite.Stmt, r *pfx.Request) error {
	stmt.BindBytes(1, r.TenantID[:])
	stmt.BindText(2, r.ID)
	stmt.BindInt64(3, int64(r.Version))
	for i := range pfx.Changeable {
		bindMember(stmt, i+4, &pfx.Changeable[i], r)
	}
	if err := execute(stmt); err != nil {
		return fmt.Errorf("storing a request: %w", err)
	}
	return nil
}

func bindMember(stmt *sqlite.Stmt, param int, m *pfx.Member, r *pfx.Request) {
	switch m.Type {
	case pfx.Text:
		bind(stmt.BindText, stmt, param, m, r)
	case pfx.Boolean:
		bind(stmt.BindBool, stmt, param, m, r)
	case pfx.Int32:
		bind(func(param int, n int32) { stmt.BindInt64(param, int64(n)) }, stmt, param, m, r)
	case pfx.Guid:
		bind(func(param int, g edm.Guid) { stmt.BindBytes(param, g[:]) }, stmt, param, m, r)
	case pfx.DateTimeOffset:
		bind(func(param int, d edm.DateTimeOffset) { stmt.BindText(param, d.String()) }, stmt, param, m, r)
	}
}

func bind[T any](value func(param int, v T), stmt *sqlite.Stmt, param int, m *pfx.Member, r *pfx.Request) {
	if v, ok := pfx.Get[T](m, r); ok {
		value(param, v)
	} else {
		stmt.BindNull(param)
	}
}
