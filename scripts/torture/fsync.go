//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
)

const fsyncClients = 8

// fsync uses strace to watch a server with a store in a file: no byte of a response may leave before the sync of the log
// that covers its update. Then it makes syncs and writes fail. A kill proves neither: written data that was not synced
// survives in the kernel's cache.
func fsync(ctx context.Context, r *rig) (string, error) {
	if _, err := exec.LookPath("strace"); err != nil {
		return "", err
	}
	updates, faults, fulls := of(r.size, 48, 200, 1000), of(r.size, 5, 20, 200), of(r.size, 2, 5, 50)
	store := r.path("pfxr.db")
	objects := make([]*chain, fsyncClients)
	for i := range objects {
		objects[i] = &chain{key: fmt.Sprint("object-", i), length: 16, base: int32(i) * 100_000_000}
	}
	s, err := r.serve(ctx, "server", "sqlite:"+store, launch{})
	if err != nil {
		return "", err
	}
	c := r.newCaller(1)
	for _, o := range objects {
		err = errors.Join(err, o.begin(ctx, c, s))
	}
	c.close()
	s.kill()
	if err != nil {
		return "", err
	}

	f := &fsyncRun{r, store, objects}
	watched, err := f.watch(ctx, "order", updates/fsyncClients)
	if err != nil {
		return "", err
	}
	if watched.answers < updates {
		return "", fmt.Errorf("the trace has %d answers of %d updates: it cannot tell anything", watched.answers, updates)
	}
	hit, late := 0, 0
	for n := 1; n <= faults; n++ {
		seen, err := f.watch(ctx, fmt.Sprint("eio-", n), 400, "-e", fmt.Sprintf("inject=fsync,fdatasync:error=EIO:when=%d+", n))
		if err != nil {
			return "", fmt.Errorf("syncs fail from number %d of a thread on: %w", n, err)
		}
		if seen.failed > 0 {
			hit++
		}
		late += seen.goodAfterBad
	}
	if hit == 0 {
		return "", errors.New("no sync was made to fail")
	}
	full := 0
	for n := 1; n <= fulls; n++ {
		seen, err := f.watch(ctx, fmt.Sprint("enospc-", n), 20, "-e", fmt.Sprintf("inject=pwrite64:error=ENOSPC:when=%d+", 5*n))
		if err != nil {
			return "", fmt.Errorf("the disk is full from write %d of a thread on: %w", 5*n, err)
		}
		full += seen.full
	}
	if full == 0 {
		return "", errors.New("no write was made to fail")
	}
	return fmt.Sprintf("%d answers, each after the sync that covers it; syncs failed in %d runs of %d, writes for want of room %d times: 0 acknowledged after that, /readyz 503, 0 lost (%d later syncs that succeeded were not believed)",
		watched.answers, hit, faults, full, late), nil
}

type fsyncRun struct {
	rig     *rig
	store   string
	objects []*chain
}

