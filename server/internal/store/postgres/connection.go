package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
)

// newPool makes a pool that connects when it is used.
func (s *Store) newPool(ctx context.Context, c *pgxpool.Config) (*pgxpool.Pool, error) {
	c.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false } // take does it
	// The pool's own goroutines live as long as it does.
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
	if err := s.queue.Check(ctx); err != nil { // closed meanwhile
		return nil, err
	}
	return nil, store.Unavailable("The store cannot be reached: nothing was changed. Try again later.", fmt.Errorf("connecting: %w", oneLine{err}))
}

// note remembers that a connection was lost: the server may have ended, and the others with it. A connection to a server
// that has become a standby is lost too: what it reads may be stale.
func (s *Store) note(c *pgxpool.Conn, err error) {
	if isReadOnly(err) {
		s.drop(c)
	}
	if isLost(err) || isReadOnly(err) {
		s.lost.Store(time.Now().UnixNano())
	}
}

// drop closes a connection that is not to be used again. release then takes it out of its pool.
func (s *Store) drop(c *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), s.ping)
	defer cancel()
	_ = c.Conn().Close(ctx) // it is closed then, whatever the server says
}

// lostSince reports whether a connection was lost within the last idle.
func (s *Store) lostSince(idle time.Duration) bool {
	return s.lost.Load() >= time.Now().Add(-idle).UnixNano()
}

// take takes a connection from a pool, and looks whether it lives.
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

// releasedAt is the key under which a connection has the time of its last use.
const releasedAt = "releasedAt"

// lives reports whether a connection can be used: one that was not for a second, or since another one was lost, is asked.
// It must still lead to a server of the kind that target_session_attrs wants: behind a proxy that can change.
func (s *Store) lives(ctx context.Context, c *pgxpool.Conn) bool {
	last, used := c.Conn().PgConn().CustomData()[releasedAt].(time.Time)
	if !used {
		return true
	}
	if idle := time.Since(last); idle <= time.Second && !s.lostSince(idle) {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.ping) // to be given up would cost the connection
	defer cancel()
	conn := c.Conn().PgConn()
	if validate := c.Conn().Config().ValidateConnect; validate != nil {
		return validate(ctx, conn) == nil
	}
	return conn.Ping(ctx) == nil
}

// release gives a connection back to its pool. One that is lost leaves the pool at once: pgx goes on to end it for up to
// 15 s while nobody answers, and for as long the pool would have no other in its place.
func (*Store) release(c *pgxpool.Conn) {
	if c.Conn().IsClosed() {
		c.Hijack()
		return
	}
	c.Conn().PgConn().CustomData()[releasedAt] = time.Now()
	c.Release()
}
