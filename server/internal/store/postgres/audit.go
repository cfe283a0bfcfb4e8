package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
)

// The statements of the audit trail.
const (
	recordColumns = `chain, number, time, action, tenant_id, object_id, before, after, subject, app, token, request, changes, hash`

	insertBlock = `INSERT INTO audit_block (chain, number, records) VALUES ($1, $2, $3)`

	// putHead never moves a chain back. The removal mark stays, unless the source of a copy has removed records that were
	// never copied here.
	putHead = `
INSERT INTO audit_chain (chain, number, hash, removed, removed_hash) VALUES ($1, $2, $3, $4, $5)` + headConflict

	headConflict = `
ON CONFLICT (chain) DO UPDATE SET number = excluded.number, hash = excluded.hash,
	removed = CASE WHEN excluded.removed > audit_chain.number THEN excluded.removed ELSE audit_chain.removed END,
	removed_hash = CASE WHEN excluded.removed > audit_chain.number THEN excluded.removed_hash ELSE audit_chain.removed_hash END
WHERE excluded.number > audit_chain.number`

	selectHeads  = `SELECT chain, number, hash, removed, removed_hash FROM audit_chain ORDER BY chain`
	selectStrays = `SELECT DISTINCT chain FROM audit_block WHERE chain NOT IN (SELECT chain FROM audit_chain) ORDER BY chain`
	selectEnd    = `SELECT number FROM audit_chain WHERE chain = $1 FOR UPDATE`

	// selectChain starts with the block that has the first of the records.
	selectChain = `SELECT ` + recordColumns + ` FROM audit_record
WHERE chain = $1 AND block >= coalesce((SELECT max(number) FROM audit_block WHERE chain = $1 AND number <= $2 + 1), 0) AND number > $2
ORDER BY block, number`
	selectByTime = `SELECT ` + recordColumns + ` FROM audit_record WHERE time >= $1 AND time < $2 ORDER BY time, chain, number`

	selectUnrecorded = `
SELECT r.tenant_id, r.id FROM audit_record a JOIN request r ON r.tenant_id = a.tenant_id AND r.id = a.object_id
GROUP BY r.tenant_id, r.id HAVING count(*) FILTER (WHERE a.after = r.version) <> 1 ORDER BY r.tenant_id, r.id`

	// prune removes the blocks of a chain before the first block with a record that is recent enough. It keeps the number
	// and the hash of the last record that it removes.
	prune = `
WITH gone AS (DELETE FROM audit_block WHERE chain = $1 AND number < coalesce(
	(SELECT min(block) FROM audit_record WHERE chain = $1 AND time >= $2), 9223372036854775807) RETURNING number, records::jsonb AS records),
last AS (SELECT number + jsonb_array_length(records) - 1 AS number, decode(records #>> '{-1,11}', 'hex') AS hash FROM gone ORDER BY number DESC LIMIT 1),
noted AS (UPDATE audit_chain SET removed = last.number, removed_hash = last.hash FROM last WHERE chain = $1)
SELECT coalesce(sum(jsonb_array_length(records)), 0) FROM gone`
)

// recorded returns a statement that changes rows and records that in the same transaction. If it changes fewer rows than
// the expression all says, it changes none: it fails with isPartial, or without an error if no row fits. blockArguments
// follow the n arguments of the statement.
func recorded(statement string, n int, all string) string {
	return fmt.Sprintf(`WITH changed AS (%s
RETURNING 1), recorded AS (
INSERT INTO audit_block (chain, number, records)
SELECT $%[2]d::uuid, $%[3]d::bigint, CASE count(*) WHEN %[7]s THEN $%[4]d::text END FROM changed HAVING count(*) > 0 RETURNING chain)
INSERT INTO audit_chain (chain, number, hash, removed, removed_hash)
SELECT chain, $%[5]d::bigint, $%[6]d::bytea, 0, decode(repeat('00', 32), 'hex') FROM recorded`, statement, n+1, n+2, n+3, n+4, n+5, all) + headConflict
}

// isPartial reports whether a recorded statement would have changed only some of its rows: a block without records breaks
// the table's rule.
func isPartial(err error) bool {
	const notNullViolation = "23502"
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == notNullViolation && e.TableName == "audit_block"
}

// blockArguments returns the records of a transaction and the new end of their chain.
func blockArguments(records []audit.Record) []any {
	b, last := audit.NewBlock(records), &records[len(records)-1]
	return []any{[16]byte(b.Chain), b.Number, b.Records, last.Number, last.Hash[:]}
}

// chains holds the chains that no writer uses at the moment. There are as many as there ever were concurrent writers.
type chains struct{ free chan audit.Chain }

func newChains() chains { return chains{make(chan audit.Chain, 64)} }

