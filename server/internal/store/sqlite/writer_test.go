package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/queue"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

func TestWriter(t *testing.T) {
	t.Parallel()

	t.Run("waitingUpdatesShareACommit", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		start := mustInsert(t, s, "a")
		before := commits(t, s)
		release := holdWriter(t, s)
		const n = queue.MaxBatch + 44
		var seen [n]atomic.Bool
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				r, err := s.Update(t.Context(), tenant, "a", increment)
				if err != nil {
					t.Error(err)
					return
				}
				i := int(r.Version - start.Version - 1)
				if r.Status-start.Status != int32(i+1) || seen[i].Swap(true) {
					t.Errorf("got version %d with status %d", r.Version, r.Status)
				}
			})
		}
		waitQueued(s, n)
		release()
		wg.Wait()
		if got := commits(t, s) - before; got != 2 {
			t.Errorf("got %d commits for %d updates that waited, want 2: %d share one", got, n, queue.MaxBatch)
		}
	})

	t.Run("noChangeWritesNothing", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		mustInsert(t, s, "a")
		// SQLite itself does not write an unchanged row: the trigger shows that it was not asked to.
		pragma(t, s, "CREATE TEMP TRIGGER refuse BEFORE UPDATE ON request BEGIN SELECT RAISE(ABORT, 'asked'); END")
		before, err := os.ReadFile(logPath(s))
		check(t, err)
		_, err = s.Update(t.Context(), tenant, "a", func(*pfx.Request) error { return nil })
		check(t, err)
		_, err = s.Update(t.Context(), tenant, "unknown", increment)
		wantKind(t, err, pfx.NotFound)
		_, err = s.Insert(t.Context(), storetest.Request(tenant, "a"))
		wantKind(t, err, pfx.Exists)
		check(t, s.Ready(t.Context()))
		after, err := os.ReadFile(logPath(s))
		check(t, err)
		if string(after) != string(before) {
			t.Errorf("the log went from %d to %d bytes, want it as it was", len(before), len(after))
		}
	})

	t.Run("abandonedBeforeClaimNeverRuns", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		want := mustInsert(t, s, "a")
		release := holdWriter(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		outcome := make(chan error)
		go func() {
			_, err := s.Update(ctx, tenant, "a", func(r *pfx.Request) error {
				t.Error("fn ran after Update had returned")
				return increment(r)
			})
			outcome <- err
		}()
		waitQueued(s, 1)
		cancel()
		err := <-outcome // while the writer is still held
		wantKind(t, err, pfx.Unavailable)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want an error that wraps context.Canceled", err)
		}
		release()
		if got, err := s.Update(t.Context(), tenant, "a", func(*pfx.Request) error { return nil }); err != nil || *got != *want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	})

	t.Run("claimedWaitsForTheOutcome", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		mustInsert(t, s, "a")
		ctx, cancel := context.WithCancel(t.Context())
		got, err := s.Update(ctx, tenant, "a", func(r *pfx.Request) error {
			cancel()
			return increment(r)
		})
		check(t, err)
		if stored, err := s.Get(t.Context(), tenant, "a"); err != nil || *stored != *got {
			t.Errorf("got %+v, %v, want %+v", stored, err, got)
		}
	})

	t.Run("fullQueueWaitsForAPlace", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		start := mustInsert(t, s, "a")
		release := holdWriter(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var givenUp atomic.Int32
		for range queue.Length + 20 {
			wg.Go(func() {
				if _, err := s.Update(ctx, tenant, "a", increment); err != nil {
					wantKind(t, err, pfx.Unavailable)
					givenUp.Add(1)
				}
			})
		}
		waitQueued(s, queue.Length)
		cancel()
		wg.Wait()
		if n := givenUp.Load(); n != queue.Length+20 {
			t.Errorf("%d callers gave up, want %d", n, queue.Length+20)
		}
		release()
		if got := mustIncrement(t, s, "a"); got.Version != start.Version+1 {
			t.Errorf("got version +%d, want +1", got.Version-start.Version)
		}
	})

	t.Run("closeEndsWhatIsQueued", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		s := mustOpen(t, Config{Path: path})
		start := mustInsert(t, s, "a")
		release := holdWriter(t, s)
		const n = 50
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				if _, err := s.Update(t.Context(), tenant, "a", increment); err != nil {
					t.Error(err)
				}
			})
		}
		waitQueued(s, n)
		wg.Go(func() { closeStore(t, s) })
		<-s.queue.Closing()
		_, err := s.Update(t.Context(), tenant, "a", increment)
		wantKind(t, err, pfx.Unavailable)
		release()
		wg.Wait()
		got, err := mustOpen(t, Config{Path: path}).Get(t.Context(), tenant, "a")
		if err != nil || got.Status != start.Status+n {
			t.Errorf("got %+v, %v, want all %d updates", got, err, n)
		}
	})

	t.Run("readersDoNotWaitForIt", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		want := mustInsert(t, s, "a")
		release := holdWriter(t, s)
		defer release()
		if got, err := s.Get(t.Context(), tenant, "a"); err != nil || *got != *want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	})

	t.Run("readyWaitsForIt", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		release := holdWriter(t, s)
		defer release()
		ctx, cancel := context.WithCancel(t.Context())
		outcome := make(chan error)
		go func() { outcome <- s.Ready(ctx) }()
		waitQueued(s, 1)
		cancel()
		wantKind(t, <-outcome, pfx.Unavailable)
	})

	t.Run("endedByFnIsUnavailable", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		s := mustOpen(t, Config{Path: path})
		want := mustInsert(t, s, "a")
		_, err := s.Update(t.Context(), tenant, "a", func(r *pfx.Request) error {
			r.Status++
			runtime.Goexit() // as t.Fatal does
			return nil
		})
		wantKind(t, err, pfx.Unavailable)
		wantKind(t, s.Ready(t.Context()), pfx.Unavailable)
		check(t, s.Close())
		if got, err := mustOpen(t, Config{Path: path}).Get(t.Context(), tenant, "a"); err != nil || *got != *want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

// TestTwoStores has two stores, as of two processes, increment the same request.
func TestTwoStores(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	stores := [2]*Store{mustOpen(t, Config{Path: path}), mustOpen(t, Config{Path: path})}
	start := mustInsert(t, stores[0], "a")
	const callers, rounds = 8, 40
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			for range rounds {
				got, err := stores[n%2].Update(t.Context(), tenant, "a", increment)
				if err != nil {
					t.Error(err)
					return
				}
				read, err := stores[(n+1)%2].Get(t.Context(), tenant, "a")
				if err != nil || read.Version < got.Version {
					t.Errorf("the other store has %+v, %v after version %d was answered", read, err, got.Version)
				}
			}
		})
	}
	wg.Wait()
	want := *start
	want.Status += callers * rounds
	want.Version += callers * rounds
	for _, s := range stores {
		if got, err := s.Get(t.Context(), tenant, "a"); err != nil || *got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	_, err := stores[1].Insert(t.Context(), *start)
	wantKind(t, err, pfx.Exists)
	// The other store stays open.
	check(t, stores[0].Close())
	mustIncrement(t, stores[1], "a")
}

