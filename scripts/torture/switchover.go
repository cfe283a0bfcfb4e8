//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// writesBackWithin is how soon after the start of a switchover a change must be accepted again.
const writesBackWithin = 5 * time.Second

// switchover has clients of two servers read and update while PostgreSQL's primary and standby change places. In turn, the
// primary is stopped for maintenance, or is lost and rejoins by pg_rewind. An order must explain all responses: none
// explains a lost change, or a read from a standby that is behind.
func switchover(ctx context.Context, r *rig) (string, error) {
	times := of(r.size, 4, 8, 50)
	p, err := newPair(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = p.stop() }() // the system removes what is left
	name, err := p.primary.create(ctx)
	if err != nil {
		return "", err
	}
	f, err := r.fleet(ctx, p.dsn(name), p.dsn(name))
	if err != nil {
		return "", err
	}
	defer f.stop()
	w := &workload{rig: r, clients: postgresClients, operations: 1 << 40, hot: 8, cold: of(r.size, 40, 40, 1000), pick: f.pick}
	var moments []moment
	enough := errors.New("all switchovers are done")
	err = w.run(ctx, func(ctx context.Context) error {
		for i := range times {
			if err := pause(ctx, 500*time.Millisecond); err != nil {
				return err
			}
			m := moment{began: w.now()}
			lost := i%2 == 1
			if err := p.change(ctx, lost, func() { m.down = w.now() }); err != nil {
				return fmt.Errorf("switchover %d: %w", i+1, err)
			}
			m.promoted = w.now()
			moments = append(moments, m)
			if err := f.replace(ctx, i%2); err != nil { // a starting server finds the primary too
				return fmt.Errorf("after switchover %d: %w", i+1, err)
			}
			for i := range f.places {
				if _, err := f.places[i].Load().waitReady(ctx, writesBackWithin); err != nil {
					return fmt.Errorf("after switchover %d: %w", i+1, err)
				}
			}
			if err := p.rejoin(ctx, lost); err != nil {
				return fmt.Errorf("after switchover %d: %w", i+1, err)
			}
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil { // time for the last reads
			return err
		}
		return enough
	})
	if w.broken != nil {
		return "", errors.Join(w.broken, w.save())
	}
	if !errors.Is(err, enough) {
		return "", err
	}
	return conclude(w, f, moments)
}

// conclude checks the history and how soon changes were accepted again.
func conclude(w *workload, f *fleet, moments []moment) (string, error) {
	v, err := w.check()
	if err != nil {
		return "", err
	}
	var back, promoted []time.Duration
	for i, m := range moments {
		took, ok := m.back(w.history)
		if !ok || took > writesBackWithin {
			return "", errors.Join(fmt.Errorf("switchover %d: the next change was accepted after %s, want %s at most", i+1, took.Round(time.Millisecond), writesBackWithin), w.save())
		}
		back, promoted = append(back, took), append(promoted, time.Duration(m.promoted-m.began))
	}
	return fmt.Sprintf("%d switchovers, half of them by the loss of the primary, 0 lost, 0 stale answers: %s; writes back p50 %s, at most %s after the beginning, of which PostgreSQL took p50 %s, at most %s; a server started after each within %s",
		len(moments), v, ms(percentile(back, 50)), ms(percentile(back, 100)), ms(percentile(promoted, 50)), ms(percentile(promoted, 100)), ms(percentile(f.starts, 100))), nil
}

// moment holds the times when a switchover started, when the old primary was down and when the new one was ready, in ns of
// the workload.
type moment struct{ began, down, promoted int64 }

// back returns how long after the start the first change was accepted that was sent after the old primary was down.
func (m moment) back(history []operation) (time.Duration, bool) {
	first := int64(infinity)
	for _, op := range history {
		if op.Kind != "get" && op.Outcome == applied && op.Call >= m.down {
			first = min(first, op.Return)
		}
	}
	return time.Duration(first - m.began), first < infinity
}

// pair is two clusters, one of which replicates the other.
type pair struct{ primary, standby *cluster }

// replicating are the settings of both, in their files, where pg_rewind needs them. A standby that has lost its primary
// reconnects at once.
const replicating = `
wal_level = replica
hot_standby = on
wal_log_hints = on
wal_keep_size = 1GB
wal_retrieve_retry_interval = 100ms
`

func newPair(ctx context.Context) (*pair, error) {
	a, err := emptyCluster()
	if err != nil {
		return nil, err
	}
	b, err := emptyCluster()
	if err != nil {
		return nil, errors.Join(err, a.stop())
	}
	p := &pair{a, b}
	if err := p.begin(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("making two PostgreSQLs: %w", err), p.stop())
	}
	return p, nil
}

func (p *pair) begin(ctx context.Context) error {
	if err := p.primary.initialise(ctx); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(p.primary.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := file.WriteString(replicating); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := p.primary.start(ctx); err != nil {
		return err
	}
	out, err := p.standby.command("pg_basebackup", "-h", p.primary.dir, "-U", "postgres", "-D", p.standby.data(), "-X", "stream", "-c", "fast").CombinedOutput()
	if err != nil {
		return fmt.Errorf("running pg_basebackup: %w: %s", err, bytes.TrimSpace(out))
	}
	return p.follow(ctx)
}

func (p *pair) stop() error { return errors.Join(p.primary.stop(), p.standby.stop()) }

// dsn returns the address of a database with both as hosts.
func (p *pair) dsn(database string) string {
	hosts := []string{p.primary.dir, p.standby.dir}
	rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	return fmt.Sprintf("postgres:///%s?host=%s,%s&user=postgres&sslmode=disable", database, hosts[0], hosts[1])
}

// follow starts the standby and waits until the primary commits nothing without it.
func (p *pair) follow(ctx context.Context) error {
	if err := os.WriteFile(filepath.Join(p.standby.data(), "standby.signal"), nil, 0o644); err != nil {
		return err
	}
	p.standby.settings = []string{"primary_conninfo=host=" + p.primary.dir + " user=postgres"}
	if err := p.standby.start(ctx); err != nil {
		return err
	}
	if err := p.primary.exec(ctx, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"); err != nil {
		return err
	}
	for {
		var follows bool
		if err := p.primary.ask(ctx, &follows, "SELECT EXISTS (SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync')"); err != nil || follows {
			return err
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// change stops the primary, or kills it if lost, calls down, and promotes the standby.
func (p *pair) change(ctx context.Context, lost bool, down func()) error {
	// It will have no standby to wait for.
	if err := p.standby.exec(ctx, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()"); err != nil {
		return err
	}
	if lost {
		p.primary.crash()
	} else {
		p.primary.shutDown()
	}
	down()
	if err := p.standby.exec(ctx, "SELECT pg_promote()"); err != nil {
		return err
	}
	p.primary, p.standby = p.standby, p.primary
	return nil
}

// rejoin makes the old primary a standby of the new one. A lost one may have data that no other has, which pg_rewind
// removes.
func (p *pair) rejoin(ctx context.Context, lost bool) error {
	if lost {
		if err := p.primary.exec(ctx, "CHECKPOINT"); err != nil { // otherwise pg_rewind confuses the new timeline with the old one
			return err
		}
		out, err := p.standby.command("pg_rewind", "--target-pgdata", p.standby.data(), "--source-server", "host="+p.primary.dir+" user=postgres dbname=postgres").CombinedOutput()
		if err != nil {
			return fmt.Errorf("running pg_rewind: %w: %s", err, bytes.TrimSpace(out))
		}
	}
	return p.follow(ctx)
}
