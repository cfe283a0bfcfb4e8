package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

// lastVersion returns this program's schema version.
func lastVersion(t *testing.T) int64 {
	t.Helper()
	files, err := fs.Glob(migrations, "migrations/*.sql")
	check(t, err)
	return int64(len(files) + len(unlocked))
}

func TestMigrate(t *testing.T) {
	t.Parallel()

	t.Run("manyAtOnceOnANewDatabase", func(t *testing.T) {
		t.Parallel()
		dsn := postgrestest.Database(t)
		var wg sync.WaitGroup
		for n := range 6 {
			wg.Go(func() {
				s, err := Open(t.Context(), Config{URL: dsn})
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				if _, err := s.Insert(t.Context(), storetest.Request(tenant, fmt.Sprint(n))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n, err := mustOpen(t, Config{URL: dsn}, true).Count(t.Context(), tenant, nil); err != nil || n != 6 {
			t.Errorf("got %d requests, %v, want 6", n, err)
		}
	})

	// As on a database whose advisory locks lock nothing.
	t.Run("manyAtOnceWithoutALock", func(t *testing.T) {
		t.Parallel()
		settings, err := Config{URL: postgrestest.Database(t)}.settings()
		check(t, err)
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				db := stdlib.OpenDB(*settings.migrate)
				defer db.Close()
				if _, to, err := migrateWith(t.Context(), db); err != nil || to != lastVersion(t) {
					t.Errorf("got version %d, %v", to, err)
				}
			})
		}
		wg.Wait()
	})

	for name, tt := range map[string]struct{ prepare, want string }{
		"newerSchema": {"CREATE TABLE pfxr_migration (id int, version_id bigint, is_applied boolean, tstamp timestamp); INSERT INTO pfxr_migration VALUES (1, 1000, true, now())",
			fmt.Sprintf("its schema version 1000 is newer than this program's %d: use the release that wrote it, or a later one", lastVersion(t))},
		"foreignTable": {"CREATE TABLE request (a int); INSERT INTO request VALUES (1)", `relation "request" already exists`},
	} {
		t.Run(name+"IsRefused", func(t *testing.T) {
			t.Parallel()
			dsn := postgrestest.Database(t)
			conn, err := pgx.Connect(t.Context(), dsn)
			check(t, err)
			defer conn.Close(context.Background())
			for sql := range strings.SplitSeq(tt.prepare, ";") {
				_, err = conn.Exec(t.Context(), sql)
				check(t, err)
			}
			s, err := Open(t.Context(), Config{URL: dsn})
			if s != nil || err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v, %v, want one line with %q", s, err, tt.want)
			}
			var tables int
			check(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relname LIKE 'request_%'").Scan(&tables))
			if tables != 0 {
				t.Errorf("got %d relations of this program, want none", tables)
			}
		})
	}
}
