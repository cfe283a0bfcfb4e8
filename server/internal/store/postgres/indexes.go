package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// lookups are the members that always have an index (tenant_id, member, id): a page of the requests with a value is one
// range of it, in page order. Clients look requests up by them, and they rarely change.
var lookups = []string{"userId", "deviceId", "profileId", "thumbprint", "deviceKeyThumbprint"}

// indexable are the members that have an index only if the operator asks for it, because updates change them. Without an
// index on them, an update stays on its page and touches no index (a HOT update). With all of them, each update wrote
// twelve indexes, and on 10 million rows took 2.7 times as long as on 10,000.
var indexable = func() []string {
	var names []string
	for i := range pfx.Changeable {
		if name := pfx.Changeable[i].Name; !slices.Contains(lookups, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}()

// fillfactor leaves room for three more versions of a request on each page of 27, for HOT updates.
const fillfactor = 85

// CheckIndexes returns an error if a member cannot have its own index, or always has one.
func CheckIndexes(members []string) error {
	for _, m := range members {
		if slices.Contains(lookups, m) || m == "id" {
			return fmt.Errorf("the member %q always has an index", m)
		}
		if !slices.Contains(indexable, m) {
			return fmt.Errorf("there can be no index on %q: want one of %s", m, strings.Join(indexable, ", "))
		}
	}
	return nil
}

// table is the table of requests during a migration, while other servers read and write it.
type table struct {
	db *sql.DB
	// partitioned tables support neither CONCURRENTLY nor their own fillfactor.
	partitioned bool
}

func openTable(ctx context.Context, db *sql.DB) (*table, error) {
	t := &table{db: db}
	err := db.QueryRowContext(ctx, "SELECT relkind = 'p' FROM pg_class WHERE oid = 'request'::regclass").Scan(&t.partitioned)
	if err != nil {
		return nil, fmt.Errorf("looking at the table: %w", err)
	}
	return t, nil
}

// concurrently returns the keyword that lets others read and write while an index is created or dropped.
func (t *table) concurrently() string {
	if t.partitioned {
		return ""
	}
	return " CONCURRENTLY"
}

// slimIndexes is the migration that drops the indexes on members that updates change and leaves room for HOT updates. It
// may be interrupted and run again.
func slimIndexes(ctx context.Context, db *sql.DB) error {
	t, err := openTable(ctx, db)
	if err != nil {
		return err
	}
	if err := t.leaveRoom(ctx); err != nil {
		return err
	}
	for _, member := range indexable {
		found, err := t.indexesOn(ctx, filterColumn(pfx.MemberNamed(member)))
		if err != nil {
			return err
		}
		for _, index := range found {
			if err := patiently(ctx, func() error { return t.drop(ctx, index.name) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// patiently retries fn, for as long as a migration may take, while an open transaction has read the table, such as that of
// a backup. Nothing waits behind it.
func patiently(ctx context.Context, fn func() error) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	const lockNotAvailable = "55P03"
	for {
		err := fn()
		if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != lockNotAvailable || ctx.Err() != nil {
			return err
		}
	}
}

// leaveRoom sets the fillfactor of the table or of its partitions. It applies to pages written from now on.
func (t *table) leaveRoom(ctx context.Context) error {
	names := []string{"request"}
	if t.partitioned {
		var err error
		names, err = t.strings(ctx, "SELECT relid::regclass::text FROM pg_partition_tree('request') WHERE isleaf")
		if err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := t.exec(ctx, fmt.Sprintf("ALTER TABLE %s SET (fillfactor = %d)", name, fillfactor)); err != nil {
			return err
		}
	}
	return nil
}

// index is an index of the table, valid unless its creation was interrupted.
type index struct {
	name  string // quoted if necessary
	valid bool
}

// indexesOn returns the indexes (tenant_id, column, id). It finds them by definition and not by name: a table that was
// partitioned by hand has other names.
func (t *table) indexesOn(ctx context.Context, column string) ([]index, error) {
	const query = `
SELECT i.indexrelid::regclass::text, i.indisvalid FROM pg_index i
WHERE i.indrelid = 'request'::regclass AND NOT i.indisunique AND i.indpred IS NULL AND ARRAY['tenant_id', $1::text, 'id'] = (
	SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
	JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number)`
	rows, err := t.db.QueryContext(ctx, query, column)
	if err != nil {
		return nil, fmt.Errorf("reading the indexes: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has the error
	var found []index
	for rows.Next() {
		var i index
		if err := rows.Scan(&i.name, &i.valid); err != nil {
			return nil, fmt.Errorf("reading the indexes: %w", err)
		}
		found = append(found, i)
	}
	return found, rows.Err()
}

// ensure creates an index on a column unless there is one. It replaces an index whose creation was interrupted.
func (t *table) ensure(ctx context.Context, column string) error {
	found, err := t.indexesOn(ctx, column)
	if err != nil {
		return err
	}
	for _, index := range found {
		if index.valid {
			return nil
		}
		if err := t.drop(ctx, index.name); err != nil {
			return err
		}
	}
	return t.exec(ctx, fmt.Sprintf("CREATE INDEX%s ON request (tenant_id, %s, id)", t.concurrently(), column))
}

func (t *table) drop(ctx context.Context, name string) error {
	return t.exec(ctx, fmt.Sprintf("DROP INDEX%s IF EXISTS %s", t.concurrently(), name))
}

func (t *table) exec(ctx context.Context, statement string) error {
	if _, err := t.db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func (t *table) strings(ctx context.Context, query string) ([]string, error) {
	rows, err := t.db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("reading the partitions: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has the error
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("reading the partitions: %w", err)
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// ensureIndexes creates the missing indexes on the members, while others read and write. If several servers start at once,
// one of them does.
func ensureIndexes(ctx context.Context, db *sql.DB, members []string) error {
	if len(members) == 0 {
		return nil
	}
	var l locker
	if err := l.Lock(ctx, db); err != nil {
		return err
	}
	t, err := openTable(ctx, db)
	for _, m := range members {
		if err == nil {
			err = patiently(ctx, func() error { return t.ensure(ctx, filterColumn(pfx.MemberNamed(m))) })
		}
	}
	return errors.Join(err, l.Unlock(ctx, db))
}
