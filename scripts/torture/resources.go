//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	resourcesClients = 8
	// roomFor is the size of the small disk: larger than SQLite's log ever gets.
	roomFor = 24 << 20
	// healsWithin is how soon after the end of a shortage everything must work as before.
	healsWithin = 5 * time.Second
	// fewDescriptors is the limit of a server that is short of descriptors.
	fewDescriptors = 128
)

// resources takes away what a server needs: room on its disk, the permission to write there, descriptors, and a clock that
// only moves forward. The server must refuse what it cannot do, resume as soon as it can, and lose nothing.
func resources(ctx context.Context, r *rig) (string, error) {
	var lines []string
	for _, part := range []func(context.Context, *rig) (string, error){fullDisk, readOnly, noDescriptors, setClock} {
		line, err := part(ctx, r)
		if err != nil {
			return "", err
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; "), nil
}

// disk is a file system in memory. Only processes in its mount namespace see it.
type disk struct {
	keeper *exec.Cmd // keeps the namespace alive
	path   string
}

func (r *rig) disk(name string, size int) (*disk, error) {
	d := &disk{path: r.path(name)}
	if err := os.Mkdir(d.path, 0o755); err != nil {
		return nil, err
	}
	args := []string{"--mount"}
	if os.Getuid() != 0 {
		args = append(args, "--map-root-user")
	}
	script := fmt.Sprintf("mount -t tmpfs -o size=%d tmpfs %s && echo && exec sleep infinity", size, d.path)
	d.keeper = exec.Command("unshare", append(args, "sh", "-c", script)...)
	d.keeper.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := d.keeper.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.keeper.Start(); err != nil {
		return nil, err
	}
	if n, err := out.Read(make([]byte, 1)); n == 0 {
		d.close()
		return nil, fmt.Errorf("mounting a small disk: %w", err)
	}
	return d, nil
}

func (d *disk) close() {
	_ = d.keeper.Process.Kill()
	_ = d.keeper.Wait() // reports the kill
}

// inside returns the wrapper for a program that must see the disk.
func (d *disk) inside() []string {
	enter := []string{"nsenter", "--mount", "--target", fmt.Sprint(d.keeper.Process.Pid)}
	if os.Getuid() != 0 {
		enter = append(enter, "--user", "--preserve-credentials")
	}
	return enter
}

// outside returns a path on the disk for processes outside the namespace.
func (d *disk) outside(name string) string {
	return fmt.Sprintf("/proc/%d/root%s/%s", d.keeper.Process.Pid, d.path, name)
}

func (d *disk) remount(ctx context.Context, how string) error {
	line := append(d.inside(), "mount", "-o", "remount,bind,"+how, d.path)
	return run(ctx, ".", line[0], line[1:]...)
}

// fill fills the disk completely.
func (d *disk) fill() error {
	f, err := os.Create(d.outside("ballast"))
	if err != nil {
		return err
	}
	block := make([]byte, 4096)
	for {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			return f.Close()
		} else if err != nil {
			return errors.Join(err, f.Close())
		}
	}
}

// chains are objects that are updated at the same time.
type chains []*chain

func newChains(ctx context.Context, c *caller, s *server, prefix string) (chains, error) {
	objects := make(chains, resourcesClients)
	for i := range objects {
		objects[i] = &chain{key: fmt.Sprint(prefix, i), length: 1024}
	}
	return objects, objects.each(func(o *chain) error { return o.begin(ctx, c, s) })
}

func (objects chains) each(f func(*chain) error) error {
	errs := make([]error, len(objects))
	var wg sync.WaitGroup
	for i, o := range objects {
		wg.Go(func() { errs[i] = f(o) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (objects chains) verify(ctx context.Context, c *caller, s *server) error {
	return objects.each(func(o *chain) error { return o.verify(ctx, c, s) })
}

// update updates each object that many times, and returns an error if an update fails.
func (objects chains) update(ctx context.Context, c *caller, s *server, times int) error {
	return objects.each(func(o *chain) error {
		for range times {
			alive, err := o.step(ctx, c, s)
			if err == nil && !alive {
				err = fmt.Errorf("%s: update %d was refused", o.key, o.n+1)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (objects chains) acked() int {
	n := 0
	for _, o := range objects {
		n += o.acked
	}
	return n
}

// fullDisk fills the disk under a server, kills every other server while it is full, and makes room again.
func fullDisk(ctx context.Context, r *rig) (string, error) {
	rounds := of(r.size, 2, 6, 100)
	d, err := r.disk("small", roomFor)
	if err != nil {
		return "", err
	}
	defer d.close()
	f := &diskRun{rig: r, disk: d, caller: r.newCaller(resourcesClients)}
	defer f.caller.close()
	if err := f.start(ctx); err != nil {
		return "", err
	}
	defer func() { f.server.kill() }()
	if f.objects, err = newChains(ctx, f.caller, f.server, "full-"); err != nil {
		return "", err
	}
	for round := range rounds {
		if err := f.fill(ctx, round%2 == 1); err != nil {
			return "", err
		}
		if err := f.heal(ctx); err != nil {
			return "", err
		}
	}
	f.server.kill()
	if err := f.start(ctx); err != nil {
		return "", err
	}
	if err := f.verify(ctx, "after the last restart"); err != nil {
		return "", err
	}
	return fmt.Sprintf("disk full %d times, %d updates refused with 503, %d acknowledged, 0 lost, %d starts refused, back after at most %s",
		rounds, f.refused, f.objects.acked(), f.notStarted, ms(percentile(f.heals, 100))), nil
}

// diskRun is a server on a small disk.
type diskRun struct {
	*rig
	disk    *disk
	server  *server
	caller  *caller
	objects chains

	refused, notStarted int
	heals               []time.Duration
}

// start starts a server unless one is running.
func (f *diskRun) start(ctx context.Context) error {
	s, err := f.serve(ctx, "full", "sqlite:"+f.disk.path+"/pfxr.db", launch{wrapper: f.disk.inside()})
	if err == nil {
		f.server = s
	}
	return err
}

func (f *diskRun) verify(ctx context.Context, when string) error {
	if err := f.objects.verify(ctx, f.caller, f.server); err != nil {
		return fmt.Errorf("%s: %w", when, err)
	}
	return nil
}

// fill fills the disk, and may kill the server on it.
func (f *diskRun) fill(ctx context.Context, kill bool) error {
	const when = "with a full disk"
	if err := f.objects.update(ctx, f.caller, f.server, 20); err != nil {
		return fmt.Errorf("with room on the disk: %w", err)
	}
	if err := f.disk.fill(); err != nil {
		return fmt.Errorf("filling the disk: %w", err)
	}
	n, err := untilRefused(ctx, f.caller, f.server, f.objects)
	if err != nil {
		return fmt.Errorf("%s: %w", when, err)
	}
	f.refused += n
	if status := f.server.ready(ctx); status != http.StatusOK {
		return fmt.Errorf("%s /readyz says %d: whoever sends no more updates would never learn of room", when, status)
	}
	if err := f.verify(ctx, when); err != nil || !kill {
		return err
	}
	f.server.kill()
	err = f.start(ctx)
	if errors.Is(err, errNotServing) && strings.Contains(err.Error(), "no space is left") {
		f.notStarted++
		return nil
	}
	if err != nil {
		return fmt.Errorf("starting on a full disk: %w", err)
	}
	return nil
}

// heal makes room on the disk, and waits until everything works as before.
func (f *diskRun) heal(ctx context.Context) error {
	if err := os.Remove(f.disk.outside("ballast")); err != nil {
		return err
	}
	began := time.Now()
	select {
	case <-f.server.ended:
		if err := f.start(ctx); err != nil {
			return fmt.Errorf("starting with room on the disk again: %w", err)
		}
	default:
	}
	for {
		if err := f.verify(ctx, "with room on the disk again"); err != nil {
			return err
		}
		err := f.objects.update(ctx, f.caller, f.server, 1)
		if err == nil {
			f.heals = append(f.heals, time.Since(began))
			return nil
		}
		if time.Since(began) > healsWithin || ctx.Err() != nil {
			return fmt.Errorf("%s after there is room on the disk again: %w", healsWithin, err)
		}
	}
}

// untilRefused updates each object until the server refuses, which must be soon, and returns the number of refusals.
func untilRefused(ctx context.Context, c *caller, s *server, objects chains) (int, error) {
	return len(objects), objects.each(func(o *chain) error {
		for range roomFor / 4096 {
			got, err := c.send(ctx, http.MethodPatch, s.object(o.key), numbered(o.n+1, o.length), "If-Match", o.tag)
			switch {
			case err != nil:
				return err
			case got.status == http.StatusServiceUnavailable && got.header.Get("Retry-After") == "":
				return fmt.Errorf("%s: status 503 without Retry-After", o.key)
			case got.status == http.StatusServiceUnavailable:
				return nil // nothing is pending: a full disk is no unknown outcome
			case got.status != http.StatusOK:
				return fmt.Errorf("%s: status %d: %s", o.key, got.status, got.said)
			}
			o.n, o.tag = o.n+1, got.tag
			o.acked++
		}
		return fmt.Errorf("%s: no update is refused", o.key)
	})
}

// readOnly starts a server on a store without write permission. It must report that at once.
func readOnly(ctx context.Context, r *rig) (string, error) {
	d, err := r.disk("read-only", roomFor)
	if err != nil {
		return "", err
	}
	defer d.close()
	start := func() (*server, error) {
		return r.serve(ctx, "read-only", "sqlite:"+d.path+"/pfxr.db", launch{wrapper: d.inside()})
	}
	c := r.newCaller(resourcesClients)
	defer c.close()
	s, err := start()
	if err != nil {
		return "", err
	}
	objects, err := newChains(ctx, c, s, "read-only-")
	s.kill()
	if err != nil {
		return "", err
	}
	if err := d.remount(ctx, "ro"); err != nil {
		return "", err
	}
	began := time.Now()
	s, err = start()
	if err == nil {
		s.kill()
		return "", errors.New("a server starts on a store that cannot be written")
	}
	if !errors.Is(err, errNotServing) || !strings.Contains(err.Error(), "cannot be written") || !strings.Contains(err.Error(), d.path) {
		return "", fmt.Errorf("the error of a store that cannot be written does not say so: %w", err)
	}
	took := time.Since(began)
	if err := d.remount(ctx, "rw"); err != nil {
		return "", err
	}
	if s, err = start(); err != nil {
		return "", fmt.Errorf("when the store can be written again: %w", err)
	}
	defer s.kill()
	if err := errors.Join(objects.verify(ctx, c, s), objects.update(ctx, c, s, 5)); err != nil {
		return "", fmt.Errorf("when the store can be written again: %w", err)
	}
	return fmt.Sprintf("a read-only store refused after %s", ms(took)), nil
}

// noDescriptors opens more connections to a server than it may have descriptors. Its open connections must keep working.
func noDescriptors(ctx context.Context, r *rig) (string, error) {
	rounds := of(r.size, 1, 3, 50)
	limit := fmt.Sprintf("--nofile=%d:%d", fewDescriptors, fewDescriptors)
	s, err := r.serve(ctx, "few", "sqlite:"+r.path("few.db"), launch{wrapper: []string{"prlimit", limit}})
	if err != nil {
		return "", err
	}
	defer s.kill()
	c := r.newCaller(resourcesClients)
	defer c.close()
	objects, err := newChains(ctx, c, s, "few-")
	if err != nil {
		return "", err
	}
	held := 0
	var heals []time.Duration
	for range rounds {
		conns, err := exhaust(ctx, s)
		held += len(conns)
		if err == nil {
			if err = objects.update(ctx, c, s, 50); err != nil {
				err = fmt.Errorf("without descriptors, on connections of before: %w", err)
			}
		}
		for _, conn := range conns {
			_ = conn.Close() // no longer needed
		}
		if err != nil {
			return "", err
		}
		began := time.Now()
		newcomer := r.newCaller(1)
		for {
			err := objects[0].verify(ctx, newcomer, s)
			newcomer.close()
			if err == nil {
				break
			}
			if time.Since(began) > healsWithin || ctx.Err() != nil {
				return "", fmt.Errorf("%s after there are descriptors again, on a new connection: %w", healsWithin, err)
			}
		}
		heals = append(heals, time.Since(began))
	}
	if err := errors.Join(objects.update(ctx, c, s, 5), objects.verify(ctx, c, s)); err != nil {
		return "", fmt.Errorf("with descriptors again: %w", err)
	}
	s.kill()
	if s, err = r.serve(ctx, "few", "sqlite:"+r.path("few.db"), launch{}); err != nil {
		return "", err
	}
	defer s.kill()
	if err := objects.verify(ctx, c, s); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d connections on %d descriptors in %d runs, %d acknowledged meanwhile, 0 lost, new ones served at most %s later",
		held, fewDescriptors, rounds, objects.acked(), ms(percentile(heals, 100))), nil
}

// exhaust opens connections until the server has no descriptor left, and as many more.
func exhaust(ctx context.Context, s *server) ([]net.Conn, error) {
	var conns []net.Conn
	for range 2 * fewDescriptors {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.origin, "http://"), patience)
		if err != nil {
			return conns, err
		}
		conns = append(conns, conn)
	}
	for began := time.Now(); ; {
		_, fds := usage(s.pid(false))
		if fds >= fewDescriptors {
			return conns, nil
		}
		if time.Since(began) > patience {
			return conns, fmt.Errorf("the server has only %d descriptors of %d: too few to tell anything", fds, fewDescriptors)
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return conns, err
		}
	}
}

// setClock moves the clocks of a server and of its issuer forward and back while objects are updated. Tokens depend on the
// time of day; stored data, entity tags and conditions must not.
func setClock(ctx context.Context, r *rig) (string, error) {
	rounds := of(r.size, 1, 3, 100)
	s, err := r.serve(ctx, "clock", "sqlite:"+r.path("clock.db"), launch{})
	if err != nil {
		return "", err
	}
	defer s.kill()
	clocks := make([]*clock, 2)
	for i, s := range []*server{s, r.issuer} {
		if clocks[i], err = s.clock(); err != nil {
			return "", fmt.Errorf("taking over a clock: %w", err)
		}
	}
	c := r.newCaller(resourcesClients)
	defer c.close()
	objects, err := newChains(ctx, c, s, "clock-")
	if err != nil {
		return "", err
	}
	const day = 24 * time.Hour
	steps, now := 0, time.Duration(0)
	for range rounds {
		for _, offset := range []time.Duration{day, -day, -day - time.Second, 0, time.Hour, 0} {
			before, err := r.bearer(ctx)
			if err != nil {
				return "", err
			}
			for _, clock := range clocks {
				if err := clock.set(offset); err != nil {
					return "", fmt.Errorf("setting a clock: %w", err)
				}
			}
			steps++
			r.mu.Lock()
			r.token = ""
			r.mu.Unlock()
			if err := dated(ctx, c, s, offset); err != nil {
				return "", err
			}
			if err := objects.verify(ctx, c, s); err != nil {
				return "", fmt.Errorf("when the clock is set to %s: %w", offset, err)
			}
			if err := objects.update(ctx, c, s, 20); err != nil {
				return "", fmt.Errorf("when the clock is set to %s: %w", offset, err)
			}
			got, err := c.send(ctx, http.MethodGet, s.objects(), nil, "Authorization", before)
			if err != nil {
				return "", err
			}
			if offset-now >= day && got.status != http.StatusUnauthorized {
				return "", fmt.Errorf("when the clock is set from %s to %s, a token that has expired by then gets %d", now, offset, got.status)
			}
			now = offset
		}
	}
	if err := objects.verify(ctx, c, s); err != nil {
		return "", err
	}
	return fmt.Sprintf("clock set %d times by up to 2 days, forward and back, %d acknowledged, 0 lost, no entity tag twice", steps, objects.acked()), nil
}

// dated returns an error unless the server's clock is off by offset.
func dated(ctx context.Context, c *caller, s *server, offset time.Duration) error {
	got, err := c.send(ctx, http.MethodGet, s.objects(), nil)
	if err != nil {
		return err
	}
	date, err := http.ParseTime(got.header.Get("Date"))
	if err != nil {
		return err
	}
	if off := time.Until(date) - offset; off.Abs() > 10*time.Second {
		return fmt.Errorf("the clock was set to %s, and the server's is off by %s: nothing can be told", offset, off+offset)
	}
	return nil
}
