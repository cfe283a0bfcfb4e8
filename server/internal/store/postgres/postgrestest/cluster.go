//go:build unix

package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// maxLaunches bounds how often Restart starts a server that ends at its start.
const maxLaunches = 1000

// Cluster is a private PostgreSQL. Only DSN may be called by several goroutines at once.
type Cluster struct {
	dir      string // contains data/, the socket and the log
	bin      string
	settings []string
	user     *syscall.SysProcAttr // the user that runs the server, nil for this process's own

	guard *exec.Cmd      // the shell that runs the server; it outlives this process until the server has ended
	leash io.WriteCloser // the shell's standard input
}

// guardScript runs the server until its input ends or says to keep the folder. Then it ends the server and, in the first
// case, removes the folder. The test process holds the other end of the input, so it ends with the process. The file
// "exited" says that the server has ended by itself.
const guardScript = `program=$1 dir=$2
shift 2
trap '' INT
{
	"$program" -D "$dir/data" -k "$dir" "$@" >>"$dir/log" 2>&1 </dev/null &
	echo $! >"$dir/pid"
	wait $!
	: >"$dir/exited"
} &
read -r keep
kill -QUIT "$(cat "$dir/pid")"
wait
[ -n "$keep" ] || rm -rf "$dir"`

// Start creates a cluster and starts its server with settings such as "fsync=off". Without an error, the caller keeps the
// Cluster and may call Stop. Otherwise the cluster ends with the process, or when nothing refers to it.
func Start(ctx context.Context, settings ...string) (*Cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := shortTempDir()
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, bin: bin, settings: settings}
	if err := c.make(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("making a cluster: %w", err), os.RemoveAll(dir))
	}
	if err := c.Restart(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

// programs returns the folder with initdb and postgres of the newest release.
func programs() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	slices.SortFunc(folders, func(a, b string) int { return release(b) - release(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append([]string{filepath.Dir(path)}, folders...)
		}
	}
	for _, folder := range folders {
		_, err1 := os.Stat(filepath.Join(folder, "initdb"))
		_, err2 := os.Stat(filepath.Join(folder, "postgres"))
		if err1 == nil && err2 == nil {
			return folder, nil
		}
	}
	return "", ErrNone
}

func release(folder string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder))) // 0 if the name is no number
	return n
}

// shortTempDir creates a folder with a short name: the address of a socket in it has at most 104 to 108 bytes.
func shortTempDir() (string, error) {
	for _, parent := range []string{os.TempDir(), "/tmp"} {
		if len(parent) < 60 {
			return os.MkdirTemp(parent, "pfxr-pg")
		}
	}
	return "", errors.New("no temporary folder has a name that is short enough for a socket")
}

// make runs initdb. Its default collation is ICU's where available, and not byte order, so tests notice a column that
// depends on the default.
func (c *Cluster) make(ctx context.Context) error {
	user, err := c.serverUser()
	if err != nil {
		return err
	}
	c.user = user
	var out []byte
	for _, locale := range [][]string{{"--locale=C", "--locale-provider=icu", "--icu-locale=en"}, {"--locale=C"}} {
		args := append([]string{"-D", filepath.Join(c.dir, "data"), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"}, locale...)
		cmd := c.command(ctx, filepath.Join(c.bin, "initdb"), args...)
		if out, err = cmd.CombinedOutput(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("running initdb: %w: %s", err, bytes.TrimSpace(out))
}

func (c *Cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") }), "LC_ALL=C")
	cmd.SysProcAttr = c.user
	return cmd
}

// Restart starts the server again after Kill and waits until it responds.
func (c *Cluster) Restart(ctx context.Context) error {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for launches := 0; ; {
		if c.guard == nil {
			if launches++; launches > maxLaunches {
				log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
				return fmt.Errorf("starting PostgreSQL: it ends at once: %s", log)
			}
			if err := c.launch(ctx); err != nil {
				return fmt.Errorf("starting PostgreSQL: %w", err)
			}
		}
		conn, err := pgx.Connect(ctx, c.DSN("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		if _, err := os.Stat(filepath.Join(c.dir, "exited")); err == nil {
			// Backends of the killed server may still hold its shared memory.
			if err := c.end(true); err != nil {
				return err
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return errors.Join(fmt.Errorf("starting PostgreSQL: %w: %s", err, log), c.end(true))
		}
	}
}

func (c *Cluster) launch(ctx context.Context) error {
	args := []string{"-c", guardScript, "guard", filepath.Join(c.bin, "postgres"), c.dir}
	for _, s := range append([]string{"listen_addresses=", "unix_socket_permissions=0777", "max_connections=200"}, c.settings...) {
		args = append(args, "-c", s)
	}
	// The guard must outlive ctx, which bounds the start alone.
	cmd := c.command(context.WithoutCancel(ctx), "sh", args...)
	leash, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(c.dir, "exited")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.guard, c.leash = cmd, leash
	return nil
}

// Kill kills the server's main process with SIGKILL. Its backends end when they notice.
func (c *Cluster) Kill() error {
	data, err := os.ReadFile(filepath.Join(c.dir, "pid"))
	if err != nil {
		return fmt.Errorf("killing PostgreSQL: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return fmt.Errorf("killing PostgreSQL: %w", err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing PostgreSQL: %w", err)
	}
	return c.end(true)
}

// Stop ends the server and removes the cluster.
func (c *Cluster) Stop() error {
	if c.guard == nil {
		return os.RemoveAll(c.dir)
	}
	return c.end(false)
}

// end makes the guard end the server and, unless keep, remove the folder.
func (c *Cluster) end(keep bool) error {
	if keep {
		if _, err := io.WriteString(c.leash, "keep\n"); err != nil && !errors.Is(err, syscall.EPIPE) {
			return err
		}
	}
	_ = c.leash.Close() // the guard may have ended
	_ = c.guard.Wait()  // reports the server's exit code
	c.guard = nil
	return nil
}

// DSN returns the address of a database.
func (c *Cluster) DSN(database string) string {
	return "postgres:///" + database + "?host=" + c.dir + "&user=postgres&sslmode=disable"
}
