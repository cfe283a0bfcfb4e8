package postgres

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
)

// lookupColumns are the columns of the indexes that always exist, ordered by name.
var lookupColumns = []string{"device_id", "device_key_thumbprint", "profile_id", "thumbprint", "user_id"}

// TestIndexes opens databases of the first release, where a status change had to write twelve indexes.
func TestIndexes(t *testing.T) {
	t.Parallel()

	// Other clients write, one reads for long, and three servers start at once.
	t.Run("changeWhileOthersWork", func(t *testing.T) {
		t.Parallel()
		dsn := firstRelease(t, "")
		writing, stop := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		written := make(chan struct{}, 1)
		writer.Go(func() { write(writing, t, dsn, written) })
		<-written
		reader, err := pgx.Connect(t.Context(), dsn)
		check(t, err)
		defer reader.Close(context.WithoutCancel(t.Context()))
		tx, err := reader.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		check(t, err)
		_, err = tx.Exec(t.Context(), "SELECT count(*) FROM request")
		check(t, err)
		var starting sync.WaitGroup
		for range 3 {
			starting.Go(func() {
				s, err := Open(t.Context(), Config{URL: dsn, Index: []string{"status", "eTag"}})
				if err != nil {
					t.Error(err)
					return
				}
				check(t, s.Close())
			})
		}
		<-written // while the migration waits for the reader
		check(t, tx.Rollback(t.Context()))
		starting.Wait()
		stop()
		writer.Wait()
		wantIndexes(t, dsn, slices.Sorted(slices.Values(append([]string{"e_tag", "status"}, lookupColumns...))))
	})

	// An index that CREATE INDEX CONCURRENTLY has left unfinished does not count.
	t.Run("unfinishedIsReplaced", func(t *testing.T) {
		t.Parallel()
		dsn := firstRelease(t, "")
		mustOpen(t, Config{URL: dsn}, true)
		wantIndexes(t, dsn, lookupColumns)
		conn, err := pgx.Connect(t.Context(), dsn)
		check(t, err)
		defer conn.Close(context.WithoutCancel(t.Context()))
		for _, sql := range []string{
			"CREATE INDEX left_over ON request (tenant_id, status, id)",
			"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'left_over'::regclass",
		} {
			_, err = conn.Exec(t.Context(), sql)
			check(t, err)
		}
		for range 2 {
			mustOpen(t, Config{URL: dsn, Index: []string{"status"}}, true)
			wantIndexes(t, dsn, slices.Sorted(slices.Values(append([]string{"status"}, lookupColumns...))))
		}
	})

	// As in the package's documentation.
	t.Run("changeInPartitions", func(t *testing.T) {
		t.Parallel()
		dsn := firstRelease(t, `
ALTER TABLE request RENAME TO request_whole;
CREATE TABLE request (LIKE request_whole INCLUDING ALL) PARTITION BY HASH (tenant_id);
CREATE TABLE request_0 PARTITION OF request FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE request_1 PARTITION OF request FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO request SELECT * FROM request_whole;`)
		s := mustOpen(t, Config{URL: dsn, Index: []string{"status"}}, true)
		wantIndexes(t, dsn, slices.Sorted(slices.Values(append([]string{"status"}, lookupColumns...))))
		if got := query[string](t, s, "SELECT string_agg(reloptions::text, ' ') FROM pg_class WHERE relname IN ('request_0', 'request_1')"); got != "{fillfactor=85} {fillfactor=85}" {
			t.Errorf("got options %s of the partitions", got)
		}
	})

	for name, tt := range map[string]struct{ member, want string }{
		"unknown": {"colour", `there can be no index on "colour": want one of createdTime, eTag, isDeleted, lastModifiedTime, `},
		"tenant":  {"tenantId", `there can be no index on "tenantId"`},
		"always":  {"userId", `the member "userId" always has an index`},
	} {
		t.Run(name+"IsRefused", func(t *testing.T) {
			t.Parallel()
			if _, err := Open(t.Context(), Config{URL: "postgres://h/d", Index: []string{tt.member}}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// firstRelease returns a database that the first release has written, after a change by its operator.
func firstRelease(t *testing.T, change string) string {
	t.Helper()
	dump, err := os.ReadFile(earlier(1))
	check(t, err)
	dsn := postgrestest.Database(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	check(t, err)
	_, err = conn.Exec(t.Context(), string(dump)+"; SET search_path = public;"+change)
	check(t, errors.Join(err, conn.Close(context.WithoutCancel(t.Context()))))
	return dsn
}

// write changes rows until ctx ends, and sends to written after each time.
func write(ctx context.Context, t *testing.T, dsn string, written chan<- struct{}) {
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for ctx.Err() == nil {
		if _, err := conn.Exec(t.Context(), "UPDATE request SET status = (status + 1) % 1000"); err != nil {
			t.Error(err)
			return
		}
		select {
		case written <- struct{}{}:
		default:
		}
	}
}

// wantIndexes expects valid indexes (tenant_id, column, id) on exactly these columns.
func wantIndexes(t *testing.T, dsn string, want []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	check(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), `SELECT substring(pg_get_indexdef(indexrelid) FROM '\(tenant_id, (\w+), id\)') || CASE WHEN indisvalid THEN '' ELSE ' (invalid)' END
		FROM pg_index WHERE indrelid = 'request'::regclass AND NOT indisunique ORDER BY 1`)
	check(t, err)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(t, err)
	if !slices.Equal(got, want) {
		t.Errorf("got indexes on %v, want %v", got, want)
	}
}
