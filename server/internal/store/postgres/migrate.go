package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
)

// migrations are all steps from an empty database to the current tables. Only add steps: databases exist that have run the
// present ones.
//
//go:embed migrations/*.sql
var migrations embed.FS

// unlocked are the steps that run outside a transaction, so that others can read and write the table.
var unlocked = map[int64]func(context.Context, *sql.DB) error{2: slimIndexes}

const (
	// versionTable records the steps that have run.
	versionTable = "pfxr_migration"
	// migrationLock is the advisory lock of a migration, "pfxr" in ASCII: one at a time for each database.
	migrationLock = 0x70667872
	// lockPoll is how often a starting server checks whether another server's migration has ended.
	lockPoll = 50 * time.Millisecond
)

// migrate migrates the database to the current schema and returns the versions before and after.
func migrate(ctx context.Context, db *sql.DB) (int64, int64, error) {
	return migrateWith(ctx, db, goose.WithLocker(&locker{}))
}

// locker holds the advisory lock of a migration in its own transaction, while the steps run on another connection. A
// session lock would fail behind a pooler, which gives the session's next transaction to another backend: the lock would
// stay with the first one, which cannot be reached.
type locker struct{ tx *sql.Tx }

// Lock begins the transaction. It ignores the limits of the role, since it is idle for as long as a migration takes.
func (l *locker) Lock(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	// The transaction must outlive this context. It must have no snapshot between its statements: CREATE INDEX CONCURRENTLY
	// waits for all older snapshots.
	tx, err := db.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("locking the schema: %w", err)
	}
	if _, err = tx.ExecContext(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err == nil {
		err = await(ctx, tx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("locking the schema: %w", err), tx.Rollback())
	}
	l.tx = tx
	return nil
}

// await polls the lock until it is free. A statement that waits for it would hold a snapshot, for which CREATE INDEX
// CONCURRENTLY of the lock's holder would wait. So would the portal that the extended protocol leaves open.
func await(ctx context.Context, tx *sql.Tx) error {
	query := fmt.Sprintf("SELECT pg_try_advisory_xact_lock(%d)", migrationLock)
	again := time.NewTicker(lockPoll)
	defer again.Stop()
	for {
		var locked bool
		err := tx.QueryRowContext(ctx, query, pgx.QueryExecModeSimpleProtocol).Scan(&locked)
		if err != nil || locked {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Unlock ends the transaction. An error means that the lock was lost before; the migration has its own outcome.
func (l *locker) Unlock(context.Context, *sql.DB) error { return l.tx.Rollback() }

func migrateWith(ctx context.Context, db *sql.DB, options ...goose.ProviderOption) (int64, int64, error) {
	provider, err := newProvider(db, options)
	if err != nil {
		return 0, 0, err
	}
	return up(ctx, db, provider)
}

func newProvider(db *sql.DB, options []goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	for version, run := range unlocked {
		options = append(options, goose.WithGoMigrations(goose.NewGoMigration(version, &goose.GoFunc{RunDB: run}, nil)))
	}
	return goose.NewProvider(goose.DialectPostgres, db, files,
		append(options, goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))...)
}

// up applies the missing steps. It checks before it locks, because usually none is missing. Where the lock has no effect,
// other servers may apply a step at the same time, and some attempts fail: it is enough that the step has run.
func up(ctx context.Context, db *sql.DB, provider *goose.Provider) (int64, int64, error) {
	sources := provider.ListSources()
	want := sources[len(sources)-1].Version
	from, err := schemaVersion(ctx, db)
	if err != nil || from >= want {
		return from, from, errors.Join(err, checkVersion(from, want))
	}
	for try := 1; ; try++ {
		_, err = provider.Up(ctx)
		got, err2 := schemaVersion(ctx, db)
		if err2 != nil {
			return from, from, errors.Join(err, err2)
		}
		if got >= want {
			return from, got, checkVersion(got, want)
		}
		if try == maxTries || !pause(ctx, maxTries) {
			return from, got, fmt.Errorf("bringing the schema from version %d to %d: %w", from, want, err)
		}
	}
}

func checkVersion(got, want int64) error {
	if got > want {
		return fmt.Errorf("its schema version %d is newer than this program's %d: use the release that wrote it, or a later one", got, want)
	}
	return nil
}

// schemaVersion returns the last step that has run, 0 in an empty database.
func schemaVersion(ctx context.Context, db *sql.DB) (int64, error) {
	var version sql.NullInt64
	err := db.QueryRowContext(ctx, "SELECT max(version_id) FROM "+versionTable).Scan(&version)
	const undefinedTable = "42P01"
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == undefinedTable {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the schema version: %w", err)
	}
	return version.Int64, nil
}
