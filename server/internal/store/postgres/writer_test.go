package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
)

func TestWriter(t *testing.T) {
	t.Parallel()

	t.Run("waitingUpdatesShareACommit", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t, true)
		const n, each = 20, 5
		start := map[string]*pfx.Request{}
		for i := range n {
			start[fmt.Sprint(i)] = mustInsert(t, s, fmt.Sprint(i))
		}
		var wg sync.WaitGroup
		release := holdWriters(t, s)
		for id := range start {
			for range each {
				wg.Go(func() {
					if _, err := s.Update(t.Context(), tenant, id, increment); err != nil {
						t.Error(err)
					}
				})
			}
		}
		waitQueued(s, n*each-writers) // each writer holds one job
		release()
		wg.Wait()
		for id, r := range start {
			got, err := s.Get(t.Context(), tenant, id)
			if err != nil || got.Status != r.Status+each || got.Version != r.Version+each {
				t.Errorf("got %+v, %v, want %d updates", got, err, each)
			}
		}
		if got := query[int](t, s, "SELECT count(DISTINCT xmin::text) FROM request"); got > writers {
			t.Errorf("got %d transactions for %d updates that waited, want %d", got, n*each, writers)
		}
	})

	t.Run("outcomesAreSeparate", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t, true)
		for _, id := range []string{"good", "refused", "panics", "invalid"} {
			mustInsert(t, s, id)
		}
		refusal := errors.New("refused")
		var wg sync.WaitGroup
		release := holdWriters(t, s)
		for id, tt := range map[string]struct {
			fn   func(*pfx.Request) error
			want func(error) bool
		}{
			"good":    {increment, func(err error) bool { return err == nil }},
			"refused": {func(*pfx.Request) error { return refusal }, func(err error) bool { return errors.Is(err, refusal) }},
			"panics":  {func(*pfx.Request) error { panic(refusal) }, isKind(pfx.Internal)},
			"absent":  {increment, isKind(pfx.NotFound)},
			// No valid request has such text: it stands for anything that the database refuses about one request of a
			// group.
			"invalid": {func(r *pfx.Request) error { r.ETag = edm.Value("\xff"); return nil }, isKind(pfx.Internal)},
		} {
			for range 3 {
				wg.Go(func() {
					if _, err := s.Update(t.Context(), tenant, id, tt.fn); !tt.want(err) {
						t.Errorf("%s: got %v", id, err)
					}
				})
			}
		}
		waitQueued(s, 15-writers)
		release()
		wg.Wait()
		if got, err := s.Get(t.Context(), tenant, "good"); err != nil || got.Status != 6+3 {
			t.Errorf("got %+v, %v, want three updates", got, err)
		}
	})

	// A function that ends its goroutine, as t.FailNow does, affects only its own update.
	t.Run("functionEndsItsCallerAlone", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t, true)
		mustInsert(t, s, "a")
		var wg sync.WaitGroup
		release := holdWriters(t, s)
		wg.Go(func() {
			_, err := s.Update(t.Context(), tenant, "a", func(*pfx.Request) error { runtime.Goexit(); return nil })
			t.Errorf("Update returned %v after its function ended the goroutine", err)
		})
		for range 5 {
			wg.Go(func() {
				if _, err := s.Update(t.Context(), tenant, "a", increment); err != nil {
					t.Error(err)
				}
			})
		}
		waitQueued(s, 6-writers)
		release()
		wg.Wait()
		if got, err := s.Update(t.Context(), tenant, "a", increment); err != nil || got.Status != 6+6 {
			t.Errorf("got %+v, %v, want six updates", got, err)
		}
	})

	t.Run("abandonedBeforeClaimNeverRuns", func(t *testing.T) {
		t.Parallel()
		s := openTemp(t, true)
		want := mustInsert(t, s, "a")
		release := holdWriters(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		outcome := make(chan error)
		for range writers + 1 {
			go func() {
				_, err := s.Update(ctx, tenant, "a", func(r *pfx.Request) error {
					t.Error("fn ran after Update had returned")
					return increment(r)
				})
				outcome <- err
			}()
		}
		waitQueued(s, 1)
		cancel()
		for range writers + 1 {
			err := <-outcome // while the writers are still held
			wantKind(t, err, pfx.Unavailable)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want an error that wraps context.Canceled", err)
			}
		}
		release()
		if got, err := s.Update(t.Context(), tenant, "a", func(*pfx.Request) error { return nil }); err != nil || *got != *want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	})

	t.Run("closeEndsWhatIsQueued", func(t *testing.T) {
		t.Parallel()
		dsn := postgrestest.Copy(t, "empty", prepare)
		s := mustOpen(t, Config{URL: dsn}, true)
		start := mustInsert(t, s, "a")
		const n = 50
		var wg sync.WaitGroup
		release := holdWriters(t, s)
		for range n {
			wg.Go(func() {
				if _, err := s.Update(t.Context(), tenant, "a", increment); err != nil {
					t.Error(err)
				}
			})
		}
		waitQueued(s, n-writers)
		wg.Go(func() { check(t, s.Close()) })
		<-s.queue.Closing()
		_, err := s.Update(t.Context(), tenant, "a", increment)
		wantKind(t, err, pfx.Unavailable)
		release()
		wg.Wait()
		got, err := mustOpen(t, Config{URL: dsn}, true).Get(t.Context(), tenant, "a")
		if err != nil || got.Status != start.Status+n {
			t.Errorf("got %+v, %v, want all %d updates", got, err, n)
		}
	})

	// Another server changes one request of a group between the read and the statement that stores the group.
	t.Run("movedRequestStopsNoOther", func(t *testing.T) {
		t.Parallel()
		dsn := postgrestest.Copy(t, "empty", prepare)
		s, other := mustOpen(t, Config{URL: dsn}, true), mustOpen(t, Config{URL: dsn}, true)
		for _, id := range []string{"a", "b"} {
			mustInsert(t, s, id)
		}
		var wg sync.WaitGroup
		var once sync.Once
		release := holdWriters(t, s)
		for range 3 {
			wg.Go(func() {
				_, err := s.Update(t.Context(), tenant, "a", func(r *pfx.Request) error {
					var err error
					once.Do(func() { _, err = other.Update(t.Context(), tenant, "b", increment) })
					return errors.Join(err, increment(r))
				})
				if err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				if _, err := s.Update(t.Context(), tenant, "b", increment); err != nil {
					t.Error(err)
				}
			})
		}
		waitQueued(s, 6-writers)
		release()
		wg.Wait()
		for id, want := range map[string]int32{"a": 6 + 3, "b": 6 + 4} {
			if got, err := s.Get(t.Context(), tenant, id); err != nil || got.Status != want {
				t.Errorf("got %+v, %v, want status %d", got, err, want)
			}
		}
		wantRecords(t, s, 2+3+4)
	})

	// Another transaction holds one row for longer than any caller waits.
	t.Run("lockedRowStopsNoOther", func(t *testing.T) {
		t.Parallel()
		dsn := postgrestest.Copy(t, "empty", prepare)
		s := mustOpen(t, Config{URL: dsn + "&lock_timeout=200ms"}, true)
		locked := mustInsert(t, s, "locked")
		mustInsert(t, s, "free")
		other, err := pgx.Connect(t.Context(), dsn)
		check(t, err)
		defer other.Close(context.Background())
		tx, err := other.Begin(t.Context())
		check(t, err)
		_, err = tx.Exec(t.Context(), "SELECT 1 FROM request WHERE id = 'locked' FOR UPDATE")
		check(t, err)
		var wg sync.WaitGroup
		release := holdWriters(t, s)
		for range 3 {
			wg.Go(func() {
				_, err := s.Update(t.Context(), tenant, "locked", increment)
				wantKind(t, err, pfx.Unavailable)
			})
			wg.Go(func() {
				if _, err := s.Update(t.Context(), tenant, "free", increment); err != nil {
					t.Error(err)
				}
			})
		}
		waitQueued(s, 6-writers)
		release()
		wg.Wait()
		check(t, tx.Rollback(t.Context()))
		if got, err := s.Update(t.Context(), tenant, "locked", increment); err != nil || got.Version != locked.Version+1 {
			t.Errorf("got %+v, %v, want it updated once the row is free", got, err)
		}
	})
}

