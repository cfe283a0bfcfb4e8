package postgres

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

var writeEarlier = flag.Bool("write-earlier", false, "write the dump of the present schema version into testdata, if there is none")

// earlier names the dump of a database that a release with that schema version has written. It contains storetest.Odd.
func earlier(version int64) string { return fmt.Sprintf("testdata/schema-%d.sql", version) }

// TestOpensWhatEarlierReleasesWrote opens a dump of every schema version, including the current one. When you add a
// migration, add a dump of the new version with
//
//	go test -run Earlier ./server/internal/store/postgres -write-earlier
func TestOpensWhatEarlierReleasesWrote(t *testing.T) {
	t.Parallel()
	last := lastVersion(t)
	if *writeEarlier {
		writeDump(t, earlier(last))
	}
	for version := int64(1); version <= last; version++ {
		t.Run(fmt.Sprint("schema-", version), func(t *testing.T) {
			t.Parallel()
			dump, err := os.ReadFile(earlier(version))
			check(t, err)
			dsn := postgrestest.Database(t)
			conn, err := pgx.Connect(t.Context(), dsn)
			check(t, err)
			_, err = conn.Exec(t.Context(), string(dump))
			check(t, errors.Join(err, conn.Close(context.WithoutCancel(t.Context()))))
			wantSchema(t, dsn, version)
			storetest.RunEarlier(t, mustOpen(t, Config{URL: dsn}, true))
			wantSchema(t, dsn, last)
		})
	}
}

func wantSchema(t *testing.T, dsn string, want int64) {
	t.Helper()
	c, err := pgx.ParseConfig(dsn)
	check(t, err)
	db := stdlib.OpenDB(*c)
	got, err := schemaVersion(t.Context(), db)
	if check(t, errors.Join(err, db.Close())); got != want {
		t.Errorf("got schema version %d, want %d", got, want)
	}
}

// ofPsql matches the lines of a dump that are psql commands and not SQL.
var ofPsql = regexp.MustCompile(`(?m)^\\.*\n`)

func writeDump(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s is there, %v: what a release has written is never written anew", name, err)
	}
	dsn := postgrestest.Database(t)
	s := mustOpen(t, Config{URL: dsn}, true)
	check(t, s.Put(t.Context(), storetest.Odd()))
	dump, err := exec.CommandContext(t.Context(), "pg_dump", "--no-owner", "--no-privileges", "--inserts", "--dbname", dsn).Output()
	check(t, err)
	check(t, os.WriteFile(name, ofPsql.ReplaceAll(dump, nil), 0o644)) // everybody may read it
}
