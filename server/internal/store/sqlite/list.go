package sqlite

import (
	"context"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
)

// listOrder ends a list statement: the next requests in primary key order, which is byte order.
const listOrder = `
ORDER BY id LIMIT ?3`

// condition returns the SQL condition of a comparison. IS is equality that treats null as a value.
func condition(m *pfx.Member) string {
	if m.Type == pfx.DateTimeOffset {
		return "instant(" + m.Column + ") IS ?"
	}
	return m.Column + " IS ?"
}

// instantFunction turns the text of a time into bytes that are equal for equal instants.
var instantFunction = sqlite.FunctionImpl{
	NArgs: 1, Deterministic: true,
	Scalar: func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
		d, err := edm.ParseDateTimeOffset(args[0].Text())
		if err != nil {
			return sqlite.Value{}, nil // the zero time, which equals no other time
		}
		instant := d.Instant()
		return sqlite.BlobValue(instant[:]), nil
	},
}

// List returns requests, as [pfx.Store] says.
func (s *Store) List(ctx context.Context, tenant edm.Guid, q pfx.Query) ([]pfx.Request, error) {
	var requests []pfx.Request
	err := s.query(ctx, func(c *conn) error {
		stmt, done, err := c.listing(q.Filter)
		if err != nil {
			return err
		}
		defer done()
		stmt.BindBytes(1, tenant[:])
		stmt.BindText(2, q.After)
		stmt.BindInt64(3, int64(q.Limit))
		bindFilter(stmt, 4, q.Filter)
		return eachRow(stmt, func() error {
			r, err := scan(stmt, tenant)
			if err == nil {
				requests = append(requests, *r)
			}
			return err
		})
	})
	return requests, err
}

// Count counts requests, as [pfx.Store] says.
func (s *Store) Count(ctx context.Context, tenant edm.Guid, filter pfx.Filter) (int64, error) {
	var n int64
	err := s.query(ctx, func(c *conn) error {
		stmt, _, err := c.PrepareTransient(filtered(countRequests, 2, filter))
		if err != nil {
			return err
		}
		defer func() { _ = stmt.Finalize() }() // repeats the error of the last Step
		stmt.BindBytes(1, tenant[:])
		bindFilter(stmt, 2, filter)
		return eachRow(stmt, func() error {
			n = stmt.ColumnInt64(0)
			return nil
		})
	})
	return n, err
}

// query runs fn with its own connection, until ctx ends.
func (s *Store) query(ctx context.Context, fn func(*conn) error) error {
	return s.read(ctx, func(c *conn) error {
		c.SetInterrupt(ctx.Done())
		defer c.SetInterrupt(nil)
		err := fn(c)
		if ctx.Err() != nil && err != nil {
			return store.GivenUpError(ctx)
		}
		if err != nil {
			return fmt.Errorf("listing requests: %w", err)
		}
		return nil
	})
}

// listing returns the list statement for a filter, and a function that releases it. Only the statement without a filter is
// kept: the number of filters is unbounded.
func (c *conn) listing(filter pfx.Filter) (*sqlite.Stmt, func(), error) {
	if len(filter) == 0 {
		return c.list, func() {}, nil
	}
	stmt, _, err := c.PrepareTransient(filtered(listRequests, 4, filter) + listOrder)
	if err != nil {
		return nil, nil, err
	}
	return stmt, func() { _ = stmt.Finalize() }, nil // repeats the error of the last Step
}

// filtered appends the conditions of a filter to a statement. It numbers their parameters starting with first.
func filtered(query string, first int, filter pfx.Filter) string {
	var b strings.Builder
	b.WriteString(query)
	for i, c := range filter {
		fmt.Fprintf(&b, " AND %s%d", condition(c.Member), first+i)
	}
	return b.String()
}

func bindFilter(stmt *sqlite.Stmt, first int, filter pfx.Filter) {
	for i, c := range filter {
		param := first + i
		switch v := c.Value.(type) {
		case nil:
			stmt.BindNull(param)
		case bool:
			stmt.BindBool(param, v)
		case int64:
			stmt.BindInt64(param, v)
		case string:
			stmt.BindText(param, v)
		case edm.Guid:
			stmt.BindBytes(param, v[:])
		case edm.DateTimeOffset:
			instant := v.Instant()
			stmt.BindBytes(param, instant[:])
		}
	}
}

// eachRow runs fn for each row of a statement.
func eachRow(stmt *sqlite.Stmt, fn func() error) error {
	for {
		row, err := stmt.Step()
		if err != nil {
			return err // Step has reset stmt
		}
		if !row {
			return stmt.Reset()
		}
		if err := fn(); err != nil {
			_ = stmt.Reset() // repeats the error of the last Step, which had none
			return err
		}
	}
}