func TestNoChangeWritesNothing(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			s := openTemp(t, way.share)
			mustInsert(t, s, "a")
			before := query[string](t, s, "SELECT xmin::text || ctid::text FROM request")
			_, err := s.Update(t.Context(), tenant, "a", func(r *pfx.Request) error { r.Version++; return nil })
			check(t, err)
			_, err = s.Update(t.Context(), tenant, "unknown", increment)
			wantKind(t, err, pfx.NotFound)
			if after := query[string](t, s, "SELECT xmin::text || ctid::text FROM request"); after != before {
				t.Errorf("the row went from %s to %s", before, after)
			}
		})
	}
}

// TestTwoServers has three stores change the same requests, two with shared commits and one without.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.Copy(t, "empty", prepare)
	stores := []*Store{mustOpen(t, Config{URL: dsn}, true), mustOpen(t, Config{URL: dsn}, true), mustOpen(t, Config{URL: dsn}, false)}
	ids := strings.Split("abcd", "")
	for _, id := range ids {
		mustInsert(t, stores[0], id)
	}
	const callers, rounds = 6, 40
	var wg sync.WaitGroup
	for _, s := range stores {
		for n := range callers {
			wg.Go(func() {
				for i := range rounds {
					if _, err := s.Update(t.Context(), tenant, ids[(i+n)%len(ids)], increment); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	total := int32(0)
	for _, id := range ids {
		got, err := stores[2].Get(t.Context(), tenant, id)
		check(t, err)
		total += got.Status - 6
	}
	want := int32(len(stores) * callers * rounds)
	if total != want {
		t.Errorf("got %d updates, want %d", total, want)
	}
	wantRecords(t, stores[2], int64(want)+int64(len(ids)))
}

// TestBusyPool uses up every connection.
func TestBusyPool(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, Config{URL: postgrestest.Copy(t, "empty", prepare) + "&pool_max_conns=2"}, true)
	c, err := s.pool.Acquire(t.Context())
	check(t, err)
	_, err = s.Get(t.Context(), tenant, "a")
	wantKind(t, err, pfx.Unavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Get(ctx, tenant, "a")
	wantKind(t, err, pfx.Unavailable)
	c.Release()
	_, err = s.Get(t.Context(), tenant, "a")
	wantKind(t, err, pfx.NotFound)
}

// holdWriters keeps the writers waiting for a connection until release is called.
func holdWriters(t *testing.T, s *Store) (release func()) {
	t.Helper()
	var held []interface{ Release() }
	for range writers {
		c, err := s.writers.Acquire(t.Context())
		check(t, err)
		held = append(held, c)
	}
	return func() {
		for _, c := range held {
			c.Release()
		}
	}
}

// waitQueued returns when n jobs are in the queue.
func waitQueued(s *Store, n int) {
	for s.queue.Len() < n {
		runtime.Gosched()
	}
}

func wantRecords(t *testing.T, s *Store, want int64) {
	t.Helper()
	report, err := audit.Verify(t.Context(), s)
	if err != nil || len(report.Faults) > 0 || report.Records != want {
		t.Errorf("got %+v, %v, want %d records and no fault", report, err, want)
	}
}

func isKind(kind pfx.Kind) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*pfx.Error](err)
		return ok && e.Kind == kind
	}
}

func query[T any](t *testing.T, s *Store, sql string) T {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), sql)
	check(t, err)
	got, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	check(t, err)
	return got
}
