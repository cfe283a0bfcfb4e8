package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

// TestStandby makes a server read-only in different ways, like a demoted primary.
func TestStandby(t *testing.T) {
	t.Parallel()

	t.Run("isRefusedAtStart", func(t *testing.T) {
		t.Parallel()
		_, err := Open(t.Context(), Config{URL: postgrestest.Copy(t, "empty", prepare) + "&default_transaction_read_only=on"})
		if err == nil || !strings.Contains(err.Error(), "the database is read-only") {
			t.Errorf("got %v, want a read-only database refused", err)
		}
	})

	// Only an address that asks for it uses a standby.
	t.Run("isNotReady", func(t *testing.T) {
		t.Parallel()
		s := mustOpen(t, Config{URL: postgrestest.Copy(t, "empty", prepare) + "&target_session_attrs=any"}, true)
		mustInsert(t, s, "a")
		readOnly := s.pool.Config()
		readOnly.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
		s.pool.Close()
		var err error
		s.pool, err = s.newPool(t.Context(), readOnly)
		check(t, err)
		wantKind(t, s.Ready(t.Context()), pfx.Unavailable)
		_, err = s.Insert(t.Context(), storetest.Request(tenant, "b"))
		wantKind(t, err, pfx.Unavailable)
		_, err = s.Get(t.Context(), tenant, "a")
		check(t, err)
	})

	// A proxy may lead an open connection to another server. The first refused change drops the connection.
	for _, way := range ways {
		t.Run("behindAProxyIsLeft/"+way.name, func(t *testing.T) {
			t.Parallel()
			s := mustOpen(t, Config{URL: postgrestest.Copy(t, "empty", prepare)}, way.share)
			before := mustInsert(t, s, "a")
			pools := []*pgxpool.Pool{s.pool, s.writers}
			for _, pool := range pools {
				demote(t, pool, time.Now())
			}
			got, err := s.Update(t.Context(), tenant, "a", increment)
			if err != nil || got.Version != before.Version+1 {
				t.Errorf("got %+v, %v, want the change on another connection", got, err)
			}
			mustInsert(t, s, "b")
			check(t, s.Delete(t.Context(), tenant, "b", func(*pfx.Request) error { return nil }))
		})
	}

	t.Run("behindAProxyIsNotRead", func(t *testing.T) {
		t.Parallel()
		s := mustOpen(t, Config{URL: postgrestest.Copy(t, "empty", prepare)}, true)
		demoted := demote(t, s.pool, time.Now().Add(-2*time.Second))
		c, err := s.take(t.Context(), s.pool)
		check(t, err)
		defer s.release(c)
		if demoted[c.Conn().PgConn().PID()] {
			t.Error("a connection to a standby was used")
		}
	})
}

// demote makes the pool's connections read-only, sets their last use, and returns their processes.
func demote(t *testing.T, pool *pgxpool.Pool, used time.Time) map[uint32]bool {
	t.Helper()
	c, err := pool.Acquire(t.Context())
	check(t, err)
	demoted := map[uint32]bool{}
	for _, c := range append(pool.AcquireAllIdle(t.Context()), c) {
		_, err := c.Exec(t.Context(), "SET default_transaction_read_only = on")
		check(t, err)
		conn := c.Conn().PgConn()
		conn.CustomData()[releasedAt] = used
		demoted[conn.PID()] = true
		c.Release()
	}
	return demoted
}
