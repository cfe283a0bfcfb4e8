package upstream

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// pool keeps idle connections, the most recently used first, and bounds their total number.
type pool struct {
	config  *Config
	places  *semaphore.Weighted
	uploads *semaphore.Weighted // the places for streamed bodies
	mu      sync.Mutex
	idle    []*conn
	closed  bool
}

var errBusy = errors.New("all connections are in use")

func (p *pool) init(config *Config) {
	p.config, p.places = config, semaphore.NewWeighted(int64(config.MaxConns))
	p.uploads = semaphore.NewWeighted(int64(config.MaxConns+1) / 2)
}

// enter waits for a place for a connection; leave returns it. Streamed bodies, which may be slow, get at most half of the
// places: the others are for complete requests.
func (p *pool) enter(ctx context.Context, streamed bool) error {
	if streamed {
		if err := p.wait(ctx, p.uploads); err != nil {
			return err
		}
	}
	err := p.wait(ctx, p.places)
	if err != nil && streamed {
		p.uploads.Release(1)
	}
	return err
}

func (p *pool) wait(ctx context.Context, places *semaphore.Weighted) error {
	if places.TryAcquire(1) {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, p.config.QueueTimeout)
	defer cancel()
	if err := places.Acquire(wait, 1); err != nil {
		if ctx.Err() != nil {
			return &Error{Kind: Gone, Err: ctx.Err()}
		}
		return &Error{Kind: Busy, Err: errBusy}
	}
	return nil
}

func (p *pool) leave(streamed bool) {
	p.places.Release(1)
	if streamed {
		p.uploads.Release(1)
	}
}

// take returns an idle connection that is still usable, or nil.
func (p *pool) take(now time.Time) *conn {
	for {
		p.mu.Lock()
		last := len(p.idle) - 1
		if last < 0 {
			p.mu.Unlock()
			return nil
		}
		c := p.idle[last]
		p.idle[last] = nil
		p.idle = p.idle[:last]
		p.mu.Unlock()
		if now.Before(c.expires) && c.quiet() {
			return c
		}
		c.close()
	}
}

// put keeps a connection for the next request, and closes one that has been idle for too long.
func (p *pool) put(c *conn) {
	now := time.Now()
	c.expires = c.expiry(now, p.config)
	var old *conn
	p.mu.Lock()
	switch {
	case p.closed, !now.Before(c.expires):
		old = c
	case len(p.idle) > 0 && !now.Before(p.idle[0].expires):
		old = p.idle[0]
		copy(p.idle, p.idle[1:])
		p.idle[len(p.idle)-1] = c
	default:
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// expiry returns when a connection that becomes idle now is closed: after IdleTimeout, shortly before the upstream closes it
// (Keep-Alive), or at MaxConnAge, since the upstream's address may change.
func (c *conn) expiry(now time.Time, config *Config) time.Time {
	idle := config.IdleTimeout
	if c.answer.keep > 0 {
		idle = min(idle, c.answer.keep-keepMargin)
	}
	expires := now.Add(idle)
	if oldest := c.born.Add(config.MaxConnAge); oldest.Before(expires) {
		return oldest
	}
	return expires
}

// keepMargin is how much earlier than the upstream the client closes a connection, so that no request races with the close.
const keepMargin = 500 * time.Millisecond

func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
}
