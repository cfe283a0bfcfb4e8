//go:build linux

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// config holds the settings of a run.
type config struct {
	pfxrd, keep string
	old         string // the program of an earlier release
	size        size
	seed        uint64
}

// rig is the environment of a harness: a folder, an issuer of tokens, and the processes that it has started.
type rig struct {
	config
	dir    string
	rand   *rand.Rand // for one goroutine
	issuer *server
	db     *cluster

	mu      sync.Mutex
	running map[*server]bool
	token   string
	since   time.Time // when the token was issued
}

const audience = "api://pfxrecryption"

func newRig(ctx context.Context, c config) (*rig, error) {
	path, err := filepath.Abs(c.pfxrd)
	if err != nil {
		return nil, err
	}
	c.pfxrd = path
	if c.old, err = filepath.Abs(cmp.Or(c.old, c.pfxrd)); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "torture")
	if err != nil {
		return nil, err
	}
	r := &rig{config: c, dir: dir, rand: rand.New(rand.NewPCG(c.seed, 1)), running: map[*server]bool{}}
	if r.issuer, err = r.launch(ctx, "issuer", launch{args: []string{"--dev", "--store", "sqlite:" + r.path("issuer.db")}}); err != nil {
		return nil, errors.Join(err, r.close("", false))
	}
	return r, nil
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

// close ends everything that the rig has started. If the harness has failed, the remaining files move to the folder for
// evidence.
func (r *rig) close(name string, failed bool) error {
	r.mu.Lock()
	running := r.running
	r.running = nil
	r.mu.Unlock()
	for s := range running {
		s.kill()
	}
	var errs []error
	if r.db != nil {
		errs = append(errs, r.db.stop())
	}
	if failed {
		kept := r.evidence(name)
		err := os.CopyFS(kept, os.DirFS(r.dir))
		errs = append(errs, fmt.Errorf("what it has seen is in %s", kept), err)
	}
	return errors.Join(append(errs, os.RemoveAll(r.dir))...)
}