// watch updates under strace until each client has made that many updates or gets no more responses. Then it kills the
// server, checks the trace, and checks without strace what was kept.
func (f *fsyncRun) watch(ctx context.Context, name string, updates int, inject ...string) (*trace, error) {
	path := f.rig.path(name + ".strace")
	wrapper := append([]string{"strace", "-f", "-qq", "-y", "-s", "5000", "--seccomp-bpf", "-o", path, "-e", "trace=write,pwrite64,fsync,fdatasync"}, inject...)
	s, err := f.rig.serve(ctx, name, "sqlite:"+f.store, launch{wrapper: wrapper})
	if errors.Is(err, errNotServing) && len(inject) > 0 {
		return &trace{failed: 1}, f.verify(ctx) // it met the fault before any request
	}
	if err != nil {
		return nil, err
	}
	defer s.kill()
	c := f.rig.newCaller(fsyncClients)
	defer c.close()
	var wg sync.WaitGroup
	errs := make([]error, len(f.objects))
	stopped := make([]bool, len(f.objects))
	for i, o := range f.objects {
		wg.Go(func() {
			for range updates {
				alive, err := o.step(ctx, c, s)
				if err != nil || !alive {
					errs[i], stopped[i] = err, true
					return
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	ready := s.ready(ctx)
	if err := syscall.Kill(s.pid(true), syscall.SIGKILL); err != nil { // strace then writes its output and ends
		return nil, err
	}
	<-s.ended
	t, err := readTrace(path, f.store)
	if err != nil {
		return nil, err
	}
	if t.failed > 0 && ready != http.StatusServiceUnavailable {
		return nil, fmt.Errorf("a sync has failed, and /readyz says %d", ready)
	}
	if len(inject) == 0 && (t.failed > 0 || stopped[0]) {
		return nil, errors.New("updates fail without a fault")
	}
	if err := f.verify(ctx); err != nil {
		return nil, err
	}
	return t, os.Remove(path)
}

// verify restarts the server and looks for every acknowledged update.
func (f *fsyncRun) verify(ctx context.Context) error {
	s, err := f.rig.serve(ctx, "server", "sqlite:"+f.store, launch{})
	if err != nil {
		return fmt.Errorf("after the fault is gone: %w", err)
	}
	defer s.kill()
	c := f.rig.newCaller(1)
	defer c.close()
	for _, o := range f.objects {
		if err := o.verify(ctx, c, s); err != nil {
			return err
		}
	}
	return nil
}

// trace is what strace has seen. The strings of an update contain its number.
type trace struct {
	answers      int // with status 200
	failed       int // syncs
	full         int // writes
	goodAfterBad int // syncs that succeeded after one had failed
}

var (
	traceLine   = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(\w+)(?:\((\d+)<([^>]*)>| resumed>)`)
	traceNumber = regexp.MustCompile(`update-(\d+)-`)
	traceResult = regexp.MustCompile(`\) += (-?\d+)(?: (\w+))?[^=]*$`)
)

// traceReader knows which updates were synced.
type traceReader struct {
	trace
	store   string
	dirty   map[string]map[string]bool // by file: the numbers written since its last sync
	syncing map[string]map[string]bool // by thread: the numbers that its pending sync covers
	synced  map[string]bool
}

// readTrace returns an error if a response left before its update was synced.
func readTrace(path, store string) (*trace, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	t := &traceReader{store: store, dirty: map[string]map[string]bool{}, syncing: map[string]map[string]bool{}, synced: map[string]bool{}}
	lines := bufio.NewReaderSize(file, 1<<20)
	for number := 1; ; number++ {
		text, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return &t.trace, nil
		}
		if err == nil {
			err = t.line(text)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d of the trace: %w", number, err)
		}
	}
}

func (t *traceReader) line(text string) error {
	m := traceLine.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	thread, call, name := m[1], m[2], m[4]
	result := traceResult.FindStringSubmatch(text) // nil while unfinished
	ours := strings.HasPrefix(name, t.store) && !strings.HasSuffix(name, "-shm")
	switch call {
	case "pwrite64":
		if ours {
			if t.dirty[name] == nil {
				t.dirty[name] = map[string]bool{}
			}
			for _, n := range traceNumber.FindAllStringSubmatch(text, -1) {
				t.dirty[name][n[1]] = true
			}
		}
		if result != nil && result[2] == "ENOSPC" {
			t.full++
		}
	case "write":
		return t.answer(name, text)
	case "fsync", "fdatasync":
		if name != "" { // the call begins
			t.syncing[thread] = nil
			if ours {
				t.syncing[thread] = maps.Clone(t.dirty[name])
				clear(t.dirty[name])
			}
		}
		t.endSync(thread, result)
	}
	return nil
}

// answer returns an error if the written text is a response that leaves too early.
func (t *traceReader) answer(name, text string) error {
	if !strings.HasPrefix(name, "socket:") && !strings.HasPrefix(name, "TCP:") || !strings.Contains(text, `"HTTP/1.1 200 OK`) {
		return nil
	}
	n := traceNumber.FindStringSubmatch(text)
	if n == nil {
		return nil // a probe, or a key set
	}
	t.answers++
	if !t.synced[n[1]] {
		return fmt.Errorf("the answer to update %s leaves before that was synced", n[1])
	}
	return nil
}

func (t *traceReader) endSync(thread string, result []string) {
	switch {
	case result == nil:
	case result[1] == "0":
		maps.Copy(t.synced, t.syncing[thread])
		if t.failed > 0 {
			t.goodAfterBad++
		}
	default:
		t.failed++
	}
}
