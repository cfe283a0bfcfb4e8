package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
)

// newPool returns a pool that connects on first use.
func (s *Store) newPool(ctx context.Context, c *pgxpool.Config) (*pgxpool.Pool, error) {
	c.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false } // take checks connections itself
	// The pool's own goroutines live as long as the pool.
	return pgxpool.NewWithConfig(context.WithoutCancel(ctx), c)
}

// acquire takes a connection from a pool.
func (s *Store) acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	if err := s.queue.Check(ctx); err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, s.waits.connection)
	defer cancel()
	c, err := s.take(waiting, pool)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, store.GivenUpError(ctx)
	case waiting.Err() != nil:
		return nil, store.Unavailable("The store is busy: nothing was changed. Try again later.", fmt.Errorf("waiting %s for a connection: %w", s.waits.connection, err))
	}
	if err := s.queue.Check(ctx); err != nil { // the store was closed in the meantime
		return nil, err
	}
	return nil, store.Unavailable("The store cannot be reached: nothing was changed. Try again later.", fmt.Errorf("connecting: %w", oneLine{err}))
}

// note remembers that a connection was lost: the server may have ended, and the other connections with it. A connection to
// a server that has become a standby counts as lost: its reads may be stale.
func (s *Store) note(c *pgxpool.Conn, err error) {
	if isReadOnly(err) {
		s.drop(c)
	}
	if isLost(err) || isReadOnly(err) {
		s.lost.Store(time.Now().UnixNano())
	}
}

// drop closes a connection that must not be used again. release then removes it from its pool.
func (s *Store) drop(c *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), s.ping)
	defer cancel()
	_ = c.Conn().Close(ctx) // it is closed whatever the server says
}

// lostSince reports whether a connection was lost within the last idle time.
func (s *Store) lostSince(idle time.Duration) bool {
	return s.lost.Load() >= time.Now().Add(-idle).UnixNano()
}

// take takes a working connection from a pool.
func (s *Store) take(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	for {
		c, err := pool.Acquire(ctx)
		if err != nil || s.lives(ctx, c) {
			return c, err
		}
		s.drop(c)
		s.release(c)
	}
}

// releasedAt is the key of a connection's last use.
const releasedAt = "releasedAt"

// lives reports whether a connection can be used. It pings one that was idle for a second, or since another one was lost. A
// connection must still lead to a server of the kind that target_session_attrs wants, which can change behind a proxy.
func (s *Store) lives(ctx context.Context, c *pgxpool.Conn) bool {
	last, used := c.Conn().PgConn().CustomData()[releasedAt].(time.Time)
	if !used {
		return true
	}
	if idle := time.Since(last); idle <= time.Second && !s.lostSince(idle) {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.ping) // canceling the ping would cost the connection
	defer cancel()
	conn := c.Conn().PgConn()
	if validate := c.Conn().Config().ValidateConnect; validate != nil {
		return validate(ctx, conn) == nil
	}
	return conn.Ping(ctx) == nil
}

// release returns a connection to its pool. A lost one leaves the pool at once: if the server does not respond, pgx takes
// up to 15 s to close it, and for as long the pool would not replace it.
func (*Store) release(c *pgxpool.Conn) {
	if c.Conn().IsClosed() {
		c.Hijack()
		return
	}
	c.Conn().PgConn().CustomData()[releasedAt] = time.Now()
	c.Release()
}
