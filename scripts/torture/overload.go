//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// slowDisk is how long each sync takes: so the store limits the server, and not the two cores, which it shares with the
	// load generator.
	slowDisk = 100 * time.Millisecond
	// overloadPlaces is --max-in-flight.
	overloadPlaces = 64
	// patience is how long a client waits for any response.
	patience = 5 * time.Second
	// recoverWithin is how soon after the overload a response must be as quick as before.
	recoverWithin = 5 * time.Second
)

// overload measures how many updates a second a server can do, and then sends three times as many, without waiting for
// responses. The server must keep its rate, and tell the other clients at once to retry later.
func overload(ctx context.Context, r *rig) (string, error) {
	lasting := of(r.size, 10*time.Second, 30*time.Second, 10*time.Minute)
	s, err := r.serve(ctx, "server", "sqlite:"+r.path("pfxr.db"), launch{
		args: []string{"--max-in-flight", fmt.Sprint(overloadPlaces)},
		wrapper: []string{"strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync",
			"-e", fmt.Sprintf("inject=fsync,fdatasync:delay_enter=%d", slowDisk.Microseconds())},
	})
	if err != nil {
		return "", err
	}
	defer s.kill()
	c := r.newCaller(4)
	defer c.close()
	for i := range overloadPlaces {
		if _, err := c.create(ctx, s, fmt.Sprint("object-", i), numbered(1, 16)); err != nil {
			return "", err
		}
	}
	token, err := r.bearer(ctx)
	if err != nil {
		return "", err
	}
	l := &openLoad{address: strings.TrimPrefix(s.origin, "http://"), token: token, idle: make(chan *wire, maxWires)}
	defer l.close()
	idle, _ := usage(s.pid(true))
	capacity, err := l.capacity(ctx, lasting/4)
	if err != nil {
		return "", err
	}
	var most int64
	watching, stop := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for pause(watching, 200*time.Millisecond) == nil {
			rss, _ := usage(s.pid(true))
			most = max(most, rss)
		}
	})
	got := l.run(ctx, 3*capacity, lasting)
	stop()
	watcher.Wait()
	recovered, err := l.recovery(ctx)
	if err != nil {
		return "", err
	}
	goodput := float64(got.good.Load()) / lasting.Seconds()
	line := fmt.Sprintf("capacity %.0f a second; of %.0f a second for %s %.0f were done (%.0f %%), %d refused with Retry-After (p99 %s), %d failed; recovered after %s, RSS %d MiB idle, %d at most",
		capacity, 3*capacity, lasting, goodput, 100*goodput/capacity, got.refused.Load(), ms(percentile(got.refusals, 99)), got.failed.Load(), ms(recovered), idle>>20, most>>20)
	switch {
	case got.failed.Load() > 0:
		return "", fmt.Errorf("%s; the first failure: %w", line, got.first)
	case goodput < 0.9*capacity:
		return "", fmt.Errorf("%s: want 90 %% of the capacity", line)
	case got.refused.Load() == 0:
		return "", fmt.Errorf("%s: nothing was refused, so it was no overload", line)
	case most > 2*idle+100<<20:
		return "", fmt.Errorf("%s: it has grown too much", line)
	}
	return line, nil
}

// maxWires bounds the connections of an open load.
const maxWires = 4096

// wire is a connection with minimal HTTP: the load must cost less than the server that it loads.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
}

// openLoad sends updates at a fixed rate.
type openLoad struct {
	address, token string
	idle           chan *wire
	open           atomic.Int64
	numbers        atomic.Int32
}

// result counts the outcomes of the updates.
type result struct {
	good, refused, failed atomic.Int64
	mu                    sync.Mutex
	first                 error
	refusals              []time.Duration
}

