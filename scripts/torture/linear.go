//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// fleet is a set of servers with one store. Each may be replaced while clients use it.
type fleet struct {
	rig      *rig
	stores   []string // each server's address of it
	programs []string // of each server
	places   []atomic.Pointer[server]

	mu     sync.Mutex
	starts []time.Duration
}

// fleet starts a server for each address of the store.
func (r *rig) fleet(ctx context.Context, stores ...string) (*fleet, error) {
	return r.fleetOf(ctx, r.pfxrd, stores...)
}

// fleetOf starts a server of the given program for each address of the store.
func (r *rig) fleetOf(ctx context.Context, program string, stores ...string) (*fleet, error) {
	n := len(stores)
	f := &fleet{rig: r, stores: stores, programs: slices.Repeat([]string{program}, n), places: make([]atomic.Pointer[server], n)}
	for i := range f.places {
		if err := f.start(ctx, i); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *fleet) start(ctx context.Context, i int) error {
	s, err := f.rig.serve(ctx, fmt.Sprint("server-", i), f.stores[i], launch{program: f.programs[i]})
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.starts = append(f.starts, s.took)
	f.mu.Unlock()
	f.places[i].Store(s)
	return nil
}

func (f *fleet) pick(r *rand.Rand) *server { return f.places[r.IntN(len(f.places))].Load() }

func (f *fleet) stop() {
	for i := range f.places {
		if s := f.places[i].Load(); s != nil {
			s.kill()
		}
	}
}

// replace kills a server and starts another one instead.
func (f *fleet) replace(ctx context.Context, i int) error {
	f.places[i].Load().kill()
	return f.start(ctx, i)
}

const linearClients = 16

// linear has clients read and update the same objects while servers are killed and PostgreSQL's connections terminated. It
// looks for an order of all operations that explains each response.
func linear(ctx context.Context, r *rig) (string, error) {
	operations := of(r.size, 5_000, 50_000, 1_000_000)
	return r.onBoth(ctx, func(db *cluster) (string, error) {
		if db == nil {
			return linearOn(ctx, r, "sqlite:"+r.path("pfxr.db"), nil, operations)
		}
		dsn, p, err := db.database(ctx)
		if err != nil {
			return "", err
		}
		return linearOn(ctx, r, dsn, p, operations)
	})
}

// linearOn runs two servers if their store is PostgreSQL, behind p, and otherwise one.
func linearOn(ctx context.Context, r *rig, store string, p *proxy, operations int) (string, error) {
	stores := []string{store}
	if p != nil {
		stores = []string{store, store}
	}
	f, err := r.fleet(ctx, stores...)
	if err != nil {
		return "", err
	}
	defer f.stop()
	w := &workload{rig: r, clients: linearClients, operations: operations, hot: 12, cold: of(r.size, 100, 500, 1000), pick: f.pick}
	kills, terminated, lost := 0, 0, 0
	began := time.Now()
	err = w.run(ctx, func(ctx context.Context) error {
		random := rand.New(rand.NewPCG(r.seed, 2))
		for i := 0; ; i++ {
			err := pause(ctx, 100*time.Millisecond+time.Duration(random.Int64N(int64(300*time.Millisecond))))
			did := true
			switch {
			case err != nil:
			case p == nil || i%4 == 3:
				kills++
				err = f.replace(ctx, random.IntN(len(stores)))
			case i%4 == 1:
				terminated++
				did, err = r.db.killBackend(ctx)
			default:
				lost++
				did = p.loseOne(ctx)
			}
			switch {
			case ctx.Err() != nil: // the end, not a fault
				return nil
			case err != nil:
				return err
			case !did:
				return errors.New("the servers use none of their connections")
			}
		}
	})
	if err != nil {
		return "", err
	}
	rate := float64(w.done.Load()) / time.Since(began).Seconds()
	v, err := w.check()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %.0f a second, %d kills, %d backends terminated, %d answers of the database lost", v, rate, kills, terminated, lost), nil
}
