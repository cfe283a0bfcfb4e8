package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
)

// columnTenant is the index of the tenant's column in scanRequests: the last one.
var columnTenant = len(columnNames) - 1

// Scan returns requests, as copying.Source says, on its own connection: while one of the shared readers is away, the writer
// cannot restart the log. During a scan, changes after its start stay in the log. It grows with what all processes write.
func (s *Store) Scan(ctx context.Context, after pfx.Key) iter.Seq2[pfx.Request, error] {
	return func(yield func(pfx.Request, error) bool) {
		err := s.scan(ctx, after, func(r *pfx.Request) bool { return yield(*r, nil) })
		switch {
		case err == nil || errors.Is(err, errEnough):
		case ctx.Err() != nil:
			yield(pfx.Request{}, store.GivenUpError(ctx))
		default:
			yield(pfx.Request{}, s.outcome(err))
		}
	}
}

// errEnough ends a scan whose caller wants no more.
var errEnough = errors.New("enough")

// scan calls fn for each request until fn returns false; then its error is errEnough.
func (s *Store) scan(ctx context.Context, after pfx.Key, fn func(*pfx.Request) bool) error {
	if err := s.queue.Closed(); err != nil {
		return err
	}
	c, err := openConn(s.path, s.busyTimeout)
	if err != nil {
		return fmt.Errorf("opening a connection: %w", err)
	}
	defer func() { _ = c.Close() }() // it has written nothing
	c.SetInterrupt(ctx.Done())
	defer c.SetInterrupt(nil)
	return c.scanAll(after, func(r *pfx.Request) error {
		if err := s.queue.Closed(); err != nil {
			return err
		}
		if !fn(r) {
			return errEnough
		}
		return nil
	})
}

// scanAll runs fn for each request. All are from one moment, because one statement returns them.
func (c *conn) scanAll(after pfx.Key, fn func(*pfx.Request) error) error {
	if err := c.set("query_only", "ON", "1"); err != nil {
		return err
	}
	stmt, _, err := c.PrepareTransient(scanRequests)
	if err != nil {
		return err
	}
	defer func() { _ = stmt.Finalize() }() // repeats the error of the last Step
	stmt.BindBytes(1, after.Tenant[:])
	stmt.BindText(2, after.ID)
	return eachRow(stmt, func() error {
		var k pfx.Key
		stmt.ColumnBytes(columnTenant, k.Tenant[:])
		r, err := scan(stmt, k.Tenant)
		if err != nil {
			return err
		}
		return fn(r)
	})
}

// Put stores requests, as copying.Target says, in one transaction.
func (s *Store) Put(ctx context.Context, requests []pfx.Request) error {
	_, err := s.do(ctx, func(c *conn, _ *job) error {
		for i := range requests {
			if err := c.store(c.put, &requests[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// Remove removes requests, as copying.Target says, in one transaction.
func (s *Store) Remove(ctx context.Context, keys []pfx.Key) error {
	_, err := s.do(ctx, func(c *conn, _ *job) error {
		for _, k := range keys {
			c.delete.BindBytes(1, k.Tenant[:])
			c.delete.BindText(2, k.ID)
			if err := execute(c.delete); err != nil {
				return fmt.Errorf("deleting a request: %w", err)
			}
		}
		return nil
	})
	return err
}

// SameFile reports whether two paths name one file. It follows links.
func SameFile(a, b string) bool {
	one, err1 := os.Stat(a)
	other, err2 := os.Stat(b)
	if err1 != nil || err2 != nil {
		return a == b // a file that does not exist yet has no other name
	}
	return os.SameFile(one, other)
}
