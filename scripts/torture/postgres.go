//go:build linux

package main

import (
	"context"
	"errors"
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

// postgres has clients of two servers on one PostgreSQL read and update while that loses backends and is killed. In an
// order that explains all answers no acknowledged update is lost and none applied twice.
func postgres(ctx context.Context, r *rig) (string, error) {
	backends, postmasters := of(r.size, 10, 50, 2000), of(r.size, 3, 6, 200)
	db, err := r.cluster(ctx)
	if err != nil {
		return "", err
	}
	dsn, p, err := db.database(ctx)
	if err != nil {
		return "", err
	}
	f, err := r.fleet(ctx, dsn, dsn)
	if err != nil {
		return "", err
	}
	defer f.stop()
	w := &workload{rig: r, clients: postgresClients, operations: 1 << 40, hot: of(r.size, 8, 8, 64), cold: of(r.size, 40, 40, 1000), pick: f.pick}
	terminated, lost, killed := 0, 0, 0
	var recoveries, readies []time.Duration
	enough := errors.New("all faults are done")
	err = w.run(ctx, func(ctx context.Context) error {
		random := rand.New(rand.NewPCG(r.seed, 3))
		for terminated < backends || killed < postmasters {
			if err := pause(ctx, time.Duration(random.Int64N(int64(200*time.Millisecond)))); err != nil {
				return err
			}
			if killed*backends > terminated*postmasters || killed == postmasters {
				did, err := db.killBackend(ctx)
				if err != nil {
					return fmt.Errorf("terminating a backend: %w", err)
				}
				if did {
					terminated++
				}
				if p.loseOne(ctx) {
					lost++
				}
				continue
			}
			switch killed % 3 {
			case 0:
				db.signal(syscall.SIGKILL) // its backends end when they notice
			case 1:
				db.crash()
			case 2:
				db.signal(syscall.SIGQUIT) // pg_ctl stop -m immediate: each backend says that, and nothing is written
			}
			killed++
			began := time.Now()
			if err := db.start(ctx); err != nil {
				return err
			}
			recoveries = append(recoveries, time.Since(began))
			for i := range f.places {
				took, err := f.places[i].Load().waitReady(ctx, readyWithin)
				if err != nil {
					return fmt.Errorf("after PostgreSQL was killed for the %d. time: %w", killed, err)
				}
				readies = append(readies, took)
			}
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil { // a last look at everything
			return err
		}
		return enough
	})
	if !errors.Is(err, enough) {
		return "", err
	}
	if w.broken != nil {
		return "", errors.Join(w.broken, w.save())
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
		terminated, lost, killed, acked, v, ms(percentile(recoveries, 50)), ms(percentile(readies, 100))), nil
}