// take returns a chain that no other writer uses.
func (c chains) take() audit.Chain {
	select {
	case chain := <-c.free:
		return chain
	default:
		return audit.NewChain()
	}
}

// put returns a chain in the state that the database has. If it is unknown whether a chain's last record was stored, do not
// put it back: it must not grow.
func (c chains) put(chain audit.Chain) {
	if chain.Number == 0 {
		return // it was never stored
	}
	select {
	case c.free <- chain:
	default:
	}
}

// change is a change of a request, to be recorded.
type change struct {
	author        pfx.Author
	before, after *pfx.Request // before is nil for a creation, after for a deletion
}

// changeOne runs a statement that changes one row, as its own transaction, and returns the number of changed rows.
func (s *Store) changeOne(ctx context.Context, doing string, statement *recordable, c change, args ...any) (int64, error) {
	return s.change(ctx, func(ctx context.Context, q querier) (int64, error) {
		return s.execRecorded(ctx, q, doing, statement, []change{c}, args)
	})
}

// storeRecorded stores entries and the records of their changes if all entries are unchanged in the database. If all have
// moved it returns them, and if some have an error for which isPartial is true.
func (s *Store) storeRecorded(ctx context.Context, q querier, entries []*entry) ([]*entry, error) {
	n, err := s.execRecorded(ctx, q, "updating requests and recording the changes", &s.sql.updateGroup, changesOf(entries), groupArguments(entries))
	if err != nil || n > 0 {
		return nil, err
	}
	return entries, nil
}

// execRecorded runs a statement that changes rows and records the changes. It returns 0 if no row has changed.
func (s *Store) execRecorded(ctx context.Context, q querier, doing string, statement *recordable, changes []change, args []any) (int64, error) {
	if s.audit == audit.Off {
		return execOne(ctx, q, doing, statement.plain, args)
	}
	chain := s.chains.take()
	next := chain
	n, err := execOne(ctx, q, doing, statement.recorded, append(args, blockArguments(s.records(changes, &next))...))
	switch {
	case err == nil && n == 1:
		s.chains.put(next)
	case err == nil || fateOf(err) != unknown:
		s.chains.put(chain)
	}
	return n, err
}

