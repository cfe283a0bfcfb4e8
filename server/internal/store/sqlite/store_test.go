package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

var (
	tenant      = edm.Guid{0xf9, 0x88, 15: 0xf9}
	someTime, _ = edm.ParseDateTimeOffset("2017-01-01T00:03:18.9597070-08:00")
)

// openEnv makes the test binary a process that opens the store at its value and prints the error.
const openEnv = "PFXR_TEST_OPEN"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		updateUntilKilled(path)
	}
	if path := os.Getenv(openEnv); path != "" {
		openAndPrint(path)
	}
	goleak.VerifyTestMain(m)
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) pfx.Store { return openTemp(t) })
	storetest.RunCopy(t, func(t *testing.T) storetest.CopyStore { return openTemp(t) })
}

func TestAudit(t *testing.T) {
	t.Parallel()
	storetest.RunAudit(t, func(t *testing.T, mode audit.Mode) storetest.AuditStore {
		return mustOpen(t, Config{Path: tempPath(t), Audit: mode})
	}, func(t *testing.T, s storetest.AuditStore, sql string) {
		c, err := openConn(s.(*Store).path, time.Minute)
		check(t, err)
		check(t, errors.Join(sqlitex.ExecuteScript(c.Conn, asTable+sql+asBlocks, nil), c.Close()))
	})
}

