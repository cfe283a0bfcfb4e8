//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

const auditClients = 8

// audit kills servers under clients that create, update and delete objects. Each acknowledged change must have exactly one
// record in the audit trail, no change may have more than one, and the trail must verify.
func audit(ctx context.Context, r *rig) (string, error) {
	return r.onBoth(ctx, func(db *cluster) (string, error) {
		cycles := of(r.size, 20, 100, 9_000)
		if db != nil {
			cycles = of(r.size, 10, 30, 1_000)
		}
		store, err := r.store(ctx, db)
		if err != nil {
			return "", err
		}
		return auditOn(ctx, r, store, cycles, db)
	})
}

func auditOn(ctx context.Context, r *rig, store string, cycles int, db *cluster) (string, error) {
	a := &auditRun{rig: r, store: store}
	terminated, check := 0, 50
	for cycle := range cycles {
		if err := a.cycle(ctx, cycle, func(ctx context.Context) error {
			if db == nil {
				return nil
			}
			did, err := db.killBackend(ctx)
			if did {
				terminated++
			}
			return err
		}); err != nil {
			return "", fmt.Errorf("cycle %d: %w", cycle, err)
		}
		if kills := cycle + 1; kills == check || kills == cycles {
			if err := a.check(ctx); err != nil {
				return "", fmt.Errorf("cycle %d, %d acknowledged so far: %w", cycle, len(a.acked), err)
			}
			fmt.Fprintf(os.Stderr, "audit: %d kills so far, %d changes acknowledged, the trail is right\n", kills, len(a.acked))
			check += max(50, kills/4) // a check reads the whole trail, which grows
		}
	}
	if len(a.acked) < cycles*5 {
		return "", fmt.Errorf("only %d acknowledged in %d cycles: too few to tell anything", len(a.acked), cycles)
	}
	return fmt.Sprintf("%d kills, %d backends terminated, %d changes acknowledged with exactly one record each, %d records of changes without an answer, the trail verifies",
		cycles, terminated, len(a.acked), a.records-len(a.acked)), nil
}

// auditRun holds the acknowledged changes by the request-id of their response.
type auditRun struct {
	rig     *rig
	store   string
	records int

	mu    sync.Mutex
	acked map[string]string // the kind of change
}

// cycle starts a server, changes objects and kills the server at a random moment after disturb.
func (a *auditRun) cycle(ctx context.Context, cycle int, disturb func(context.Context) error) error {
	s, err := a.rig.serve(ctx, "server", a.store, launch{})
	if err != nil {
		return err
	}
	defer s.kill()
	c := a.rig.newCaller(auditClients)
	defer c.close()
	if _, err := c.token(ctx); err != nil {
		return err
	}
	half := rand.N(killWithin) / 2
	disturbed := make(chan error, 1)
	kill := time.AfterFunc(half, func() {
		disturbed <- disturb(ctx)
		time.AfterFunc(half, s.kill)
	})
	defer kill.Stop()
	var wg sync.WaitGroup
	for client := range auditClients {
		wg.Go(func() {
			key, shared := fmt.Sprintf("object-%d-%d", cycle, client), fmt.Sprintf("object-%d-0", cycle)
			for n := int32(1); a.change(ctx, c, s, key, shared, n, n*auditClients+int32(client)); n++ {
			}
		})
	}
	wg.Wait()
	return <-disturbed
}

// change makes the n-th change of an object, to a unique value: a change without effect has no record. It reports whether
// the server is alive. The first change creates the object, every tenth deletes it, and some affect an object that all
// clients share.
func (a *auditRun) change(ctx context.Context, c *caller, s *server, key, shared string, n, value int32) bool {
	what := "update"
	var got reply
	var err error
	switch n % 10 {
	case 1:
		what = "create"
		got, err = c.create(ctx, s, key, numbered(value, 16))
	case 0:
		what = "delete"
		got, err = c.send(ctx, http.MethodDelete, s.object(key), nil)
	default:
		if n%3 == 0 {
			key = shared // its changes may go together, and it may be deleted at the moment
		}
		got, err = c.send(ctx, http.MethodPatch, s.object(key), numbered(value, 16))
	}
	if err != nil {
		select {
		case <-s.ended:
			return false
		default:
			return got.status != 0 || ctx.Err() == nil && !errors.Is(err, errNotSent)
		}
	}
	if got.status < http.StatusMultipleChoices {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.acked == nil {
			a.acked = map[string]string{}
		}
		a.acked[got.header.Get("request-id")] = what + " of " + key
	}
	return true
}

// check compares the trail with the acknowledged changes, and has the program verify it.
func (a *auditRun) check(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, a.rig.pfxrd, "audit", "list", "--store", a.store).Output()
	if err != nil {
		return fmt.Errorf("listing the trail: %w", err)
	}
	seen := map[string]int{}
	a.records = 0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var record struct {
			Request string `json:"request-id"`
		}
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			return fmt.Errorf("reading the trail: %w", err)
		}
		seen[record.Request]++
		a.records++
	}
	for id, what := range a.acked {
		if seen[id] != 1 {
			return fmt.Errorf("the %s, which was acknowledged as request %s, has %d records, want 1", what, id, seen[id])
		}
	}
	for id, n := range seen {
		if n > 1 {
			return fmt.Errorf("the request %s has %d records", id, n)
		}
	}
	_, err = verifyTrail(ctx, a.rig, a.store)
	return err
}

// verifyTrail has the program verify a trail, and returns the ends of its chains.
func verifyTrail(ctx context.Context, r *rig, store string) (string, error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, r.pfxrd, "audit", "verify", "--store", store)
	cmd.Stderr = &said
	ends, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("verifying the trail: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return string(ends), nil
}
