//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pfxrecryption/pfxrecryption/scripts/bench/load"
)

const (
	audience = "api://pfxrecryption"
	// pageTenant is the tenant of the tokens.
	pageTenant = "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"
)

// rig is shared by the measurements.
type rig struct {
	dir    string
	issuer *load.Process // all servers accept its tokens
	kinds  []*kind

	setting *setting // of the servers; nil for the default
}

// kind is a kind of store.
type kind struct {
	name     string
	create   func(r *rig, objects int) (database, error)
	small    database
	capacity float64 // updates per second over HTTP, once measured
}

// database is a database in pfxrd's layout.
type database interface {
	// serve starts pfxrd on the database.
	serve() (*server, error)
	// size returns its bytes on disk while it is served.
	size() (int64, error)
}

func (r *rig) open() error {
	var err error
	r.issuer, err = load.Start(exec.Command(*pfxrd, "serve", "--dev", "--listen=127.0.0.1:0", "--admin-listen=", "--store=sqlite:"+r.path("issuer.db")))
	if err != nil {
		return err
	}
	r.kinds = []*kind{{name: "SQLite", create: newSQLite}, {name: "PostgreSQL", create: newPostgres}}
	for _, k := range r.kinds {
		if k.small, err = k.create(r, smallObjects); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	return nil
}

func (r *rig) close() {
	if r.issuer != nil {
		r.issuer.Stop()
	}
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

// server is a process that serves HTTP, with its database if that is another process.
type server struct {
	*load.Process
	database *load.Process
	token    string
}

// serve starts pfxrd, or a program with its flags, on a store.
func (r *rig) serve(store string, command ...string) (*server, error) {
	token, err := exec.Command(*pfxrd, "token", "--server", "http://"+r.issuer.Address).Output()
	if err != nil {
		return nil, fmt.Errorf("getting a token: %w", err)
	}
	command = append(command, "--store="+store, "--issuer=http://"+r.issuer.Address+"/dev/{tenantid}/v2.0", "--audience="+audience)
	p, err := r.start(command)
	if err != nil {
		return nil, err
	}
	return &server{Process: p, token: strings.TrimSpace(string(token))}, nil
}

// start runs a command at a free address.
func (r *rig) start(command []string) (*load.Process, error) {
	cmd := exec.Command(command[0], command[1:]...)
	if r.setting != nil {
		cmd.Env = append(os.Environ(), r.setting.env...)
	}
	if r.setting == nil || !r.setting.quiet {
		cmd.Args = append(cmd.Args, "--listen=127.0.0.1:0")
		return load.Start(cmd)
	}
	address, err := load.FreeAddress()
	if err != nil {
		return nil, err
	}
	cmd.Args = append(cmd.Args, "--listen="+address)
	return load.StartAt(address, load.Listens, cmd)
}

func (r *rig) servePfxrd(store string) (*server, error) {
	flags := []string{"--admin-listen="}
	if r.setting != nil {
		flags = r.setting.flags
	}
	return r.serve(store, append([]string{*pfxrd, "serve", "--drain-delay=0s"}, flags...)...)
}

func (s *server) stop() {
	s.Stop()
	if s.database != nil {
		s.database.StopBy(syscall.SIGINT) // a fast shutdown, which waits for no client
	}
}

// sample is the result of one measurement. CPU is in microseconds per request.
type sample struct{ perSecond, serverCPU, databaseCPU, loadCPU float64 }

// send sends requests over a number of connections, as many as possible if the rate is 0.
func (s *server) send(n int, rate float64, d time.Duration, requests source) (*load.Seen, sample, error) {
	cpu := func() [3]time.Duration { return [3]time.Duration{s.CPU(), s.database.CPU(), ownCPU()} }
	before := cpu()
	seen, err := load.Load{Address: s.Address, Connections: n, Rate: rate, Duration: d, Requests: requests}.Run()
	if err != nil {
		return nil, sample{}, err
	}
	after := cpu()
	each := func(i int) float64 { return (after[i] - before[i]).Seconds() * 1e6 / float64(len(seen.Took)) }
	return seen, sample{seen.PerSecond(), each(0), each(1), each(2)}, nil
}

// ownCPU returns the user and system time of this process, which generates the load.
func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // never fails
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// served starts a server on a database, calls measure, and stops the server.
func served(d database, measure func(*server) error) error {
	s, err := d.serve()
	if err != nil {
		return err
	}
	defer s.stop()
	return measure(s)
}
