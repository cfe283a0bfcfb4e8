//go:build long

package postgres

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
)

// TestFaults breaks connections under load and accounts for every update.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run("terminatedBackends/"+way.name, func(t *testing.T) {
			t.Parallel()
			dsn := postgrestest.Database(t)
			s := mustOpen(t, Config{URL: dsn}, way.share)
			admin, err := pgx.Connect(t.Context(), dsn)
			check(t, err)
			defer admin.Close(context.Background())
			c := startCrowd(t, s)
			terminated := 0
			for range 12 {
				c.await(30)
				var n int
				check(t, admin.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
					WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND random() < 0.7`).Scan(&n))
				terminated += n
			}
			c.await(30)
			c.stop(t)
			t.Logf("%d backends terminated, %s", terminated, c)
		})
		// The response to one in 20 statements, stored updates among them, is lost on its way.
		t.Run("lostResponses/"+way.name, func(t *testing.T) {
			t.Parallel()
			settings, err := Config{URL: postgrestest.Database(t)}.settings()
			check(t, err)
			var n atomic.Int64
			for _, c := range []*pgx.ConnConfig{settings.pool.ConnConfig, settings.writers.ConnConfig} {
				dial := c.DialFunc
				c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := dial(ctx, network, address)
					return &leakyConn{conn, &n}, err
				}
			}
			s, err := openWith(t.Context(), settings, way.share)
			check(t, err)
			t.Cleanup(func() { check(t, s.Close()) })
			c := startCrowd(t, s)
			n.Store(1 << 30) // from now on
			c.await(300)
			n.Store(0)
			c.stop(t)
			if c.used == 0 {
				t.Errorf("%s: want some that were", c)
			}
			t.Log(c)
		})
	}
	t.Run("killedServer", func(t *testing.T) {
		t.Parallel()
		cluster := postgrestest.Private(t, "fsync=off") // written data outlives the process
		s := mustOpen(t, Config{URL: cluster.DSN("postgres")}, shareCommits)
		c := startCrowd(t, s)
		for range 2 {
			c.await(100)
			check(t, cluster.Kill())
			awaitReady(t, s, false) // a backend ends when it notices
			check(t, cluster.Restart(t.Context()))
			awaitReady(t, s, true)
		}
		c.await(100)
		c.stop(t)
		t.Log(c)
	})
}

// leakyConn loses responses while n is large, and with them the connection.
type leakyConn struct {
	net.Conn
	n *atomic.Int64
}

func (c *leakyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if i := c.n.Add(1); i > 1<<30 && i%20 == 0 {
		_ = c.Conn.Close() // the error below counts
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// crowd is a set of callers. Each increments its own request and, in turn, a shared one.
type crowd struct {
	s        *Store
	cancel   context.CancelFunc
	callers  sync.WaitGroup
	answered chan struct{}

	mu                    sync.Mutex
	answers, doubts, used int // updates with a response, updates without an outcome, and the stored ones among the latter
	common                int // responses for the shared request
	commonDoubts          int
	start                 *pfx.Request
}

func (c *crowd) String() string {
	return fmt.Sprintf("%d updates answered, %d without an outcome, of which %d were stored", c.answers, c.doubts, c.used)
}

func startCrowd(t *testing.T, s *Store) *crowd {
	ctx, cancel := context.WithCancel(t.Context())
	c := &crowd{s: s, cancel: cancel, answered: make(chan struct{}), start: mustInsert(t, s, "common")}
	for n := range 8 {
		own := mustInsert(t, s, fmt.Sprint("own-", n))
		c.callers.Go(func() {
			for ctx.Err() == nil {
				own = c.updateOwn(t, own)
				c.updateCommon(t)
				select {
				case c.answered <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	return c
}

// updateOwn updates a request that no other caller updates. The stored request shows whether the update took place: once or
// not at all.
func (c *crowd) updateOwn(t *testing.T, before *pfx.Request) *pfx.Request {
	got, err := c.s.Update(t.Context(), tenant, before.ID, increment)
	after := *before
	after.Status, after.Version = before.Status+1, before.Version+1
	if err == nil {
		if *got != after {
			t.Errorf("%s: got status %d, version %d, want %d, %d: an update was lost or doubled", before.ID, got.Status, got.Version, after.Status, after.Version)
		}
		c.count(func() { c.answers++ })
		return got
	}
	wantKind(t, err, pfx.Unavailable)
	awaitReady(t, c.s, true)
	got, err = c.s.Get(t.Context(), tenant, before.ID)
	for again := 0; err != nil && again < 1000; again++ { // it may have been disconnected again
		wantKind(t, err, pfx.Unavailable)
		awaitReady(t, c.s, true)
		got, err = c.s.Get(t.Context(), tenant, before.ID)
	}
	switch {
	case err != nil:
		t.Errorf("%s: %v", before.ID, err)
		return before
	case *got == after:
		c.count(func() { c.doubts++; c.used++ })
	case *got == *before:
		c.count(func() { c.doubts++ })
	default:
		t.Errorf("%s: got status %d, version %d after %d, %d: an update was lost or doubled", before.ID, got.Status, got.Version, before.Status, before.Version)
	}
	return got
}

func (c *crowd) updateCommon(t *testing.T) {
	_, err := c.s.Update(t.Context(), tenant, c.start.ID, increment)
	if err != nil {
		wantKind(t, err, pfx.Unavailable)
		c.count(func() { c.commonDoubts++ })
		return
	}
	c.count(func() { c.common++ })
}

func (c *crowd) count(fn func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fn()
}

// await returns after n more rounds of callers.
func (c *crowd) await(n int) {
	for range n {
		<-c.answered
	}
}

// stop ends the callers and checks the shared request.
func (c *crowd) stop(t *testing.T) {
	t.Helper()
	c.cancel()
	c.callers.Wait()
	got, err := c.s.Get(t.Context(), tenant, c.start.ID)
	check(t, err)
	n := int(got.Status - c.start.Status)
	if n < c.common || n > c.common+c.commonDoubts || got.Version != c.start.Version+pfx.Version(n) {
		t.Errorf("got %d updates with version +%d, want %d answered ones and at most %d more", n, got.Version-c.start.Version, c.common, c.commonDoubts)
	}
}

// awaitReady polls until the store is ready, or is not.
func awaitReady(t *testing.T, s *Store, want bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for err := s.Ready(t.Context()); (err == nil) != want; err = s.Ready(t.Context()) {
		<-again.C
	}
}
