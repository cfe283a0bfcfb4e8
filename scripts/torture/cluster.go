//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// cluster is a private PostgreSQL with default settings. It listens on a Unix socket, and on TCP if it has a port.
type cluster struct {
	dir, bin string
	user     *syscall.SysProcAttr
	cmd      *exec.Cmd
	ended    chan struct{}
	port     int // on loopback, 0 for none
	made     int // number of databases
	proxies  []*proxy
	settings []string // server settings, such as "hot_standby=on"
}

// cluster returns the rig's PostgreSQL, created by the first call.
func (r *rig) cluster(ctx context.Context) (*cluster, error) { return r.clusterOn(ctx, 0) }

// clusterOn returns the rig's PostgreSQL, created by the first call, which then listens on the loopback port too.
func (r *rig) clusterOn(ctx context.Context, port int) (*cluster, error) {
	if r.db != nil {
		return r.db, nil
	}
	c, err := emptyCluster()
	if err != nil {
		return nil, err
	}
	c.port = port
	if err = c.initialise(ctx); err == nil {
		err = c.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a PostgreSQL: %w", err), c.stop())
	}
	r.db = c
	return c, nil
}

// emptyCluster returns a cluster without data.
func emptyCluster() (*cluster, error) {
	bin, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	// Not in the rig's folder: only the server's user may reach that, and the name of a socket must be short.
	dir, err := os.MkdirTemp("/tmp", "torture-pg")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, bin: bin}
	if c.user, err = serverUser(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

var errNoPostgres = errors.New("no PostgreSQL is installed: initdb and postgres are neither in PATH nor under /usr/lib/postgresql")

// postgresPrograms returns the folder with initdb and postgres of the newest release.
func postgresPrograms() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	slices.Reverse(folders)
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append([]string{filepath.Dir(path)}, folders...)
		}
	}
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "postgres")); err == nil {
			return folder, nil
		}
	}
	return "", errNoPostgres
}

// serverUser returns the user that runs the server, and gives it the folder: PostgreSQL refuses to run as root.
func serverUser(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(dir, int(uid), int(gid))
}

func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") }), "LC_ALL=C")
	cmd.SysProcAttr = c.user
	return cmd
}

func (c *cluster) initialise(context.Context) error {
	out, err := c.command("initdb", "-D", c.dir+"/data", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("running initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// start starts the server, also after a kill, and waits until it responds. After a crash, its orphaned processes must end,
// and then it recovers.
func (c *cluster) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if c.cmd == nil {
			if err := c.launch(); err != nil {
				return err
			}
		}
		conn, err := pgx.Connect(ctx, c.dsn("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.ended: // processes of the killed server still hold its shared memory
			c.cmd = nil
		default:
		}
		if pause(ctx, 10*time.Millisecond) != nil {
			log, _ := os.ReadFile(c.dir + "/log") // the error is enough
			return fmt.Errorf("starting PostgreSQL: %w: %s", err, log[max(0, len(log)-1000):])
		}
	}
}

func (c *cluster) launch() error {
	log, err := os.OpenFile(c.dir+"/log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the server has its own descriptor
	cmd := c.command("postgres", "-D", c.dir+"/data", "-k", c.dir, "-c", "listen_addresses=", "-c", "unix_socket_permissions=0777", "-c", "max_connections=200")
	if c.port > 0 {
		cmd.Args = append(cmd.Args, "-c", "listen_addresses=127.0.0.1", "-c", fmt.Sprint("port=", c.port))
	}
	for _, setting := range c.settings {
		cmd.Args = append(cmd.Args, "-c", setting)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // a kill ends it
		close(ended)
	}()
	c.cmd, c.ended = cmd, ended
	return nil
}

// crash kills every process of the server at once, as a machine that loses power does: even those that are about to
// acknowledge a change.
func (c *cluster) crash() {
	pid := c.cmd.Process.Pid
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)) // without them, kill only the main process
	_ = c.cmd.Process.Signal(syscall.SIGSTOP)                                      // it must not start more of them
	for child := range strings.FieldsSeq(string(children)) {
		if n, err := strconv.Atoi(child); err == nil {
			_ = syscall.Kill(n, syscall.SIGKILL) // it may have ended
		}
	}
	c.signal(syscall.SIGKILL)
}

// signal ends the server's main process and waits for it.
func (c *cluster) signal(s syscall.Signal) {
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Signal(s) // it may have ended
	<-c.ended
	c.cmd = nil
}

func (c *cluster) stop() error {
	for _, p := range c.proxies {
		p.close()
	}
	c.signal(syscall.SIGQUIT)
	return os.RemoveAll(c.dir)
}

// database creates an empty database and returns its address behind a proxy.
func (c *cluster) database(ctx context.Context) (string, *proxy, error) {
	name, err := c.create(ctx)
	if err != nil {
		return "", nil, err
	}
	p, err := c.proxy("unix", c.socket())
	if err != nil {
		return "", nil, err
	}
	return p.dsn(name), p, nil
}

// create creates an empty database and returns its name.
func (c *cluster) create(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return "", err
	}
	c.made++
	name := fmt.Sprint("torture", c.made)
	_, err = conn.Exec(ctx, "CREATE DATABASE "+name)
	return name, errors.Join(err, conn.Close(ctx))
}

func (c *cluster) dsn(database string) string {
	return socketDSN(c.dir, cmp.Or(c.port, 5432), database)
}

func (c *cluster) socket() string { return socketIn(c.dir, cmp.Or(c.port, 5432)) }

// socketDSN returns the address of a database behind the socket in a folder.
func socketDSN(dir string, port int, database string) string {
	return fmt.Sprintf("postgres:///%s?host=%s&port=%d&user=postgres&sslmode=disable", database, dir, port)
}

func socketIn(dir string, port int) string { return filepath.Join(dir, fmt.Sprint(".s.PGSQL.", port)) }

// killBackend terminates a random connection of the servers, and reports whether there was one.
func (c *cluster) killBackend(ctx context.Context) (bool, error) {
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return false, err
	}
	tag, err := conn.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND datname LIKE 'torture%' ORDER BY state = 'active' DESC, random() LIMIT 1) one`)
	return tag.RowsAffected() == 1, errors.Join(err, conn.Close(ctx))
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

// shutDown ends the server as pg_ctl stop -m fast does: its standby receives everything first.
func (c *cluster) shutDown() { c.signal(syscall.SIGINT) }

// exec runs statements, each in its own transaction.
func (c *cluster) exec(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return err
	}
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", sql, err), conn.Close(ctx))
		}
	}
	return conn.Close(ctx)
}

// ask stores the result of a query in value.
func (c *cluster) ask(ctx context.Context, value any, query string) error {
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return err
	}
	return errors.Join(conn.QueryRow(ctx, query).Scan(value), conn.Close(ctx))
}