// TestLog checks that the log stays short under constant reads.
func TestLog(t *testing.T) {
	t.Parallel()
	const target = 2 << 20

	t.Run("staysShortUnderReaders", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		limitLog(t, s, target)
		mustInsert(t, s, "a")
		ctx, stop := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for ctx.Err() == nil {
					if _, err := s.Get(context.WithoutCancel(ctx), tenant, "a"); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		longest := fillLog(t, s, 3*target)
		if longest > target*5/4 {
			t.Errorf("the log had %d bytes, want at most %d and a batch", longest, target)
		}
		if info, err := os.Stat(logPath(s)); err != nil || info.Size() < target {
			t.Errorf("got %d bytes, %v, want a log of %d that is written over and not cut off", info.Size(), err, target)
		}
		stop()
		readers.Wait()
	})

	// An active reader makes the writer wait; it does not make the log grow.
	t.Run("readersPauseForIt", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		limitLog(t, s, target)
		mustInsert(t, s, "a")
		reader := <-s.readers
		check(t, execute(reader.Prep("BEGIN")))
		check(t, reader.probe())
		longest := make(chan int64, 1)
		go func() { longest <- fillLog(t, s, 2*target) }()
		for len(s.readers) > 0 && len(longest) == 0 {
			runtime.Gosched()
		}
		check(t, execute(reader.Prep("COMMIT")))
		s.readers <- reader
		if n := <-longest; n > target*5/4 {
			t.Errorf("the log had %d bytes, want at most %d and a batch", n, target)
		}
	})

	t.Run("shrinksOnceAnotherReaderHasLeft", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		s := mustOpen(t, Config{Path: path, Readers: 1})
		limitLog(t, s, target)
		mustInsert(t, s, "a")
		other, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
		check(t, err)
		defer other.Close()
		check(t, sqlitex.ExecuteTransient(other, "BEGIN", nil))
		check(t, sqlitex.ExecuteTransient(other, selectAny, nil))
		if longest := fillLog(t, s, 2*target); longest < target*3/2 {
			t.Errorf("the log had %d bytes at most, want it to grow while another process reads", longest)
		}
		check(t, sqlitex.ExecuteTransient(other, "COMMIT", nil))
		fillLog(t, s, target/4)
		if info, err := os.Stat(logPath(s)); err != nil || info.Size() > target*3/2 {
			t.Errorf("got %d bytes, %v, want a log that is short again", info.Size(), err)
		}
	})

	t.Run("staysShortOnceAnotherProcessHasMovedIt", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		limitLog(t, s, target)
		mustInsert(t, s, "a")
		other, err := sqlite.OpenConn(s.path, sqlite.OpenReadWrite)
		check(t, err)
		defer other.Close()
		check(t, sqlitex.ExecuteTransient(other, "BEGIN", nil))
		check(t, sqlitex.ExecuteTransient(other, selectAny, nil))
		fillLog(t, s, 4*target)
		check(t, sqlitex.ExecuteTransient(other, "COMMIT", nil))
		check(t, sqlitex.ExecuteTransient(other, "PRAGMA wal_checkpoint(RESTART)", nil))
		if longest := fillLog(t, s, 3*target); longest > target*7/4 {
			t.Errorf("the log had %d bytes, want at most %d and a batch", longest, target*3/2)
		}
	})

	t.Run("retriesMovingItNowAndThen", func(t *testing.T) {
		t.Parallel()
		var warnings lineCount
		s := mustOpen(t, Config{Path: tempPath(t), Audit: audit.Off, Log: slog.New(slog.NewTextHandler(&warnings, nil))})
		limitLog(t, s, 1<<20)
		mustInsert(t, s, "a")
		var passive, restart *sqlite.Stmt
		_, err := s.do(t.Context(), func(c *conn, _ *job) error {
			passive, restart = c.checkpointPassive, c.checkpointRestart
			c.checkpointPassive, c.checkpointRestart = c.checkpointNoop, c.Prep("SELECT abs(-9223372036854775807 - 1)") // an overflow
			return nil
		})
		check(t, err)
		fillLog(t, s, 1<<20)
		for range 100 {
			mustIncrement(t, s, "a")
		}
		_, err = s.do(t.Context(), func(c *conn, _ *job) error {
			c.checkpointPassive, c.checkpointRestart = passive, restart
			return nil
		})
		check(t, err)
		// It may grow by 32 pages between two tries, and a commit here takes one.
		if n := warnings.Load(); n < 2 || n > 12 {
			t.Errorf("got %d warnings of 100 commits, want one in a while", n)
		}
	})

	t.Run("closesWithoutALockOnOthers", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		s, stays := mustOpen(t, Config{Path: path}), mustOpen(t, Config{Path: path, BusyTimeout: time.Millisecond})
		mustInsert(t, s, "a")
		reader := <-stays.readers
		check(t, execute(reader.Prep("BEGIN")))
		check(t, reader.probe())
		mustIncrement(t, s, "a")
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		for len(closed) == 0 && !t.Failed() {
			if _, err := stays.Update(t.Context(), tenant, "a", increment); err != nil {
				t.Errorf("updating while another process closes the file: %v", err)
			}
		}
		check(t, execute(reader.Prep("COMMIT")))
		stays.readers <- reader
		check(t, <-closed)
	})
}

