//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// pooler is a PgBouncer that gives each transaction any free backend.
type pooler struct {
	db    *cluster
	dir   string
	bin   string
	cmd   *exec.Cmd
	ended chan struct{}
}

const poolerPort = 6432 // the number in the name of its socket

var errNoPgBouncer = errors.New("no PgBouncer is installed: pgbouncer is neither in PATH nor in /usr/sbin")

// poolerSettings are the settings that server/internal/store/postgres/doc.go asks for. There are fewer backends than
// clients, and the backend that has been idle for longest is next. So two transactions of a client hardly ever get the same
// one.
const poolerSettings = `[databases]
* = host=%[1]s port=5432 user=postgres
[pgbouncer]
listen_addr =
listen_port = %[2]d
unix_socket_dir = %[3]s
unix_socket_mode = 0777
auth_type = any
pool_mode = transaction
default_pool_size = 4
server_round_robin = 1
ignore_startup_parameters = statement_timeout, lock_timeout, idle_in_transaction_session_timeout, default_transaction_isolation
`

// pooler creates a PgBouncer before the cluster.
func (c *cluster) pooler(ctx context.Context) (*pooler, error) {
	bin, err := exec.LookPath("pgbouncer")
	if err != nil {
		bin = "/usr/sbin/pgbouncer"
		if _, err := os.Stat(bin); err != nil {
			return nil, errNoPgBouncer
		}
	}
	p := &pooler{db: c, dir: filepath.Join(c.dir, "pooler"), bin: bin}
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		return nil, err
	}
	if _, err := serverUser(p.dir); err != nil {
		return nil, err
	}
	// The server's user reads it.
	if err := os.WriteFile(p.file(), fmt.Appendf(nil, poolerSettings, c.dir, poolerPort, p.dir), 0o644); err != nil {
		return nil, err
	}
	return p, p.start(ctx)
}

func (p *pooler) file() string { return filepath.Join(p.dir, "pgbouncer.ini") }

func (p *pooler) dsn(database string) string { return socketDSN(p.dir, poolerPort, database) }

// start starts the pooler, also after a kill, and waits until it accepts clients.
func (p *pooler) start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()         // the pooler has its own descriptor
	_ = os.Remove(socketIn(p.dir, poolerPort)) // left by a killed pooler
	p.cmd = p.db.command("pgbouncer", p.file())
	p.cmd.Path, p.cmd.Err = p.bin, nil
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return err
	}
	cmd, ended := p.cmd, make(chan struct{})
	go func() {
		_ = cmd.Wait() // a kill ends it
		close(ended)
	}()
	p.ended = ended
	for began := time.Now(); ; {
		conn, err := pgx.Connect(ctx, p.dsn("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		if time.Since(began) > 10*time.Second || pause(ctx, 10*time.Millisecond) != nil {
			return fmt.Errorf("starting PgBouncer: %w", err)
		}
	}
}

func (p *pooler) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-p.ended
}

// pgbouncer has two servers use PostgreSQL through a transaction pooler, and kills the pooler and its backends.
func pgbouncer(ctx context.Context, r *rig) (string, error) {
	operations := of(r.size, 2_000, 8_000, 300_000)
	db, err := r.cluster(ctx)
	var p *pooler
	if err == nil {
		p, err = db.pooler(ctx)
	}
	if notInstalled(err) {
		return "left out: " + err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	defer p.kill()
	name, err := db.create(ctx)
	if err != nil {
		return "", err
	}
	f, err := r.fleet(ctx, p.dsn(name), p.dsn(name))
	if err != nil {
		return "", err
	}
	defer f.stop()
	if err := db.unlocked(ctx, name); err != nil {
		return "", err
	}
	w := &workload{rig: r, clients: linearClients, operations: operations, hot: 12, cold: 100, pick: f.pick, within: answerWithin}
	b := &poolerRun{pooler: p, fleet: f}
	if err := w.run(ctx, b.disturb); err != nil {
		return "", err
	}
	v, err := w.check()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("PgBouncer in transaction mode killed %d times, %d of its backends terminated, 0 acknowledged lost, 0 doubled: %s, the slowest answer after %s",
		b.kills, b.terminated, v, ms(w.slowest)), nil
}

// poolerRun kills the pooler and its backends, and counts that.
type poolerRun struct {
	*pooler
	fleet             *fleet
	kills, terminated int
}

// disturb continues until the operations are done.
func (b *poolerRun) disturb(ctx context.Context) error {
	random := rand.New(rand.NewPCG(b.fleet.rig.seed, 5))
	for i := 1; ; i++ {
		if pause(ctx, 200*time.Millisecond+time.Duration(random.Int64N(int64(300*time.Millisecond)))) != nil {
			return nil // the operations are done
		}
		if i%4 != 0 {
			did, err := b.db.killBackend(ctx)
			if err != nil && ctx.Err() == nil {
				return err
			}
			if did {
				b.terminated++
			}
			continue
		}
		b.kills++
		b.kill()
		if err := b.start(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		for i := range b.fleet.places {
			if _, err := b.fleet.places[i].Load().waitReady(ctx, readyWithin); err != nil && ctx.Err() == nil {
				return fmt.Errorf("after PgBouncer was killed: %w", err)
			}
		}
	}
}

// unlocked returns an error if a migration has left a lock in the database.
func (c *cluster) unlocked(ctx context.Context, database string) error {
	conn, err := pgx.Connect(ctx, c.dsn(database))
	if err != nil {
		return err
	}
	var locks int
	err = conn.QueryRow(ctx, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").Scan(&locks)
	if err == nil && locks > 0 {
		err = fmt.Errorf("%d advisory locks were left behind after the start", locks)
	}
	return errors.Join(err, conn.Close(ctx))
}