// onBoth runs a part of a harness on SQLite, with a nil db, and then on PostgreSQL, if that is installed.
func (r *rig) onBoth(ctx context.Context, part func(db *cluster) (string, error)) (string, error) {
	line, err := part(nil)
	if err != nil {
		return "", fmt.Errorf("on SQLite: %w", err)
	}
	line = "on SQLite: " + line
	db, err := r.cluster(ctx)
	if notInstalled(err) {
		return line + "; left out: " + err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	onPostgres, err := part(db)
	if err != nil {
		return "", fmt.Errorf("on PostgreSQL: %w", err)
	}
	return line + "; on PostgreSQL: " + onPostgres, nil
}

// notInstalled reports whether err means a missing program, which CI does not accept.
func notInstalled(err error) bool {
	return os.Getenv("CI") == "" && (errors.Is(err, errNoPostgres) || errors.Is(err, errNoPgBouncer))
}

// store returns the address of an empty store in the database, or in a file if db is nil.
func (r *rig) store(ctx context.Context, db *cluster) (string, error) {
	if db == nil {
		return "sqlite:" + r.path("pfxr.db"), nil
	}
	name, err := db.create(ctx)
	return db.dsn(name), err
}

// bearer returns the value of Authorization. A token is valid for an hour; runs may take longer.
func (r *rig) bearer(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.token == "" || time.Since(r.since) > 20*time.Minute {
		out, err := exec.CommandContext(ctx, r.pfxrd, "token", "--server", r.issuer.origin).Output()
		if err != nil {
			return "", fmt.Errorf("getting a token: %w", err)
		}
		r.token, r.since = "Bearer "+strings.TrimSpace(string(out)), time.Now()
	}
	return r.token, nil
}

// launch says how to start a server or a gateway.
type launch struct {
	command string // "serve" if empty
	program string // the rig's if empty
	args    []string
	env     []string
	wrapper []string // a program that runs the server, with its arguments
}

// server is a pfxrd process.
type server struct {
	cmd           *exec.Cmd
	origin, admin string
	ended         chan struct{}
	err           error // of Wait, after ended is closed
	took          time.Duration
}

func (s *server) objects() string { return s.origin + "/beta/pfxRecryptionRequests" }

func (s *server) object(key string) string { return s.objects() + "/" + key }

// serve starts a server that keeps objects in store and accepts the issuer's tokens.
func (r *rig) serve(ctx context.Context, name, store string, l launch) (*server, error) {
	l.args = append([]string{"--store", store, "--issuer", r.issuer.origin + "/dev/{tenantid}/v2.0", "--audience", audience}, l.args...)
	return r.launch(ctx, name, l)
}

// launch starts a server and waits until it serves. Each server leads a process group, because a wrapper may have children,
// and dies with this process.
func (r *rig) launch(ctx context.Context, name string, l launch) (*server, error) {
	line := append([]string{}, l.wrapper...)
	line = append(line, cmp.Or(l.program, r.pfxrd), cmp.Or(l.command, "serve"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	line = append(line, l.args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(append(os.Environ(), "PFXR_DEBUG=true"), l.env...) // soak reads the heap; earlier programs have no such flag
	cmd.Dir = r.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(r.path(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	s := &server{cmd: cmd, ended: make(chan struct{})}
	serving := make(chan error, 1)
	go func() {
		follow(out, log, s, serving)
		s.err = cmd.Wait()
		_ = log.Close() // only for people
		close(s.ended)
	}()
	r.mu.Lock()
	if r.running == nil {
		r.mu.Unlock()
		s.kill()
		return nil, errors.New("the rig is closed")
	}
	r.running[s] = true
	r.mu.Unlock()
	select {
	case err := <-serving:
		if err != nil {
			s.kill()
			return nil, fmt.Errorf("starting %s: %w: %w", name, err, s.err)
		}
	case <-ctx.Done():
		s.kill()
		return nil, fmt.Errorf("starting %s: %w", name, context.Cause(ctx))
	}
	s.took = time.Since(began)
	return s, nil
}

var errNotServing = errors.New("it ended before it served")

// follow copies the log without the lines of single requests, and reports when and where the server serves.
func follow(out io.Reader, log io.Writer, s *server, serving chan<- error) {
	lines := bufio.NewReaderSize(out, 64<<10)
	last := ""
	for told := false; ; {
		text, err := lines.ReadBytes('\n')
		if !bytes.Contains(text, []byte(`"msg":"request"`)) {
			_, _ = log.Write(text) // only for people
		}
		if err != nil {
			if !told {
				serving <- fmt.Errorf("%w: %s", errNotServing, last)
			}
			return
		}
		if told {
			continue
		}
		last = strings.TrimSpace(string(text))
		var line struct{ Msg, URL, Admin string }
		if json.Unmarshal(text, &line) == nil && line.Msg == "serving" {
			s.origin, s.admin = strings.TrimSuffix(line.URL, "/beta"), line.Admin
			told = true
			serving <- nil
		}
	}
}

// kill kills the server with its wrapper, and waits for it.
func (s *server) kill() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	<-s.ended
}

// stop makes the server drain, and returns an error unless it exits with 0 within the time.
func (s *server) stop(within time.Duration) error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.ended:
		return s.err
	case <-time.After(within):
		return fmt.Errorf("it has not ended %s after SIGTERM", within)
	}
}

// pid returns the process ID of the server itself, which is the only child of a wrapper.
func (s *server) pid(wrapped bool) int {
	pid := s.cmd.Process.Pid
	if !wrapped {
		return pid
	}
	out, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return pid
	}
	if child, err := strconv.Atoi(strings.TrimSpace(string(out))); err == nil {
		return child
	}
	return pid
}

// usage returns how much memory of the process is in RAM, in bytes, and how many descriptors it has.
func usage(pid int) (rss int64, fds int) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64) // 0 is conspicuous
			rss = kib << 10
		}
	}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return rss, 0
	}
	return rss, len(entries)
}
