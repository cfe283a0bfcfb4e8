package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
)

// The statements of the audit trail.
const (
	recordColumns = `chain, number, time, action, tenant_id, object_id, before, after, subject, app, token, request, changes, hash`

	insertRecords = `
INSERT INTO audit_record (` + recordColumns + `)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::bigint[], $8::bigint[],
	$9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bytea[])
ON CONFLICT DO NOTHING`

	// putHead takes no chain back. What was removed here stays as it is, unless the source of a copy has removed records that
	// never came here.
	putHead = `
INSERT INTO audit_chain (chain, number, hash, removed, removed_hash) VALUES ($1, $2, $3, $4, $5)` + headConflict

	headConflict = `
ON CONFLICT (chain) DO UPDATE SET number = excluded.number, hash = excluded.hash,
	removed = CASE WHEN excluded.removed > audit_chain.number THEN excluded.removed ELSE audit_chain.removed END,
	removed_hash = CASE WHEN excluded.removed > audit_chain.number THEN excluded.removed_hash ELSE audit_chain.removed_hash END
WHERE excluded.number > audit_chain.number`

	selectHeads  = `SELECT chain, number, hash, removed, removed_hash FROM audit_chain ORDER BY chain`
	selectStrays = `SELECT DISTINCT chain FROM audit_record WHERE chain NOT IN (SELECT chain FROM audit_chain) ORDER BY chain`

	selectChain  = `SELECT ` + recordColumns + ` FROM audit_record WHERE chain = $1 AND number > $2 ORDER BY number`
	selectByTime = `SELECT ` + recordColumns + ` FROM audit_record WHERE time >= $1 AND time < $2 ORDER BY time, chain, number`

	selectUnrecorded = `
SELECT r.tenant_id, r.id FROM audit_record a JOIN request r ON r.tenant_id = a.tenant_id AND r.id = a.object_id
GROUP BY r.tenant_id, r.id HAVING count(*) FILTER (WHERE a.after = r.version) <> 1 ORDER BY r.tenant_id, r.id`

	// prune removes the records of a chain before the first one that is young enough, and keeps the number and the hash of
	// the last one that it removes.
	prune = `
WITH gone AS (DELETE FROM audit_record WHERE chain = $1 AND number < coalesce(
	(SELECT min(number) FROM audit_record WHERE chain = $1 AND time >= $2), 9223372036854775807) RETURNING number, hash),
last AS (SELECT number, hash FROM gone ORDER BY number DESC LIMIT 1),
noted AS (UPDATE audit_chain SET removed = last.number, removed_hash = last.hash FROM last WHERE chain = $1)
SELECT count(*) FROM gone`
)

// recorded returns a statement that changes one row and records that, if it does, in the same transaction. Its parameters
// follow those of the statement, of which there are n.
func recorded(statement string, n int) string {
	var values []string
	for i, kind := range []string{"uuid", "bigint", "bigint", "text", "uuid", "text", "bigint", "bigint", "text", "text", "text", "text", "text", "bytea"} {
		values = append(values, fmt.Sprintf("$%d::%s", n+1+i, kind))
	}
	return "WITH changed AS (" + statement + "\nRETURNING 1), recorded AS (\nINSERT INTO audit_record (" + recordColumns + ")\nSELECT " +
		strings.Join(values, ", ") + " FROM changed RETURNING chain, number, hash)\n" +
		`INSERT INTO audit_chain (chain, number, hash, removed, removed_hash)
SELECT chain, number, hash, 0, decode(repeat('00', 32), 'hex') FROM recorded` + headConflict
}

// chains are those that no writer uses at the moment. There are as many as there were ever writers at the same time.
type chains struct{ free chan audit.Chain }

func newChains() chains { return chains{make(chan audit.Chain, 64)} }

// take returns a chain that nobody else uses.
func (c chains) take() audit.Chain {
	select {
	case chain := <-c.free:
		return chain
	default:
		return audit.NewChain()
	}
}

// put gives a chain back, as the database has it. A chain of which nobody knows whether its last record was stored is not
// given back: nothing more is added to it.
func (c chains) put(chain audit.Chain) {
	if chain.Number == 0 {
		return // it was never stored
	}
	select {
	case c.free <- chain:
	default:
	}
}

// change is one of a request, for its record.
type change struct {
	author        pfx.Author
	before, after *pfx.Request // nil for a creation and for a deletion
}

// changeOne runs a statement that changes one row, a transaction of its own, and reports how many rows that has changed.
func (s *Store) changeOne(ctx context.Context, doing string, statement *recordable, change change, args ...any) (int64, error) {
	return s.change(ctx, func(ctx context.Context, q querier) (int64, error) {
		return s.execRecorded(ctx, q, doing, statement, change, args)
	})
}

// storeSingle stores an entry that was changed once, if the database still has it as it was loaded. Else it returns the entry.
func (s *Store) storeSingle(ctx context.Context, q querier, e *entry) ([]*entry, error) {
	n, err := s.execRecorded(ctx, q, "updating a request", &s.sql.update, e.changes[0], updateArguments(e.request, e.stored))
	if err != nil || n == 1 {
		return nil, err
	}
	return []*entry{e}, nil
}