// lineCount counts writes.
type lineCount struct{ atomic.Int32 }

func (n *lineCount) Write(line []byte) (int, error) { n.Add(1); return len(line), nil }

func logPath(s *Store) string { return s.path + "-wal" }

// limitLog makes the store move the log into the file at n bytes, and truncate it to half as much again.
func limitLog(t *testing.T, s *Store, n int) {
	t.Helper()
	pragma(t, s, fmt.Sprintf("PRAGMA journal_size_limit = %d", n*3/2))
	_, err := s.do(t.Context(), func(*conn, *job) error {
		s.logTarget, s.logLimit = n/pageBytes, n/pageBytes
		return nil
	})
	check(t, err)
}

// fillLog updates until at least n bytes were written to the log, and returns its greatest length.
func fillLog(t *testing.T, s *Store, n int64) int64 {
	t.Helper()
	longest := int64(0)
	for written := int64(0); written < n; written += 3 << 16 {
		_, err := s.Update(t.Context(), tenant, "a", func(r *pfx.Request) error {
			r.Status++
			long := edm.Value(strings.Repeat(string('a'+r.Status%26), 1<<16)) // longer than any patch, to be quick
			r.Thumbprint, r.DeviceKeyThumbprint, r.ETag = long, long, long
			return nil
		})
		if err != nil {
			t.Error(err)
			return longest
		}
		info, err := os.Stat(logPath(s))
		if err != nil {
			t.Error(err)
			return longest
		}
		longest = max(longest, info.Size())
	}
	return longest
}

