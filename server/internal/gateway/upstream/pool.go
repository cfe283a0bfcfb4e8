package upstream

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// pool keeps the connections that nobody uses, the last used on top, and bounds how many there are.
type pool struct {
	config  *Config
	places  *semaphore.Weighted
	uploads *semaphore.Weighted // those of the places that streamed bodies may take
	mu      sync.Mutex
	idle    []*conn
	closed  bool
}

var errBusy = errors.New("all connections are taken")

func (p *pool) init(config *Config) {
	p.config, p.places = config, semaphore.NewWeighted(int64(config.MaxConns))
	p.uploads = semaphore.NewWeighted(int64(config.MaxConns+1) / 2)
}

// enter waits for the place of a connection, which leave gives back. Bodies that are streamed, which may be slow, take at
// most half of the places: the others are for requests that are all there.
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

// take returns a connection that was used before and is still good, nil if there is none.
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

// put keeps a connection for the next request, and drops one that nobody has wanted for long.
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

// expiry returns when a connection that is unused from now on is closed: after IdleTimeout, shortly before the upstream
// closes it, as its Keep-Alive field says, or at MaxConnAge, after which the upstream's name may have another address.
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

// keepMargin is how long before the upstream a connection is given up here, so that no request meets its end.
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