// The statements between asTable and asBlocks see the records as a table and not as a view. The blocks are like those of
// schema version 2: each record has all its texts.
const (
	asTable = `
CREATE TEMP TABLE audit_record AS SELECT chain, number, time, action, tenant_id, object_id, before, after, subject, app, token,
	request, changes, hash FROM main.audit_record;
`
	asBlocks = `;
DELETE FROM audit_block;
INSERT INTO audit_block SELECT chain, min(number), json_group_array(json_array(time, action, hex(tenant_id), object_id, before, after,
	subject, app, token, request, changes, hex(hash)) ORDER BY number)
FROM (SELECT *, number - row_number() OVER (PARTITION BY chain ORDER BY number) AS run FROM temp.audit_record) GROUP BY chain, run`
)

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config Config
		want   string
	}{
		"noPath":         {Config{}, "Config.Path"},
		"tooFewReaders":  {Config{Path: "x", Readers: -1}, "Config.Readers is -1: want 1 to 64"},
		"tooManyReaders": {Config{Path: "x", Readers: 65}, "Config.Readers is 65: want 1 to 64"},
		"busyTooLong":    {Config{Path: "x", BusyTimeout: time.Hour}, "Config.BusyTimeout is 1h0m0s: want 1ms to 1m"},
		"busyIsNegative": {Config{Path: "x", BusyTimeout: -1}, "Config.BusyTimeout is -1ns"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), tt.config)
			if s != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want an error with %q", s, err, tt.want)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()

	t.Run("settingsAreInEffect", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		reader := <-s.readers
		defer func() { s.readers <- reader }()
		for name, c := range map[string]*conn{"writer": s.writer, "reader": reader} {
			for query, want := range map[string]string{
				"PRAGMA journal_mode": "wal", "PRAGMA synchronous": "2", "PRAGMA mmap_size": "0", "PRAGMA encoding": "UTF-8",
				"PRAGMA wal_autocheckpoint": "0", "PRAGMA journal_size_limit": "12582912",
				"PRAGMA application_id": fmt.Sprint(0x70667872), "PRAGMA user_version": fmt.Sprint(len(schema.Migrations)),
				"PRAGMA integrity_check": "ok",
			} {
				if got, err := c.text(query); err != nil || got != want {
					t.Errorf("%s: %s: got %q, %v, want %q", name, query, got, err, want)
				}
			}
		}
		if err := execute(reader.Prep("DELETE FROM request")); sqlite.ErrCode(err) != sqlite.ResultReadOnly {
			t.Errorf("a reader wrote: got %v, want %v", err, sqlite.ResultReadOnly)
		}
	})

	// A setting that SQLite does not accept must fail Open, above all synchronous.
	t.Run("settingNotTakenIsAnError", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		reader := <-s.readers
		defer func() { s.readers <- reader }()
		if err := reader.set("synchronous", "OFF", "2"); err == nil || !strings.Contains(err.Error(), "SQLite keeps synchronous at 0 instead of 2") {
			t.Errorf("got %v, want an error that names the setting and its values", err)
		}
		if err := reader.set("synchronous", "FULL", "2"); err != nil {
			t.Error(err)
		}
		for _, setting := range settings {
			if setting.pragma == "synchronous" && setting.value == "FULL" && setting.want == "2" {
				return
			}
		}
		t.Error("synchronous is not set to FULL and read back")
	})

	t.Run("onlyTheOwnerMayReadTheFile", func(t *testing.T) {
		t.Parallel()
		if runtime.GOOS == "windows" {
			t.Skip("no modes")
		}
		s := openTemp(t)
		mustInsert(t, s, "a")
		for _, suffix := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(s.path + suffix)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode() != 0o600 {
				t.Errorf("%s: got mode %v, want -rw-------", info.Name(), info.Mode())
			}
		}
	})

	t.Run("pathIsTakenLiterally", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "file:a b?mode=memory&x=%41#.db")
		if runtime.GOOS == "windows" {
			t.Skip("no such names")
		}
		for range 2 {
			s := mustOpen(t, Config{Path: path})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("got %v, %v, want the database in the file of that name", info, err)
		}
	})

	t.Run("reopenedAfterCloseHasEverything", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		s := mustOpen(t, Config{Path: path})
		mustInsert(t, s, "a")
		want := mustIncrement(t, s, "a")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v, want no log beside a closed file", err)
		}
		got, err := mustOpen(t, Config{Path: path}).Get(t.Context(), tenant, "a")
		if err != nil || *got != *want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	})

	t.Run("manyAtOnceOnANewFile", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		var wg sync.WaitGroup
		for n := range 8 {
			wg.Go(func() {
				s, err := Open(t.Context(), Config{Path: path, Readers: 1})
				if err != nil {
					t.Error(err)
					return
				}
				defer closeStore(t, s)
				if _, err := s.Insert(t.Context(), storetest.Request(tenant, fmt.Sprint(n))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		s := mustOpen(t, Config{Path: path})
		for n := range 8 {
			if _, err := s.Get(t.Context(), tenant, fmt.Sprint(n)); err != nil {
				t.Errorf("%d: %v", n, err)
			}
		}
	})

	// SQLite refuses at once to switch to a log, whatever the busy timeout, while another connection is about to write.
	t.Run("waitsForAnotherOpen", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		script("CREATE TABLE t (a)")(t, path)
		other, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
		check(t, err)
		defer other.Close()
		check(t, sqlitex.ExecuteTransient(other, "BEGIN IMMEDIATE", nil))
		c, err := openConn(path, time.Minute)
		check(t, err)
		defer c.Close()
		if err := c.useLog(t.Context(), time.Millisecond); sqlite.ErrCode(err) != sqlite.ResultBusy {
			t.Errorf("got %v, want %v", err, sqlite.ResultBusy)
		}
		released := make(chan error)
		time.AfterFunc(10*time.Millisecond, func() { released <- sqlitex.ExecuteTransient(other, "ROLLBACK", nil) })
		if err := c.useLog(t.Context(), time.Minute); err != nil {
			t.Error(err)
		}
		check(t, <-released)
	})

	t.Run("doneContextIsAnError", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if s, err := Open(ctx, Config{Path: tempPath(t)}); err == nil {
			t.Errorf("got %v, want an error", s)
		}
	})
}