func (r *result) note(status int, took time.Duration, err error) {
	switch {
	case err == nil && status == http.StatusOK:
		r.good.Add(1)
		return
	case err == nil:
		r.refused.Add(1)
	default:
		r.failed.Add(1)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && r.first == nil {
		r.first = err
	}
	if err == nil {
		r.refusals = append(r.refusals, took)
	}
}

func (l *openLoad) close() {
	for {
		select {
		case w := <-l.idle:
			_ = w.conn.Close() // no longer needed
		default:
			return
		}
	}
}

// capacity returns how many updates a second are done by as many clients as there are places.
func (l *openLoad) capacity(ctx context.Context, lasting time.Duration) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, lasting)
	defer cancel()
	var r result
	var wg sync.WaitGroup
	for range overloadPlaces {
		wg.Go(func() {
			for ctx.Err() == nil {
				status, took, err := l.one()
				r.note(status, took, err)
			}
		})
	}
	wg.Wait()
	if r.failed.Load() > 0 || r.refused.Load() > 0 {
		return 0, fmt.Errorf("without overload %d updates failed and %d were refused: %w", r.failed.Load(), r.refused.Load(), r.first)
	}
	return float64(r.good.Load()) / lasting.Seconds(), nil
}

// run sends rate updates a second.
func (l *openLoad) run(ctx context.Context, rate float64, lasting time.Duration) *result {
	r := &result{}
	var wg sync.WaitGroup
	defer wg.Wait()
	began := time.Now()
	sent := 0
	for time.Since(began) < lasting && pause(ctx, time.Millisecond) == nil {
		for ; float64(sent) < rate*time.Since(began).Seconds(); sent++ {
			wg.Go(func() { r.note(l.one()) })
		}
	}
	return r
}

// recovery returns how long it takes until ten updates in a row are as quick as the slow disk allows.
func (l *openLoad) recovery(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	for row := 0; row < 10; {
		if time.Since(began) > recoverWithin+10*3*slowDisk || ctx.Err() != nil {
			return 0, fmt.Errorf("%s after the overload updates are still slow or refused", recoverWithin)
		}
		status, took, err := l.one()
		row++
		if err != nil || status != http.StatusOK || took > 3*slowDisk {
			row = 0
		}
	}
	return time.Since(began), nil
}

// one sends an update and returns its status, 200, 429 or 503. Any other outcome is an error.
func (l *openLoad) one() (int, time.Duration, error) {
	began := time.Now()
	var w *wire
	select {
	case w = <-l.idle:
	default:
		if l.open.Add(1) > maxWires {
			l.open.Add(-1)
			return 0, 0, fmt.Errorf("%d callers wait for an answer", maxWires)
		}
		c, err := net.DialTimeout("tcp", l.address, patience)
		if err != nil {
			l.open.Add(-1)
			return 0, 0, err
		}
		w = &wire{c, bufio.NewReader(c)}
	}
	status, keep, err := l.exchange(w)
	if err != nil || !keep {
		l.open.Add(-1)
		_ = w.conn.Close() // no longer needed
	} else {
		l.idle <- w
	}
	return status, time.Since(began), err
}

func (l *openLoad) exchange(w *wire) (status int, keep bool, err error) {
	if err := w.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, false, err
	}
	n := l.numbers.Add(1)
	body := fmt.Sprintf(`{"status":%d}`, n)
	if _, err := fmt.Fprintf(w.conn, "PATCH /beta/pfxRecryptionRequests/object-%d HTTP/1.1\r\nHost: torture\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		int(n)%overloadPlaces, l.token, len(body), body); err != nil {
		return 0, false, err
	}
	length, retry, keep := 0, false, true
	for first := true; ; first = false {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		switch {
		case first:
			if _, err := fmt.Sscanf(string(line), "HTTP/1.1 %d", &status); err != nil {
				return 0, false, err
			}
			continue
		case string(name) == "Content-Length":
			if _, err := fmt.Sscan(string(value), &length); err != nil {
				return 0, false, err
			}
		case string(name) == "Retry-After":
			retry = true
		case string(name) == "Connection":
			keep = string(value) != "close"
		}
		if len(name) == 0 {
			break
		}
	}
	if _, err := io.CopyN(io.Discard, w.in, int64(length)); err != nil {
		return 0, false, err
	}
	switch status {
	case http.StatusOK:
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if !retry {
			return 0, false, fmt.Errorf("status %d without Retry-After", status)
		}
	default:
		return 0, false, errors.New("status " + fmt.Sprint(status))
	}
	return status, keep, nil
}
