//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

const (
	postgresClients = 8
	// readyWithin is how soon after the database the servers must be ready.
	readyWithin = 2 * time.Second
)

// postgres has clients of two servers on one PostgreSQL read and update while its backends and the whole of it are killed.
// If an order explains all responses, no acknowledged update is lost and none is applied twice.
func postgres(ctx context.Context, r *rig) (string, error) {
	backends, postmasters := of(r.size, 10, 50, 2000), of(r.size, 3, 6, 200)
	db, err := r.cluster(ctx)
	if err != nil {
		return "", err
	}
	dsn, px, err := db.database(ctx)
	if err != nil {
		return "", err
	}
	f, err := r.fleet(ctx, dsn, dsn)
	if err != nil {
		return "", err
	}
	defer f.stop()
	w := &workload{rig: r, clients: postgresClients, operations: 1 << 40, hot: of(r.size, 8, 8, 64), cold: of(r.size, 40, 40, 1000), pick: f.pick}
	p := &postgresRun{db: db, proxy: px, fleet: f}
	err = w.run(ctx, func(ctx context.Context) error { return p.disturb(ctx, backends, postmasters) })
	if err != nil {
		return "", err
	}
	v, err := w.check()
	if err != nil {
		return "", err
	}
	acked := 0
	for _, op := range w.history {
		if op.Kind != "get" && op.Outcome == applied {
			acked++
		}
	}
	return fmt.Sprintf("%d backends terminated, %d answers of the database lost, PostgreSQL killed %d times, %d acknowledged, 0 lost, 0 doubled: %s; PostgreSQL back p50 %s, servers ready at most %s later",
		p.terminated, p.lost, p.killed, acked, v, ms(percentile(p.recoveries, 50)), ms(percentile(p.readies, 100))), nil
}

// postgresRun causes the faults that the servers must survive, and counts them.
type postgresRun struct {
	db    *cluster
	proxy *proxy
	fleet *fleet

	terminated, lost, killed int
	recoveries, readies      []time.Duration
}

// disturb mixes both kinds of faults until each has occurred that often.
func (p *postgresRun) disturb(ctx context.Context, backends, postmasters int) error {
	random := rand.New(rand.NewPCG(p.fleet.rig.seed, 3))
	for p.terminated < backends || p.killed < postmasters {
		if err := pause(ctx, time.Duration(random.Int64N(int64(200*time.Millisecond)))); err != nil {
			return err
		}
		fault := p.kill
		if p.killed*backends > p.terminated*postmasters || p.killed == postmasters {
			fault = p.lose
		}
		if err := fault(ctx); err != nil {
			return err
		}
	}
	if err := pause(ctx, 500*time.Millisecond); err != nil { // time for the last reads
		return err
	}
	return errEnough
}

// lose ends a connection, and loses a response.
func (p *postgresRun) lose(ctx context.Context) error {
	did, err := p.db.killBackend(ctx)
	if err != nil {
		return fmt.Errorf("terminating a backend: %w", err)
	}
	if did {
		p.terminated++
	}
	if p.proxy.loseOne(ctx) {
		p.lost++
	}
	return nil
}

// kill ends all of PostgreSQL in one of three ways, and starts it again.
func (p *postgresRun) kill(ctx context.Context) error {
	switch p.killed % 3 {
	case 0:
		p.db.signal(syscall.SIGKILL) // its backends end when they notice
	case 1:
		p.db.crash()
	case 2:
		p.db.signal(syscall.SIGQUIT) // pg_ctl stop -m immediate: each backend reports that, and nothing is written
	}
	p.killed++
	began := time.Now()
	if err := p.db.start(ctx); err != nil {
		return err
	}
	p.recoveries = append(p.recoveries, time.Since(began))
	for i := range p.fleet.places {
		took, err := p.fleet.places[i].Load().waitReady(ctx, readyWithin)
		if err != nil {
			return fmt.Errorf("after PostgreSQL was killed for the %d. time: %w", p.killed, err)
		}
		p.readies = append(p.readies, took)
	}
	return nil
}
