//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	rollingRate   = 500 // requests a second
	rollingEvery  = 2 * time.Second
	probeInterval = 100 * time.Millisecond
	drainWithin   = 25 * time.Second
)

// rolling restarts two servers on one PostgreSQL in turn, under requests that a balancer gives to ready servers. No request
// may fail. The balancer polls /readyz, and tries the other server if it cannot connect to the first one. It never resends
// a request that was sent in part.
func rolling(ctx context.Context, r *rig) (string, error) {
	restarts := of(r.size, 2, 5, 100)
	db, err := r.cluster(ctx)
	if err != nil {
		return "", err
	}
	dsn, _, err := db.database(ctx)
	if err != nil {
		return "", err
	}
	f, err := r.fleet(ctx, dsn, dsn)
	if err != nil {
		return "", err
	}
	defer f.stop()
	b := &balancer{fleet: f, caller: r.newCaller(256), ready: make([]atomic.Bool, 2)}
	defer b.caller.close()
	b.caller.http.Transport.(*http.Transport).DialContext = dialFar
	for i := range 16 {
		if _, err := b.caller.create(ctx, f.places[0].Load(), fmt.Sprint("object-", i), numbered(1, 16)); err != nil {
			return "", err
		}
	}
	loading, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	for i := range f.places {
		wg.Go(func() { b.probe(loading, i) })
	}
	wg.Go(func() { b.load(loading) })
	drains, err := f.restart(ctx, restarts)
	if err != nil {
		return "", err
	}
	stop()
	wg.Wait()
	if n := len(b.failures); n > 0 {
		return "", fmt.Errorf("%d of %d requests failed in %d restarts, the first: %w", n, b.sent.Load(), restarts, b.failures[0])
	}
	if n := b.sent.Load(); n < int64(restarts)*rollingRate {
		return "", fmt.Errorf("only %d requests in %d restarts: too few to tell anything", n, restarts)
	}
	return fmt.Sprintf("%d restarts, %d requests, 0 failed, %d found a closed door and went to the other; request p50 %s p99 %s, drain p50 %s, %.0f requests a second",
		restarts, b.sent.Load(), b.redirected.Load(), ms(percentile(b.times, 50)), ms(percentile(b.times, 99)), ms(percentile(drains, 50)), float64(b.sent.Load())/b.took.Seconds()), nil
}

// restart restarts the two servers in turn, and returns how long each took to drain.
func (f *fleet) restart(ctx context.Context, times int) ([]time.Duration, error) {
	var drains []time.Duration
	for i := range times {
		if err := pause(ctx, rollingEvery); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := f.places[i%2].Load().stop(drainWithin); err != nil {
			return nil, fmt.Errorf("restart %d: draining: %w", i, err)
		}
		drains = append(drains, time.Since(began))
		if err := f.start(ctx, i%2); err != nil {
			return nil, err
		}
		if _, err := f.places[i%2].Load().waitReady(ctx, 10*time.Second); err != nil {
			return nil, err
		}
	}
	return drains, pause(ctx, rollingEvery/2)
}

// lag delays all data. Without it hardly any request is in the critical state: sent, and not yet received by a server that
// closes the connection.
const lag = 5 * time.Millisecond

// farConn delivers data after lag.
type farConn struct {
	net.Conn
	mu     sync.Mutex
	flying chan flight // nil when closed
}

type flight struct {
	due  time.Time
	text []byte
}

func dialFar(ctx context.Context, network, address string) (net.Conn, error) {
	near, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &farConn{Conn: near, flying: make(chan flight, 64)}
	flying := c.flying
	go func() {
		for f := range flying {
			time.Sleep(time.Until(f.due))
			_, _ = near.Write(f.text) // the reader sees that the connection has ended
		}
	}()
	return c, nil
}

func (c *farConn) Write(text []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flying == nil {
		return 0, net.ErrClosed
	}
	c.flying <- flight{time.Now().Add(lag), bytes.Clone(text)}
	return len(text), nil
}

func (c *farConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flying != nil {
		close(c.flying)
		c.flying = nil
	}
	return c.Conn.Close()
}

// balancer gives requests to the servers that are ready.
type balancer struct {
	fleet  *fleet
	caller *caller
	ready  []atomic.Bool
	took   time.Duration

	sent, redirected atomic.Int64
	mu               sync.Mutex
	failures         []error
	times            []time.Duration
}

// probe asks one server whether it is ready.
func (b *balancer) probe(ctx context.Context, i int) {
	for {
		s := b.fleet.places[i].Load()
		is := s.ready(ctx) == http.StatusOK
		b.ready[i].Store(is)
		if pause(ctx, probeInterval) != nil {
			return
		}
	}
}

// load sends requests at a fixed rate, without waiting for responses.
func (b *balancer) load(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	began := time.Now()
	for due := began; ; due = due.Add(time.Second / rollingRate) {
		if pause(ctx, time.Until(due)) != nil {
			b.took = time.Since(began)
			return
		}
		wg.Go(func() { b.one(context.WithoutCancel(ctx)) })
	}
}

// one sends a request and records its outcome.
func (b *balancer) one(ctx context.Context) {
	n := int32(b.sent.Add(1))
	method, body, want := http.MethodPatch, any(numbered(n, 16)), http.StatusOK
	if n%4 == 0 {
		method, body = http.MethodGet, nil
	}
	key := fmt.Sprint("object-", rand.IntN(16))
	began := time.Now()
	first := rand.IntN(len(b.ready))
	var err error
	for try := range 4 {
		i := (first + try) % len(b.ready)
		if !b.ready[i].Load() && try < 2 {
			continue
		}
		var got reply
		got, err = b.caller.send(ctx, method, b.fleet.places[i].Load().object(key), body)
		if errors.Is(err, errNotSent) {
			b.ready[i].Store(false)
			b.redirected.Add(1)
			continue
		}
		if err == nil && got.status != want {
			err = fmt.Errorf("status %d", got.status)
		}
		break
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.times = append(b.times, time.Since(began))
	if err != nil {
		b.failures = append(b.failures, fmt.Errorf("a %s: %w", method, err))
	}
}
