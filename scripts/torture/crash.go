//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

const (
	crashClients = 8
	killWithin   = 200 * time.Millisecond
)

// crash repeatedly kills a server with a store in a file, under clients that update with If-Match. After each restart,
// every object must be as its last acknowledged update has left it, or as the next update, whose response never came.
func crash(ctx context.Context, r *rig) (string, error) {
	cycles := of(r.size, 40, 300, 10_000)
	store := r.path("pfxr.db")
	objects := make(chains, crashClients)
	for i := range objects {
		objects[i] = &chain{key: fmt.Sprint("object-", i), length: 16}
		if i%2 == 0 {
			objects[i].length = 1024 // three such strings do not fit in a page: a crash could keep part of an update
		}
	}
	acked, intact := 0, 0
	var starts []time.Duration
	for cycle := range cycles {
		s, err := r.serve(ctx, "server", "sqlite:"+store, launch{})
		if err != nil {
			return "", fmt.Errorf("cycle %d: %w", cycle, err)
		}
		starts = append(starts, s.took)
		n, err := crashCycle(ctx, r, s, objects, cycle == 0)
		acked += n
		if err != nil {
			return "", fmt.Errorf("cycle %d, %d acknowledged so far: %w", cycle, acked, err)
		}
		if cycle%50 == 49 || cycle == cycles-1 {
			if err := integrity(r, store); err != nil {
				return "", fmt.Errorf("cycle %d: %w", cycle, err)
			}
			intact++
		}
	}
	if acked < cycles*5 {
		return "", fmt.Errorf("only %d acknowledged in %d cycles: too few to tell anything", acked, cycles)
	}
	return fmt.Sprintf("%d kills, %d acknowledged, 0 lost, 0 torn, %d integrity checks, restart p50 %s p99 %s",
		cycles, acked, intact, ms(percentile(starts, 50)), ms(percentile(starts, 99))), nil
}

// crashCycle checks what was kept, updates, and kills the server at a random moment.
func crashCycle(ctx context.Context, r *rig, s *server, objects chains, first bool) (int, error) {
	c := r.newCaller(len(objects))
	defer c.close()
	defer s.kill()
	prepare := func(o *chain) error { return o.verify(ctx, c, s) }
	if first {
		prepare = func(o *chain) error { return o.begin(ctx, c, s) }
	}
	if err := objects.each(prepare); err != nil {
		return 0, err
	}
	before := objects.acked()
	t := time.AfterFunc(rand.N(killWithin), s.kill)
	defer t.Stop()
	err := objects.each(func(o *chain) error {
		for {
			alive, err := o.step(ctx, c, s)
			if err != nil || !alive {
				return err
			}
		}
	})
	return objects.acked() - before, err
}

// chain is an object that one client updates, each time on condition that it is as the last update has left it.
type chain struct {
	key    string
	length int   // length of the strings
	base   int32 // start of its numbers

	n       int32 // last acknowledged update
	tag     string
	pending int32 // update without a response, 0 if none
	acked   int
}

func (o *chain) begin(ctx context.Context, c *caller, s *server) error {
	o.n = o.base + 1
	got, err := c.create(ctx, s, o.key, numbered(o.n, o.length))
	o.tag = got.tag
	return err
}

// step sends the next update. alive is false if there was no response.
func (o *chain) step(ctx context.Context, c *caller, s *server) (alive bool, err error) {
	n := o.n + 1
	got, err := c.send(ctx, http.MethodPatch, s.object(o.key), numbered(n, o.length), "If-Match", o.tag)
	switch {
	case errors.Is(err, errNotSent):
		return false, nil
	case err != nil:
		o.pending = n
		return false, nil
	case got.status == http.StatusServiceUnavailable || got.status == http.StatusInternalServerError:
		o.pending = n
		return false, nil
	case got.status != http.StatusOK:
		return false, fmt.Errorf("%s: update %d on the condition %s was answered with %d", o.key, n, o.tag, got.status)
	case got.object != numbered(n, o.length):
		return false, fmt.Errorf("%s: update %d was answered with %+v", o.key, n, got.object)
	case got.tag == o.tag:
		return false, fmt.Errorf("%s: updates %d and %d have the same entity tag %s", o.key, o.n, n, o.tag)
	}
	o.n, o.tag = n, got.tag
	o.acked++
	return true, nil
}

// verify compares what is stored with what was acknowledged, and decides whether the pending update took place.
func (o *chain) verify(ctx context.Context, c *caller, s *server) error {
	got, err := c.send(ctx, http.MethodGet, s.object(o.key), nil)
	if err != nil {
		return fmt.Errorf("%s: reading: %w", o.key, err)
	}
	switch n := got.object.Status; {
	case got.status != http.StatusOK:
		return fmt.Errorf("%s: update %d was acknowledged, a GET answers %d", o.key, o.n, got.status)
	case got.object != numbered(n, o.length):
		return fmt.Errorf("%s: TORN: %+v", o.key, got.object)
	case n == o.n && got.tag == o.tag:
	case n == o.n:
		return fmt.Errorf("%s: the entity tag of update %d was %s and is %s", o.key, n, o.tag, got.tag)
	case n == o.pending && got.tag == o.tag:
		return fmt.Errorf("%s: updates %d and %d have the same entity tag %s", o.key, o.n, n, got.tag)
	case n == o.pending:
		o.n, o.tag = n, got.tag
	case n < o.n:
		return fmt.Errorf("%s: LOST: update %d was acknowledged, update %d is stored", o.key, o.n, n)
	default:
		return fmt.Errorf("%s: update %d is stored, which was never sent after %d", o.key, n, o.n)
	}
	o.pending = 0
	return nil
}

// integrity has SQLite check a copy of the store as the crash has left it: opening the file itself would repair it.
func integrity(r *rig, store string) error {
	to := r.path("copy.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(store + suffix)
		if errors.Is(err, os.ErrNotExist) && suffix != "" {
			_ = os.Remove(to + suffix) // left by the previous copy
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(to+suffix, data, 0o600); err != nil {
			return err
		}
	}
	_ = os.Remove(to + "-shm") // left by the previous copy
	conn, err := sqlite.OpenConn(to, sqlite.OpenReadWrite)
	if err != nil {
		return fmt.Errorf("opening a copy of the store: %w", err)
	}
	said := ""
	err = sqlitex.ExecuteTransient(conn, "PRAGMA integrity_check", &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		said += stmt.ColumnText(0) + "\n"
		return nil
	}})
	if err := errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("checking a copy of the store: %w", err)
	}
	if said != "ok\n" {
		return fmt.Errorf("CORRUPT: integrity_check says %s", said)
	}
	return nil
}