func execOne(ctx context.Context, q querier, doing, sql string, args []any) (int64, error) {
	tag, err := q.Exec(ctx, sql, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	return tag.RowsAffected(), nil
}

// runLocked runs a group of which other servers have changed some requests meanwhile. The rows stay locked from the read
// until the records are stored, so none can change in between; the transaction is open for one round trip. It sets the
// outcomes of the jobs.
func (s *Store) runLocked(ctx context.Context, c *pgxpool.Conn, entries []*entry) {
	err := lockGroup(ctx, c, entries)
	if err != nil {
		settle(entries, errAlone)
	} else if changed := applyAll(entries); len(changed) > 0 {
		if err = s.commitRecorded(ctx, c, changed); err != nil {
			settle(changed, groupError(err))
		}
	}
	if err != nil {
		s.note(c, err)
	}
	if !c.Conn().IsClosed() && c.Conn().PgConn().TxStatus() != 'I' {
		if _, err := c.Exec(ctx, "ROLLBACK"); err != nil {
			s.drop(c)
		}
	}
}

// lockGroup begins a transaction and loads the entries again, as loadGroup does.
func lockGroup(ctx context.Context, c *pgxpool.Conn, entries []*entry) error {
	settle(entries, nil)
	for _, e := range entries {
		e.request, e.changes = nil, nil
	}
	var b pgx.Batch
	b.Queue("BEGIN")
	b.Queue(lockedGroup, keyArguments(entries)...)
	results := c.SendBatch(ctx, &b)
	if _, err := results.Exec(); err != nil {
		return errors.Join(fmt.Errorf("beginning a transaction: %w", err), results.Close())
	}
	rows, err := results.Query()
	if err == nil {
		err = scanGroup(rows, entries)
	}
	return errors.Join(err, results.Close())
}

// commitRecorded stores entries and the records of their changes, and commits.
func (s *Store) commitRecorded(ctx context.Context, c *pgxpool.Conn, entries []*entry) error {
	chain := s.chains.take()
	next := chain
	records := s.records(changesOf(entries), &next)
	var b pgx.Batch
	b.Queue(s.sql.updateGroup.recorded, append(groupArguments(entries), blockArguments(records)...)...)
	b.Queue("COMMIT")
	err := c.SendBatch(ctx, &b).Close()
	switch {
	case err == nil:
		s.chains.put(next)
		return nil
	case fateOf(err) != unknown:
		s.chains.put(chain)
	}
	return fmt.Errorf("updating requests and recording the changes: %w", err)
}

// changesOf returns the changes of all entries.
func changesOf(entries []*entry) []change {
	var changes []change
	for _, e := range entries {
		changes = append(changes, e.changes...)
	}
	return changes
}

// records appends the records of changes to a chain and returns them.
func (s *Store) records(changes []change, chain *audit.Chain) []audit.Record {
	records := make([]audit.Record, len(changes))
	for i, c := range changes {
		records[i] = audit.NewRecord(s.audit, time.Now(), c.author, c.before, c.after)
		chain.Append(&records[i])
	}
	return records
}

func headArguments(h *audit.Head) []any {
	return []any{[16]byte(h.ID), h.Number, h.Hash[:], h.Removed, h.RemovedHash[:]}
}

// PutTrail stores records and heads, as [audit.Trail] says, in one transaction.
func (s *Store) PutTrail(ctx context.Context, heads []audit.Head, records []audit.Record) error {
	err := s.transact(ctx, pgx.TxOptions{}, func(tx pgx.Tx) error {
		for i := range heads {
			if err := putChain(ctx, tx, &heads[i], records); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return writeError(err)
	}
	return nil
}

// putChain stores the missing records of a chain, and its head.
func putChain(ctx context.Context, tx pgx.Tx, h *audit.Head, records []audit.Record) error {
	var end int64
	if err := tx.QueryRow(ctx, selectEnd, [16]byte(h.ID)).Scan(&end); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if missing := audit.Following(h.ID, end, records); len(records) > 0 {
		if _, err := tx.Exec(ctx, insertBlock, blockArguments(missing)[:3]...); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, putHead, headArguments(h)...)
	return err
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
		err = s.transact(ctx, pgx.TxOptions{}, func(tx pgx.Tx) error {
			var n int64
			err := tx.QueryRow(ctx, prune, [16]byte(heads[i].ID), before.UnixMicro()).Scan(&n)
			removed += n
			return err
		})
	}
	if err != nil {
		return removed, writeError(err)
	}
	return removed, nil
}

// Trail calls fn with the trail at one moment, as [audit.Trail] says: in one transaction, as Scan does.
func (s *Store) Trail(ctx context.Context, fn func(audit.View) error) error {
	err := s.transact(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return fn(&view{ctx, tx})
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return store.GivenUpError(ctx)
	}
	return readError(err)
}

// view is a trail in a read transaction.
type view struct {
	ctx context.Context
	tx  pgx.Tx
}

func (v *view) Heads() ([]audit.Head, error) {
	rows, err := v.tx.Query(v.ctx, selectHeads)
	if err != nil {
		return nil, fmt.Errorf("reading the chains: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (audit.Head, error) {
		var h audit.Head
		var hash, removed []byte
		err := row.Scan((*[16]byte)(&h.ID), &h.Number, &hash, &h.Removed, &removed)
		copy(h.Hash[:], hash)
		copy(h.RemovedHash[:], removed)
		return h, err
	})
}

func (v *view) Chain(chain edm.Guid, after int64) iter.Seq2[audit.Record, error] {
	return v.records(selectChain, [16]byte(chain), after)
}

func (v *view) ByTime(since, until time.Time) iter.Seq2[audit.Record, error] {
	from, to := audit.Micros(since, until)
	return v.records(selectByTime, from, to)
}

func (v *view) records(query string, args ...any) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		rows, err := v.tx.Query(v.ctx, query, args...)
		if err != nil {
			yield(audit.Record{}, fmt.Errorf("reading records: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			if r, err := scanRecord(rows); !yield(r, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(audit.Record{}, fmt.Errorf("reading records: %w", err))
		}
	}
}

func scanRecord(rows pgx.Rows) (audit.Record, error) {
	var r audit.Record
	var at int64
	var hash []byte
	err := rows.Scan((*[16]byte)(&r.Chain), &r.Number, &at, &r.Action, (*[16]byte)(&r.Key.Tenant), &r.Key.ID, (*int64)(&r.Before), (*int64)(&r.After),
		&r.Author.Subject, &r.Author.App, &r.Author.Token, &r.Author.Request, &r.Changes, &hash)
	r.Time = time.UnixMicro(at).UTC()
	copy(r.Hash[:], hash)
	return r, err
}

func (v *view) Strays() ([]edm.Guid, error) {
	rows, err := v.tx.Query(v.ctx, selectStrays)
	if err != nil {
		return nil, fmt.Errorf("looking for chains without a head: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (edm.Guid, error) {
		var chain edm.Guid
		err := row.Scan((*[16]byte)(&chain))
		return chain, err
	})
}

func (v *view) Unrecorded() ([]pfx.Key, error) {
	rows, err := v.tx.Query(v.ctx, selectUnrecorded)
	if err != nil {
		return nil, fmt.Errorf("looking for changes without a record: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (pfx.Key, error) {
		var k pfx.Key
		err := row.Scan((*[16]byte)(&k.Tenant), &k.ID)
		return k, err
	})
}