// TestOpenRefuses checks that Open reports the problem in one line, and leaves the file and its neighbours unchanged.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		prepare func(t *testing.T, path string)
		want    string
	}{
		"textFile":                {writeFile("just some text\n"), "it is not an SQLite database"},
		"longTextFile":            {writeFile(strings.Repeat("just some text\n", 1000)), "it is not an SQLite database"},
		"headerAlone":             {writeFile("SQLite format 3\x00"), "SQLite"},
		"otherApplication":        {script("PRAGMA application_id = 7; CREATE TABLE t (a); INSERT INTO t VALUES (1)"), "the database of another application (application_id 7,"},
		"otherApplicationWithLog": {script("PRAGMA application_id = 7; PRAGMA journal_mode = WAL; CREATE TABLE t (a)"), "the database of another application"},
		"noApplication":           {script("CREATE TABLE t (a)"), "the database of another application (application_id 0,"},
		"newerSchema":             {ours("PRAGMA user_version = 1000"), fmt.Sprint("its schema version 1000 is newer than this program's ", len(schema.Migrations))},
		"tableMissing":            {ours("DROP TABLE request"), "no such table: request"},
		"damagedSchema":           {damaged(100, 200), "the database is damaged"},
		"interrupted":             {cutTo(4096), "the database is damaged"},
		"folder":                  {func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o700)) }, "it is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := tempPath(t)
			tt.prepare(t, path)
			before := contents(t, filepath.Dir(path))
			wantRefused(t, path, tt.want)
			if after := contents(t, filepath.Dir(path)); after != before {
				t.Errorf("Open changed something: got\n%.300q\nwant\n%.300q", after, before)
			}
		})
	}

	t.Run("missingFolder", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "missing", "pfxr.db")
		wantRefused(t, path, "its folder does not exist")
		if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v, want a folder that is still missing", err)
		}
	})

	t.Run("lockedByAnother", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		closeStore(t, mustOpen(t, Config{Path: path}))
		other, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
		check(t, err)
		defer other.Close()
		check(t, sqlitex.ExecuteTransient(other, "BEGIN IMMEDIATE", nil))
		s, err := Open(t.Context(), Config{Path: path, BusyTimeout: time.Millisecond})
		if s != nil || err == nil || !strings.Contains(err.Error(), "another process keeps it locked") {
			t.Errorf("got %v, %v", s, err)
		}
	})
}

// TestCreateFileSurvivesAnInterruption kills the first commit halfway: the next Open must first undo it.
func TestCreateFileSurvivesAnInterruption(t *testing.T) {
	t.Parallel()
	from, to := tempPath(t), tempPath(t)
	check(t, createFile(from))
	sc, err := sqlite.OpenConn(from, sqlite.OpenReadWrite)
	check(t, err)
	defer sc.Close()
	// cache_size 1 and a table with content make SQLite write to the file before the commit.
	for _, sql := range []string{"PRAGMA cache_size = 1", "BEGIN IMMEDIATE", "CREATE TABLE t (a)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20) INSERT INTO t SELECT randomblob(3000) FROM n",
	} {
		check(t, sqlitex.ExecuteTransient(sc, sql, nil))
	}
	for _, suffix := range []string{"", "-journal"} {
		data, err := os.ReadFile(from + suffix)
		check(t, err)
		check(t, os.WriteFile(to+suffix, data, 0o600))
	}
	if info, err := os.Stat(to); err != nil || info.Size() == 0 {
		t.Fatalf("got %v, %v, want a file that is half written", info, err)
	}
	mustInsert(t, mustOpen(t, Config{Path: to}), "a")
}

