//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// backup takes backups of a file while a server writes to it, kills some of them halfway, loses the file and restores it
// from the last backup. Every change acknowledged before that backup must be there, with the audit trail.
func backup(ctx context.Context, r *rig) (string, error) {
	fillers, kills, rounds := of(r.size, 500, 2000, 20_000), of(r.size, 4, 10, 200), of(r.size, 1, 2, 10)
	store, copied := "sqlite:"+r.path("pfxr.db"), "sqlite:"+r.path("backup.db")
	objects := make([]*chain, crashClients)
	for i := range objects {
		objects[i] = &chain{key: fmt.Sprint("object-", i), length: 16}
	}
	killed, acked := 0, 0
	for round := range rounds {
		s, err := r.serve(ctx, "server", store, launch{})
		if err != nil {
			return "", err
		}
		c := r.newCaller(2 * crashClients)
		if round == 0 {
			err = fill(ctx, c, s, fillers, objects)
		}
		if err == nil {
			err = underLoad(ctx, c, s, objects, func() error {
				n, err := killBackups(ctx, r, store, copied, kills)
				killed += n
				return err
			})
		}
		if err == nil {
			err = r.copy(ctx, store, copied) // the server has stopped
		}
		c.close()
		s.kill()
		if err == nil {
			err = errors.Join(sameTrail(ctx, r, store, copied), restore(ctx, r, copied, store, objects))
		}
		if err != nil {
			return "", fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	for _, o := range objects {
		acked += o.acked
	}
	return fmt.Sprintf("%d backups of %d objects killed in the middle under load, %d finished and restored into an empty place, %d acknowledged updates, 0 lost, the audit trail verifies",
		killed, fillers+len(objects), rounds, acked), nil
}

// fill creates the objects that are updated, and others, so that a backup takes a while.
func fill(ctx context.Context, c *caller, s *server, n int, objects []*chain) error {
	var g errgroup.Group
	g.SetLimit(2 * crashClients)
	for i := range n {
		g.Go(func() error {
			_, err := c.create(ctx, s, fmt.Sprint("filler-", i), numbered(1, 16))
			return err
		})
	}
	for _, o := range objects {
		g.Go(func() error { return o.begin(ctx, c, s) })
	}
	return g.Wait()
}

// underLoad updates the objects while work runs.
func underLoad(ctx context.Context, c *caller, s *server, objects []*chain, work func() error) error {
	loading, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(objects))
	var wg sync.WaitGroup
	for i, o := range objects {
		wg.Go(func() {
			for alive := true; alive && errs[i] == nil && loading.Err() == nil; {
				alive, errs[i] = o.step(ctx, c, s)
			}
		})
	}
	err := work()
	stop()
	wg.Wait()
	return errors.Join(append(errs, err)...)
}

// killBackups starts backups and kills them, and returns how many had not ended by then.
func killBackups(ctx context.Context, r *rig, from, to string, n int) (int, error) {
	killed := 0
	for range n {
		cmd := r.copyCommand(ctx, from, to)
		if err := cmd.Start(); err != nil {
			return killed, err
		}
		if err := pause(ctx, rand.N(300*time.Millisecond)); err != nil {
			return killed, err
		}
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // reports the kill
		if !cmd.ProcessState.Exited() {
			killed++
		}
	}
	return killed, nil
}

func (r *rig) copyCommand(ctx context.Context, from, to string) *exec.Cmd {
	return exec.CommandContext(ctx, r.pfxrd, "copy", "--from", from, "--to", to, "--delete", "--overwrite")
}

func (r *rig) copy(ctx context.Context, from, to string) error {
	var said bytes.Buffer
	cmd := r.copyCommand(ctx, from, to)
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("copying: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}

// sameTrail verifies two trails, whose chains must have the same ends.
func sameTrail(ctx context.Context, r *rig, a, b string) error {
	one, err1 := verifyTrail(ctx, r, a)
	other, err2 := verifyTrail(ctx, r, b)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if one == "" || one != other {
		return fmt.Errorf("the trail was not copied: its chains end in\n%sand in the copy in\n%s", one, other)
	}
	return nil
}

// lose removes a store's file.
func lose(store string) error {
	path := strings.TrimPrefix(store, "sqlite:")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// restore removes the store, restores it, and checks every object.
func restore(ctx context.Context, r *rig, from, store string, objects []*chain) error {
	if err := lose(store); err != nil {
		return err
	}
	if err := r.copy(ctx, from, store); err != nil {
		return err
	}
	if err := sameTrail(ctx, r, from, store); err != nil {
		return err
	}
	s, err := r.serve(ctx, "server", store, launch{})
	if err != nil {
		return err
	}
	defer s.kill()
	c := r.newCaller(1)
	defer c.close()
	for _, o := range objects {
		if err := o.verify(ctx, c, s); err != nil {
			return err
		}
	}
	return nil
}
