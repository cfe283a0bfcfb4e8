//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// upgrade has an earlier release and this one serve the same objects, side by side on PostgreSQL and in turn on a file:
// forward, and back again. Clients must not notice.
func upgrade(ctx context.Context, r *rig) (string, error) {
	return r.onBoth(ctx, func(db *cluster) (string, error) {
		store, err := r.store(ctx, db)
		if err != nil {
			return "", err
		}
		if db == nil {
			return upgradeOn(ctx, r, store)
		}
		return upgradeOn(ctx, r, store, store)
	})
}

// upgradeOn starts with the old release everywhere, as users do.
func upgradeOn(ctx context.Context, r *rig, stores ...string) (string, error) {
	rounds := of(r.size, 1, 1, 100)
	programs := []string{r.pfxrd, r.old}
	f, err := r.fleetOf(ctx, r.old, stores...)
	if err != nil {
		return "", err
	}
	defer f.stop()
	w := &workload{rig: r, clients: 8, operations: 1 << 40, hot: 8, cold: 40, pick: f.pick}
	c := r.newCaller(1)
	defer c.close()
	changes, refusals, added := 0, 0, 0
	enough := errors.New("all changes are done")
	err = w.run(ctx, func(ctx context.Context) error {
		random := rand.New(rand.NewPCG(r.seed, 6))
		for range rounds {
			for _, program := range programs { // to the new one, and back
				for i := range f.places {
					if err := pause(ctx, 500*time.Millisecond+time.Duration(random.Int64N(int64(300*time.Millisecond)))); err != nil {
						return err
					}
					did, err := f.change(ctx, i, program)
					if err != nil {
						return err
					}
					changes++
					if !did {
						refusals++
					}
					for i := range f.places { // the workload only updates
						added++
						if _, err := c.create(ctx, f.places[i].Load(), fmt.Sprint("added-", added), numbered(1, 16)); err != nil {
							return err
						}
					}
				}
			}
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil { // time for the last reads
			return err
		}
		return enough
	})
	if w.broken != nil {
		return "", errors.Join(w.broken, w.save())
	}
	if !errors.Is(err, enough) {
		return "", err
	}
	v, err := w.check()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d changes of the release, %d of them refused for a newer schema, %d objects added meanwhile, 0 lost: %s", changes, refusals, added, v), nil
}

// change stops a server, which drains, and starts the program in its place. It reports false if an earlier release
// correctly refuses the schema of a later one: then the program stays.
func (f *fleet) change(ctx context.Context, i int, program string) (bool, error) {
	if err := f.places[i].Load().stop(drainWithin); err != nil {
		return false, fmt.Errorf("draining: %w", err)
	}
	before := f.programs[i]
	f.programs[i] = program
	err := f.start(ctx, i)
	refused := err != nil && program == f.rig.old && strings.Contains(err.Error(), "is newer than this program's")
	if refused {
		f.programs[i] = before
		err = f.start(ctx, i)
	}
	if err != nil {
		return false, err
	}
	_, err = f.places[i].Load().waitReady(ctx, readyWithin)
	return !refused, err
}
