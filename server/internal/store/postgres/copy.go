package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
)

var (
	// The limit is in the text: a plan for any limit might sort the table for each page.
	scanPage = `
SELECT request.tenant_id, ` + columns + `
FROM request WHERE (tenant_id, id) > ($1, $2) ORDER BY tenant_id, id LIMIT 1000`

	putGroup = `
INSERT INTO request (` + each("%[1]s", stored, 1) + `)
SELECT * FROM unnest(` + arrays + `)
ON CONFLICT (tenant_id, id) DO UPDATE SET ` + each("%[1]s = excluded.%[1]s", changed, 3)
)

const (
	scanPageLen = 1000

	removeGroup = `
DELETE FROM request USING unnest($1::uuid[], $2::text[]) AS key (tenant_id, id)
WHERE request.tenant_id = key.tenant_id AND request.id = key.id`

	// patience replaces the connection's limits, which suit waiting callers, for the current transaction. One with some
	// thousand rows takes longer, and one that scans is idle while its data is stored elsewhere.
	patience = `
SELECT set_config('statement_timeout', '5min', true), set_config('lock_timeout', '30s', true),
	set_config('idle_in_transaction_session_timeout', '0', true)`
)

// Scan returns requests, as copying.Source says: pages of one transaction, all as of its start. During a scan, VACUUM keeps
// rows that others delete or replace.
func (s *Store) Scan(ctx context.Context, after pfx.Key) iter.Seq2[pfx.Request, error] {
	return func(yield func(pfx.Request, error) bool) {
		err := s.transact(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			return scanAll(ctx, tx, after, yield)
		})
		switch {
		case err == nil || errors.Is(err, errEnough):
		case ctx.Err() != nil:
			yield(pfx.Request{}, store.GivenUpError(ctx))
		default:
			yield(pfx.Request{}, readError(err))
		}
	}
}

// errEnough ends a scan whose caller wants no more.
var errEnough = errors.New("enough")

// scanAll yields each request until the caller wants no more; then its error is errEnough.
func scanAll(ctx context.Context, tx pgx.Tx, after pfx.Key, yield func(pfx.Request, error) bool) error {
	for {
		page, err := readPage(ctx, tx, after)
		if err != nil {
			return err
		}
		for i := range page {
			if !yield(page[i], nil) {
				return errEnough
			}
		}
		if len(page) < scanPageLen {
			return nil
		}
		after = page[len(page)-1].Key()
	}
}

func readPage(ctx context.Context, tx pgx.Tx, after pfx.Key) ([]pfx.Request, error) {
	rows, err := tx.Query(ctx, scanPage, [16]byte(after.Tenant), after.ID)
	if err != nil {
		return nil, fmt.Errorf("scanning requests: %w", err)
	}
	defer rows.Close()
	page := make([]pfx.Request, 0, scanPageLen)
	for rows.Next() {
		var r pfx.Request
		if err := scan(rows, &r, (*[16]byte)(&r.TenantID)); err != nil {
			return nil, err
		}
		page = append(page, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("scanning requests: %w", err)
	}
	return page, nil
}

// Put stores requests, as copying.Target says, with one statement.
func (s *Store) Put(ctx context.Context, requests []pfx.Request) error {
	return s.execMany(ctx, "putting requests", s.sql.putGroup, columnArguments(len(requests), func(i int) *pfx.Request { return &requests[i] }))
}

// Remove removes requests, as copying.Target says, with one statement.
func (s *Store) Remove(ctx context.Context, keys []pfx.Key) error {
	tenants, ids := make([][16]byte, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		tenants[i], ids[i] = k.Tenant, k.ID
	}
	return s.execMany(ctx, "removing requests", removeGroup, []any{tenants, ids})
}

// execMany runs a statement for many requests, as its own transaction. Unlike a single change it may be canceled while it
// runs: a copy compares the stores before it continues.
func (s *Store) execMany(ctx context.Context, doing, sql string, args []any) error {
	err := s.transact(ctx, pgx.TxOptions{}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sql, args...); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		return nil
	})
	if err != nil {
		return writeError(err)
	}
	return nil
}

// transact runs fn in a transaction on its own connection, with the time limits of a copy.
func (s *Store) transact(ctx context.Context, options pgx.TxOptions, fn func(pgx.Tx) error) error {
	c, err := s.acquire(ctx, s.pool)
	if err != nil {
		return err
	}
	defer s.release(c)
	err = pgx.BeginTxFunc(ctx, c, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, patience); err != nil {
			return fmt.Errorf("setting limits: %w", err)
		}
		return fn(tx)
	})
	if err != nil && ctx.Err() == nil {
		s.note(c, err)
	}
	return err
}

// SameDatabase reports whether two addresses name the same server, database and schema, whatever the user. It does not
// detect two names of one server.
func SameDatabase(a, b string) bool {
	one, err1 := Config{URL: a}.settings()
	other, err2 := Config{URL: b}.settings()
	if err1 != nil || err2 != nil {
		return a == b
	}
	x, y := one.pool.ConnConfig, other.pool.ConnConfig
	return x.Host == y.Host && x.Port == y.Port && x.Database == y.Database &&
		x.RuntimeParams["search_path"] == y.RuntimeParams["search_path"] && x.RuntimeParams["options"] == y.RuntimeParams["options"]
}