// TestOpenSurvivesAnInterruptedCheckpoint ends a checkpoint after the first page, which already has the final size of the
// file. All the rest is only in the log.
func TestOpenSurvivesAnInterruptedCheckpoint(t *testing.T) {
	t.Parallel()
	from, to := tempPath(t), tempPath(t)
	s := mustOpen(t, Config{Path: from})
	for n := range 100 {
		mustInsert(t, s, fmt.Sprint(n))
	}
	want := mustIncrement(t, s, "50")
	log, err := os.ReadFile(logPath(s))
	check(t, err)
	half, err := os.ReadFile(from)
	check(t, err)
	check(t, s.Close())
	whole, err := os.ReadFile(from)
	check(t, err)
	if len(half) >= len(whole) {
		t.Fatalf("the checkpoint changes %d bytes to %d: want it to make the file longer", len(half), len(whole))
	}
	const page = 4096
	copy(half, whole[:page])
	check(t, os.WriteFile(to, half, 0o600))
	check(t, os.WriteFile(to+"-wal", log, 0o600))
	got, err := mustOpen(t, Config{Path: to}).Get(t.Context(), tenant, "50")
	if err != nil || *got != *want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func wantRefused(t *testing.T, path, want string) {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: path})
	if err == nil {
		closeStore(t, s)
		t.Fatal("got a store, want an error")
	}
	if msg := err.Error(); !strings.Contains(msg, path) || !strings.Contains(msg, want) || strings.Contains(msg, "\n") {
		t.Errorf("got error %q, want one line with the path and %q", msg, want)
	}
	t.Log(err)
}

func writeFile(text string) func(*testing.T, string) {
	return func(t *testing.T, path string) { check(t, os.WriteFile(path, []byte(text), 0o600)) }
}

// script creates a foreign database.
func script(sql string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		sc, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate)
		check(t, err)
		defer sc.Close()
		check(t, sqlitex.ExecuteScript(sc, "PRAGMA encoding = 'UTF-8'", nil))
		for line := range strings.SplitSeq(sql, ";") {
			check(t, sqlitex.ExecuteTransient(sc, line, nil))
		}
	}
}

// ours creates a database of this program and then runs sql on it.
func ours(sql string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		s := mustOpen(t, Config{Path: path})
		mustInsert(t, s, "a")
		check(t, s.Close())
		script(sql)(t, path)
	}
}

// damaged creates a database of this program and zeroes the bytes in [from, to).
func damaged(from, to int64) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		ours("PRAGMA user_version = 1")(t, path)
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		check(t, err)
		defer f.Close()
		_, err = f.WriteAt(make([]byte, to-from), from)
		check(t, err)
	}
}

func cutTo(size int64) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		ours("PRAGMA user_version = 1")(t, path)
		check(t, os.Truncate(path, size))
	}
}

// contents returns the names and bytes of all files in dir.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, e := range entries {
		fmt.Fprintf(&all, "%s\n", e.Name())
		if e.Type().IsRegular() {
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			check(t, err)
			all.Write(data)
		}
	}
	return all.String()
}

// openAndPrint opens the store and prints the error.
func openAndPrint(path string) {
	s, err := Open(context.Background(), Config{Path: path})
	fmt.Println(err)
	if err == nil {
		_ = s.Close()
	}
	os.Exit(0)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func tempPath(t *testing.T) string { return filepath.Join(t.TempDir(), "pfxr.db") }

func openTemp(t *testing.T) *Store {
	t.Helper()
	return mustOpen(t, Config{Path: tempPath(t), Readers: 2})
}

func mustOpen(t *testing.T, c Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), c)
	check(t, err)
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

// closeStore closes s. A test that has broken s on purpose has closed it before: a second call would report the error
// again.
func closeStore(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil && s.fault.Load() == nil {
		t.Error(err)
	}
}

func mustInsert(t *testing.T, s *Store, id string) *pfx.Request {
	t.Helper()
	r, err := s.Insert(t.Context(), storetest.Request(tenant, id))
	check(t, err)
	return r
}

func mustIncrement(t *testing.T, s *Store, id string) *pfx.Request {
	t.Helper()
	r, err := s.Update(t.Context(), tenant, id, increment)
	check(t, err)
	return r
}

func increment(r *pfx.Request) error {
	r.Status++
	return nil
}

func wantKind(t *testing.T, err error, want pfx.Kind) {
	t.Helper()
	e, ok := errors.AsType[*pfx.Error](err)
	if !ok || e.Kind != want {
		t.Errorf("got error %v, want a *pfx.Error of kind %d", err, want)
		return
	}
	for _, word := range []string{"/", ".db", "SQL", "sqlite"} {
		if strings.Contains(e.Msg, word) {
			t.Errorf("got message %q, want one without %q", e.Msg, word)
		}
	}
}