func TestFaults(t *testing.T) {
	t.Parallel()

	// Every job of the batch fails, even the refused one: it was refused because of a version that was undone.
	t.Run("failedTransactionHasNoOutcome", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		s := mustOpen(t, Config{Path: path})
		want := mustInsert(t, s, "a")
		release := holdWriter(t, s)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				_, err := s.Update(t.Context(), tenant, "a", func(r *pfx.Request) error {
					if r.Version != want.Version {
						return &pfx.Error{Kind: pfx.PreconditionFailed}
					}
					return increment(r)
				})
				wantKind(t, err, pfx.Unavailable)
			})
		}
		waitQueued(s, 3)
		wg.Go(func() {
			_, err := s.do(t.Context(), func(*conn, *job) error { return sqlite.ResultIOErrFsync.ToError() })
			wantKind(t, err, pfx.Unavailable)
		})
		waitQueued(s, 4)
		release()
		wg.Wait()
		wantStopped(t, s, want)
		check(t, s.Close())
		if info, err := os.Stat(logPath(s)); err != nil || info.Size() == 0 {
			t.Errorf("after a fault the log is gone: %v", err)
		}
		s = mustOpen(t, Config{Path: path})
		check(t, s.Ready(t.Context()))
		if got, err := s.Get(t.Context(), tenant, "a"); err != nil || *got != *want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		mustIncrement(t, s, "a")
	})

	t.Run("failedTransactionIsUndone", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		want := mustInsert(t, s, "a")
		_, err := s.do(t.Context(), func(c *conn, _ *job) error {
			changed := *want
			changed.Status++
			return errors.Join(c.store(c.update, &changed), sqlite.ResultNoMem.ToError())
		})
		wantKind(t, err, pfx.Unavailable)
		if got, err := s.Update(t.Context(), tenant, "a", func(*pfx.Request) error { return nil }); err != nil || *got != *want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	})

	t.Run("fullDiskHeals", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		want := mustInsert(t, s, "a")
		pragma(t, s, "PRAGMA max_page_count = 1") // in fact the current count
		var err error
		for n := 0; err == nil && n < 100; n++ {
			_, err = s.Insert(t.Context(), storetest.Request(tenant, fmt.Sprint(n)))
		}
		wantKind(t, err, pfx.Unavailable)
		if sqlite.ErrCode(err) != sqlite.ResultFull {
			t.Errorf("got %v, want the cause %v", err, sqlite.ResultFull)
		}
		if got, err := s.Get(t.Context(), tenant, "a"); err != nil || *got != *want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		check(t, s.Ready(t.Context()))
		pragma(t, s, "PRAGMA max_page_count = 1000000")
		mustInsert(t, s, "b")
		mustIncrement(t, s, "a")
	})

	t.Run("damagedPageStopsWriting", func(t *testing.T) {
		t.Parallel()
		for name, use := range map[string]func(*Store) error{
			"seenByUpdate": func(s *Store) error { _, err := s.Update(t.Context(), tenant, "999", increment); return err },
			"seenByGet":    func(s *Store) error { _, err := s.Get(t.Context(), tenant, "999"); return err },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				path := tempPath(t)
				s := mustOpen(t, Config{Path: path})
				_, err := s.do(t.Context(), func(c *conn, _ *job) error {
					for n := 900; n < 1000; n++ {
						r := storetest.Request(tenant, fmt.Sprint(n))
						if err := c.store(c.insert, &r); err != nil {
							return err
						}
					}
					return nil
				})
				check(t, err)
				check(t, s.Close())
				info, err := os.Stat(path)
				check(t, err)
				f, err := os.OpenFile(path, os.O_RDWR, 0)
				check(t, err)
				_, err = f.WriteAt(make([]byte, 4096), info.Size()-4096)
				check(t, errors.Join(err, f.Close()))

				s = mustOpen(t, Config{Path: path})
				wantKind(t, use(s), pfx.Unavailable)
				want, err := s.Get(t.Context(), tenant, "900")
				check(t, err)
				wantStopped(t, s, want)
			})
		}
	})

	t.Run("otherProcessThatKeepsTheLockIsUnavailable", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		s := mustOpen(t, Config{Path: path, BusyTimeout: time.Millisecond})
		want := mustInsert(t, s, "a")
		other, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
		check(t, err)
		defer other.Close()
		check(t, sqlitex.ExecuteTransient(other, "BEGIN IMMEDIATE", nil))
		_, err = s.Update(t.Context(), tenant, "a", increment)
		wantKind(t, err, pfx.Unavailable)
		wantKind(t, s.Ready(t.Context()), pfx.Unavailable)
		check(t, sqlitex.ExecuteTransient(other, "ROLLBACK", nil))
		check(t, s.Ready(t.Context()))
		if got := mustIncrement(t, s, "a"); got.Version != want.Version+1 {
			t.Errorf("got version +%d, want +1", got.Version-want.Version)
		}
	})

	t.Run("rowThatCannotBeReadIsInternal", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t)
		mustInsert(t, s, "a")
		want := mustInsert(t, s, "b")
		pragma(t, s, "UPDATE request SET created_time = 'yesterday' WHERE id = 'a'")
		_, err := s.Get(t.Context(), tenant, "a")
		wantKind(t, err, pfx.Internal)
		_, err = s.Update(t.Context(), tenant, "a", increment)
		wantKind(t, err, pfx.Internal)
		if got := mustIncrement(t, s, "b"); got.Version != want.Version+1 {
			t.Errorf("got version +%d, want +1", got.Version-want.Version)
		}
	})
}

