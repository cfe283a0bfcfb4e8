package app

import (
	"context"
	"log/slog"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/copying"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/sqlite"
)

// store is what every kind of store can do.
type store interface {
	pfx.Store
	copying.Target
}

// openStore returns nil with an error: an interface that holds a nil pointer would be closed.
func openStore(ctx context.Context, dsn string, log *slog.Logger) (store, error) {
	if isPostgres(dsn) {
		s, err := postgres.Open(ctx, postgres.Config{URL: dsn, Log: log})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	s, err := sqlite.Open(ctx, sqlite.Config{Path: sqlitePath(dsn), Log: log})
	if err != nil {
		return nil, err
	}
	return s, nil
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

// isSameStore reports whether two addresses are seen to be of one store.
func isSameStore(a, b string) bool {
	if isPostgres(a) && isPostgres(b) {
		return postgres.SameDatabase(a, b)
	}
	return !isPostgres(a) && !isPostgres(b) && sqlite.SameFile(sqlitePath(a), sqlitePath(b))
}
