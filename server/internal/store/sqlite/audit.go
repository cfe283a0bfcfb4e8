package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
)

// The statements of the audit trail.
const (
	recordColumns = `chain, number, time, action, tenant_id, object_id, before, after, subject, app, token, request, changes, hash`

	insertBlock = `INSERT INTO audit_block (chain, number, records) VALUES (?1, ?2, ?3)`

	// putHead never moves a chain back. The removal mark stays, unless the source of a copy has removed records that were
	// never copied here.
	putHead = `
INSERT INTO audit_chain (chain, number, hash, removed, removed_hash) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (chain) DO UPDATE SET number = excluded.number, hash = excluded.hash,
	removed = CASE WHEN excluded.removed > audit_chain.number THEN excluded.removed ELSE audit_chain.removed END,
	removed_hash = CASE WHEN excluded.removed > audit_chain.number THEN excluded.removed_hash ELSE audit_chain.removed_hash END
WHERE excluded.number > audit_chain.number`

	selectHeads  = `SELECT chain, number, hash, removed, removed_hash FROM audit_chain ORDER BY chain`
	selectStrays = `SELECT DISTINCT chain FROM audit_block WHERE chain NOT IN (SELECT chain FROM audit_chain) ORDER BY chain`
	selectEnd    = `SELECT number FROM audit_chain WHERE chain = ?1`

	// selectChain starts with the block that has the first of the records.
	selectChain = `SELECT ` + recordColumns + ` FROM audit_record
WHERE chain = ?1 AND block >= coalesce((SELECT max(number) FROM audit_block WHERE chain = ?1 AND number <= ?2 + 1), 0) AND number > ?2
ORDER BY block, number`
	selectByTime = `SELECT ` + recordColumns + ` FROM audit_record WHERE time >= ?1 AND time < ?2 ORDER BY time, chain, number`

	selectUnrecorded = `
SELECT r.tenant_id, r.id FROM audit_record a JOIN request r ON r.tenant_id = a.tenant_id AND r.id = a.object_id
GROUP BY r.tenant_id, r.id HAVING sum(a.after = r.version) <> 1 ORDER BY r.tenant_id, r.id`

	// deleteExpired removes the blocks before the first block with a record that is recent enough.
	deleteExpired = `
DELETE FROM audit_block WHERE chain = ?1 AND number < coalesce(
	(SELECT min(block) FROM audit_record WHERE chain = ?1 AND time >= ?2), 9223372036854775807)
RETURNING number, json_array_length(records), unhex(records ->> '$[#-1][11]')`
	updateRemoved = `UPDATE audit_chain SET removed = ?2, removed_hash = ?3 WHERE chain = ?1`
)

// record adds a change to the trail. storeRecords stores it before the transaction is committed.
func (s *Store) record(author pfx.Author, before, after *pfx.Request) {
	if s.audit == audit.Off {
		return
	}
	r := audit.NewRecord(s.audit, time.Now(), author, before, after)
	s.chain.Append(&r)
	s.records = append(s.records, r)
}

// storeRecords stores the records of a transaction and the new end of their chain.
func (s *Store) storeRecords() error {
	if len(s.records) == 0 {
		return nil
	}
	if err := s.writer.storeBlock(s.records); err != nil {
		return err
	}
	return s.writer.storeHead(&audit.Head{Chain: s.chain})
}

func (c *conn) storeBlock(records []audit.Record) error {
	b, stmt := audit.NewBlock(records), c.insertBlock
	stmt.BindBytes(1, b.Chain[:])
	stmt.BindInt64(2, b.Number)
	stmt.BindText(3, b.Records)
	if err := execute(stmt); err != nil {
		return fmt.Errorf("recording changes: %w", err)
	}
	return nil
}

func (c *conn) storeHead(h *audit.Head) error {
	stmt := c.putHead
	stmt.BindBytes(1, h.ID[:])
	stmt.BindInt64(2, h.Number)
	stmt.BindBytes(3, h.Hash[:])
	stmt.BindInt64(4, h.Removed)
	stmt.BindBytes(5, h.RemovedHash[:])
	if err := execute(stmt); err != nil {
		return fmt.Errorf("storing the end of a chain: %w", err)
	}
	return nil
}