// execRecorded runs a statement that changes one row, with the record of that.
func (s *Store) execRecorded(ctx context.Context, q querier, doing string, statement *recordable, change change, args []any) (int64, error) {
	if s.audit == audit.Off {
		return execOne(ctx, q, doing, statement.plain, args)
	}
	chain := s.chains.take()
	next := chain
	record := s.newRecord(change)
	next.Append(&record)
	n, err := execOne(ctx, q, doing, statement.recorded, append(args, recordArguments(&record)...))
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

func (s *Store) newRecord(c change) audit.Record {
	return audit.NewRecord(s.audit, time.Now(), c.author, c.before, c.after)
}

func recordArguments(r *audit.Record) []any {
	return []any{[16]byte(r.Chain), r.Number, r.Time.UnixMicro(), r.Action, [16]byte(r.Key.Tenant), r.Key.ID, int64(r.Before), int64(r.After),
		r.Author.Subject, r.Author.App, r.Author.Token, r.Author.Request, r.Changes, r.Hash[:]}
}

// recordColumnArguments are the arguments of insertRecords, an array for each column.
func recordColumnArguments(records []audit.Record) []any {
	n := len(records)
	chains, tenants := make([][16]byte, n), make([][16]byte, n)
	numbers, times, befores, afters := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	actions, ids, subjects, apps := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	tokens, requests, changes := make([]string, n), make([]string, n), make([]string, n)
	hashes := make([][]byte, n)
	for i := range records {
		r := &records[i]
		chains[i], tenants[i] = r.Chain, r.Key.Tenant
		numbers[i], times[i], befores[i], afters[i] = r.Number, r.Time.UnixMicro(), int64(r.Before), int64(r.After)
		actions[i], ids[i], subjects[i], apps[i] = r.Action, r.Key.ID, r.Author.Subject, r.Author.App
		tokens[i], requests[i], changes[i] = r.Author.Token, r.Author.Request, r.Changes
		hashes[i] = r.Hash[:]
	}
	return []any{chains, numbers, times, actions, tenants, ids, befores, afters, subjects, apps, tokens, requests, changes, hashes}
}

// storeRecorded stores the entries as storeGroup does, and their changes in the same transaction, which is open for one more
// round trip: only the database knows which entries it still has as they were loaded.
func (s *Store) storeRecorded(ctx context.Context, c *pgxpool.Conn, entries []*entry) ([]*entry, error) {
	chain := s.chains.take()
	next := chain
	moved, err := s.storeInTransaction(ctx, c, entries, &next)
	switch {
	case err == nil:
		s.chains.put(next)
	case fateOf(err) != unknown || errors.Is(err, errUncommitted):
		s.chains.put(chain)
	}
	return moved, err
}

func (s *Store) storeInTransaction(ctx context.Context, c *pgxpool.Conn, entries []*entry, chain *audit.Chain) ([]*entry, error) {
	moved, err := s.sql.beginGroup(ctx, c, entries)
	if err != nil {
		err = errors.Join(errUncommitted, err)
	} else {
		err = s.commitGroup(ctx, c, s.records(entries, moved, chain), chain)
	}
	if err != nil && !c.Conn().IsClosed() && c.Conn().PgConn().TxStatus() != 'I' {
		if _, err := c.Exec(ctx, "ROLLBACK"); err != nil {
			s.drop(c)
		}
	}
	return moved, err
}

// beginGroup begins a transaction and stores those entries that the database still has as they were loaded. It returns the
// others.
func (s *statements) beginGroup(ctx context.Context, c *pgxpool.Conn, entries []*entry) ([]*entry, error) {
	var b pgx.Batch
	b.Queue("BEGIN")
	b.Queue(s.updateGroup, groupArguments(entries)...)
	results := c.SendBatch(ctx, &b)
	if _, err := results.Exec(); err != nil {
		return nil, errors.Join(fmt.Errorf("beginning a transaction: %w", err), results.Close())
	}
	rows, err := results.Query()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("updating requests: %w", err), results.Close())
	}
	moved, err := notStored(rows, entries)
	return moved, errors.Join(err, results.Close())
}

// commitGroup stores records and commits.
func (*Store) commitGroup(ctx context.Context, c *pgxpool.Conn, records []audit.Record, chain *audit.Chain) error {
	var b pgx.Batch
	if len(records) > 0 {
		b.Queue(insertRecords, recordColumnArguments(records)...)
		b.Queue(putHead, headArguments(&audit.Head{Chain: *chain})...)
	}
	b.Queue("COMMIT")
	if err := c.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("recording changes: %w", err)
	}
	return nil
}

func headArguments(h *audit.Head) []any {
	return []any{[16]byte(h.ID), h.Number, h.Hash[:], h.Removed, h.RemovedHash[:]}
}

// records makes the records of the entries but those that have moved.
func (s *Store) records(entries, moved []*entry, chain *audit.Chain) []audit.Record {
	not := make(map[*entry]bool, len(moved))
	for _, e := range moved {
		not[e] = true
	}
	var records []audit.Record
	for _, e := range entries {
		if not[e] {
			continue
		}
		for _, c := range e.changes {
			r := s.newRecord(c)
			chain.Append(&r)
			records = append(records, r)
		}
	}
	return records
}

// PutTrail stores records and heads, as [audit.Trail] says, in one transaction.
func (s *Store) PutTrail(ctx context.Context, heads []audit.Head, records []audit.Record) error {
	err := s.transact(ctx, pgx.TxOptions{}, func(tx pgx.Tx) error {
		var b pgx.Batch
		b.Queue(insertRecords, recordColumnArguments(records)...)
		for i := range heads {
			b.Queue(putHead, headArguments(&heads[i])...)
		}
		return tx.SendBatch(ctx, &b).Close()
	})
	if err != nil {
		return writeError(err)
	}
	return nil
}

// Prune removes old records, as [audit.Trail] says, a transaction for each chain.
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
		return givenUpError(ctx)
	}
	return readError(err)
}

// view is a trail in a transaction that reads.
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
