package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/copying"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/sqlite"
)

// store is the interface of all kinds of store.
type store interface {
	pfx.Store
	copying.Target
	audit.Trail
}

// storeConfig selects and configures a store. Only DSN is required.
type storeConfig struct {
	DSN   string
	Index []string // for PostgreSQL
	Audit audit.Mode
}

// openStore returns an untyped nil with an error: the caller would close an interface that holds a nil pointer.
func openStore(ctx context.Context, c storeConfig, log *slog.Logger) (store, error) {
	if isPostgres(c.DSN) {
		s, err := postgres.Open(ctx, postgres.Config{URL: c.DSN, Index: c.Index, Audit: c.Audit, Log: log})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	s, err := sqlite.Open(ctx, sqlite.Config{Path: sqlitePath(c.DSN), Audit: c.Audit, Log: log})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openExisting opens a store that exists already: opening a missing file would create it.
func openExisting(ctx context.Context, dsn string, log *slog.Logger) (store, error) {
	if path := sqlitePath(dsn); path != "" {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
	}
	return openStore(ctx, storeConfig{DSN: dsn}, log)
}

// checkIndex returns an error if the store cannot have indexes on these members.
func checkIndex(dsn string, members []string) error {
	if len(members) > 0 && !isPostgres(dsn) {
		return errors.New("--index needs a store in PostgreSQL: a file is always scanned, which takes 0.3 s for a million objects")
	}
	if err := postgres.CheckIndexes(members); err != nil {
		return fmt.Errorf("--index: %w", err)
	}
	return nil
}

func isStore(dsn string) bool { return isPostgres(dsn) || sqlitePath(dsn) != "" }

// sqlitePath returns the file of sqlite:FILE, or "".
func sqlitePath(dsn string) string {
	path, ok := strings.CutPrefix(dsn, "sqlite:")
	if !ok {
		return ""
	}
	return path
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// isSameStore reports whether two addresses are known to name one store.
func isSameStore(a, b string) bool {
	if isPostgres(a) && isPostgres(b) {
		return postgres.SameDatabase(a, b)
	}
	return !isPostgres(a) && !isPostgres(b) && sqlite.SameFile(sqlitePath(a), sqlitePath(b))
}