// PutTrail stores records and heads, as [audit.Trail] says, in one transaction.
func (s *Store) PutTrail(ctx context.Context, heads []audit.Head, records []audit.Record) error {
	_, err := s.do(ctx, func(c *conn, _ *job) error {
		for i := range heads {
			if err := c.putChain(&heads[i], records); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// putChain stores the missing records of a chain, and its head.
func (c *conn) putChain(h *audit.Head, records []audit.Record) error {
	var end int64
	err := c.query(selectEnd, []any{h.ID}, func(stmt *sqlite.Stmt) error {
		end = stmt.ColumnInt64(0)
		return nil
	})
	if err != nil {
		return err
	}
	if missing := audit.Following(h.ID, end, records); len(records) > 0 {
		if err := c.storeBlock(missing); err != nil {
			return err
		}
	}
	return c.storeHead(h)
}

// Prune removes old records, as [audit.Trail] says, in one transaction for each chain.
func (s *Store) Prune(ctx context.Context, before time.Time) (int64, error) {
	var heads []audit.Head
	err := s.Trail(ctx, func(v audit.View) error {
		var err error
		heads, err = v.Heads()
		return err
	})
	var removed int64
	for i := range heads {
		if err != nil {
			break
		}
		_, err = s.do(ctx, func(c *conn, _ *job) error {
			n, err := c.prune(heads[i].ID, before)
			removed += n
			return err
		})
	}
	return removed, err
}

// prune removes the blocks of a chain up to the last one before a time, and keeps the number and the hash of its last
// record.
func (c *conn) prune(chain edm.Guid, before time.Time) (int64, error) {
	var last, removed int64
	var hash audit.Hash
	err := c.query(deleteExpired, []any{chain, before.UnixMicro()}, func(stmt *sqlite.Stmt) error {
		n := stmt.ColumnInt64(1)
		removed += n
		if end := stmt.ColumnInt64(0) + n - 1; end > last {
			last = end
			stmt.ColumnBytes(2, hash[:])
		}
		return nil
	})
	if err != nil || removed == 0 {
		return 0, err
	}
	return removed, c.query(updateRemoved, []any{chain, last, hash}, nil)
}

// query prepares a statement for one use, and calls fn for each row.
func (c *conn) query(query string, args []any, fn func(*sqlite.Stmt) error) error {
	stmt, _, err := c.PrepareTransient(query)
	if err != nil {
		return err
	}
	defer func() { _ = stmt.Finalize() }() // repeats the error of the last Step
	for i, arg := range args {
		switch v := arg.(type) {
		case int64:
			stmt.BindInt64(i+1, v)
		case edm.Guid:
			stmt.BindBytes(i+1, v[:])
		case audit.Hash:
			stmt.BindBytes(i+1, v[:])
		}
	}
	return eachRow(stmt, func() error { return fn(stmt) })
}

// Trail calls fn with the trail at one moment, as [audit.Trail] says, on its own connection. It affects the log as Scan
// does.
func (s *Store) Trail(ctx context.Context, fn func(audit.View) error) error {
	if err := s.queue.Closed(); err != nil {
		return err
	}
	err := s.view(ctx, fn)
	if err != nil && ctx.Err() != nil {
		return store.GivenUpError(ctx)
	}
	return s.outcome(err)
}

func (s *Store) view(ctx context.Context, fn func(audit.View) error) error {
	c, err := openConn(s.path, s.busyTimeout)
	if err != nil {
		return fmt.Errorf("opening a connection: %w", err)
	}
	defer func() { _ = c.Close() }() // it has written nothing; closing ends the transaction
	c.SetInterrupt(ctx.Done())
	defer c.SetInterrupt(nil)
	if err := c.set("query_only", "ON", "1"); err != nil {
		return err
	}
	if err := c.query("BEGIN", nil, nil); err != nil {
		return err
	}
	return fn(&view{c})
}

// view is a trail in a read transaction.
type view struct{ c *conn }

func (v *view) Heads() ([]audit.Head, error) {
	var heads []audit.Head
	err := v.c.query(selectHeads, nil, func(stmt *sqlite.Stmt) error {
		h := audit.Head{Chain: audit.Chain{Number: stmt.ColumnInt64(1)}, Removed: stmt.ColumnInt64(3)}
		stmt.ColumnBytes(0, h.ID[:])
		stmt.ColumnBytes(2, h.Hash[:])
		stmt.ColumnBytes(4, h.RemovedHash[:])
		heads = append(heads, h)
		return nil
	})
	return heads, err
}

func (v *view) Chain(chain edm.Guid, after int64) iter.Seq2[audit.Record, error] {
	return v.records(selectChain, chain, after)
}

func (v *view) ByTime(since, until time.Time) iter.Seq2[audit.Record, error] {
	from, to := audit.Micros(since, until)
	return v.records(selectByTime, from, to)
}

func (v *view) records(query string, args ...any) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		err := v.c.query(query, args, func(stmt *sqlite.Stmt) error {
			if !yield(scanRecord(stmt), nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(audit.Record{}, err)
		}
	}
}

func scanRecord(stmt *sqlite.Stmt) audit.Record {
	r := audit.Record{
		Number: stmt.ColumnInt64(1), Time: time.UnixMicro(stmt.ColumnInt64(2)).UTC(), Action: stmt.ColumnText(3),
		Key:    pfx.Key{ID: stmt.ColumnText(5)},
		Before: pfx.Version(stmt.ColumnInt64(6)), After: pfx.Version(stmt.ColumnInt64(7)),
		Author:  pfx.Author{Subject: stmt.ColumnText(8), App: stmt.ColumnText(9), Token: stmt.ColumnText(10), Request: stmt.ColumnText(11)},
		Changes: stmt.ColumnText(12),
	}
	stmt.ColumnBytes(0, r.Chain[:])
	stmt.ColumnBytes(4, r.Key.Tenant[:])
	stmt.ColumnBytes(13, r.Hash[:])
	return r
}

func (v *view) Strays() ([]edm.Guid, error) {
	var strays []edm.Guid
	err := v.c.query(selectStrays, nil, func(stmt *sqlite.Stmt) error {
		var chain edm.Guid
		stmt.ColumnBytes(0, chain[:])
		strays = append(strays, chain)
		return nil
	})
	return strays, err
}

func (v *view) Unrecorded() ([]pfx.Key, error) {
	var keys []pfx.Key
	err := v.c.query(selectUnrecorded, nil, func(stmt *sqlite.Stmt) error {
		k := pfx.Key{ID: stmt.ColumnText(1)}
		stmt.ColumnBytes(0, k.Tenant[:])
		keys = append(keys, k)
		return nil
	})
	return keys, err
}
