package postgres

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
)

// deafConn discards writes while it is deaf: no response comes, and the connection stays open.
type deafConn struct {
	net.Conn
	deaf *atomic.Bool
}

func (c *deafConn) Write(b []byte) (int, error) {
	if c.deaf.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// TestLostConnectionLeavesItsPool: the pool has one place. A lost connection that pgx has not closed yet must not block the
// next one.
func TestLostConnectionLeavesItsPool(t *testing.T) {
	t.Parallel()
	settings, err := Config{URL: postgrestest.Database(t)}.settings()
	check(t, err)
	var deaf atomic.Bool
	dialled := make(chan net.Conn, 16) // the connection, and the one that pgx uses to cancel its statement
	dial := settings.writers.ConnConfig.DialFunc
	settings.writers.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err == nil {
			dialled <- conn
		}
		return &deafConn{conn, &deaf}, err
	}
	s, err := openWith(t.Context(), settings, false)
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	c, err := s.take(t.Context(), s.writers)
	check(t, err)
	deaf.Store(true)
	asking, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Exec(asking, "SELECT 1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want no answer", err)
	}
	asked := c.Conn().PgConn()
	s.release(c)
	if n := s.writers.Stat().TotalConns(); n != 0 {
		t.Errorf("the pool still has %d connections, want none", n)
	}
	for range 2 { // otherwise the test would wait until pgx gives up
		check(t, (<-dialled).Close())
	}
	<-asked.CleanupDone()
}