// wantStopped checks that s refuses writes, reports that, and still has want.
func wantStopped(t *testing.T, s *Store, want *pfx.Request) {
	t.Helper()
	_, err := s.Update(t.Context(), tenant, want.ID, func(*pfx.Request) error {
		t.Error("fn ran after a fault")
		return nil
	})
	wantKind(t, err, pfx.Unavailable)
	_, err = s.Insert(t.Context(), storetest.Request(tenant, "new"))
	wantKind(t, err, pfx.Unavailable)
	wantKind(t, s.Ready(t.Context()), pfx.Unavailable)
	if got, err := s.Get(t.Context(), tenant, want.ID); err != nil || *got != *want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// holdWriter keeps the writer in a transaction that changes nothing until release is called.
func holdWriter(t *testing.T, s *Store) (release func()) {
	t.Helper()
	held, free, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if _, err := s.do(t.Context(), func(*conn, *job) error { close(held); <-free; return nil }); err != nil {
			t.Error(err)
		}
	}()
	<-held
	return func() { close(free); <-done }
}

// waitQueued returns once n jobs wait.
func waitQueued(s *Store, n int) {
	for s.queue.Len() < n {
		runtime.Gosched()
	}
}

// pragma runs a statement on the writer's connection.
func pragma(t *testing.T, s *Store, sql string) {
	t.Helper()
	_, err := s.do(t.Context(), func(c *conn, _ *job) error { return sqlitex.ExecuteTransient(c.Conn, sql, nil) })
	check(t, err)
}

// commits counts the commits in the log (https://sqlite.org/fileformat2.html#walformat): frames that hold the size of the
// database.
func commits(t *testing.T, s *Store) int {
	t.Helper()
	data, err := os.ReadFile(logPath(s))
	check(t, err)
	n := 0
	const header, frame = 32, 24 + 4096
	for at := header; at+frame <= len(data); at += frame {
		sameSalt := string(data[at+8:at+16]) == string(data[16:24])
		if sameSalt && binary.BigEndian.Uint32(data[at+4:]) != 0 {
			n++
		}
	}
	return n
}
