//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/scripts/bench/load"
)

// postgresDatabase is a database in its own PostgreSQL with default settings, which listens on a Unix socket.
type postgresDatabase struct {
	rig *rig
	dir string
	bin string
	as  *syscall.Credential // nil for this process's own
}

func newPostgres(r *rig, objects int) (database, error) {
	d := &postgresDatabase{rig: r, dir: r.path(fmt.Sprintf("postgres-%d", objects))}
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		return nil, err
	}
	if err := d.initialise(); err != nil {
		return nil, err
	}
	return d, served(d, func(*server) error { return d.fill(context.Background(), objects) })
}

// initialise makes the cluster. PostgreSQL refuses to run as root.
func (d *postgresDatabase) initialise() error {
	program, err := exec.LookPath("initdb")
	if err != nil {
		installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well-formed
		if len(installed) == 0 {
			return errors.New("no PostgreSQL is installed: initdb is neither in PATH nor under /usr/lib/postgresql")
		}
		program = installed[len(installed)-1]
	}
	if program, err = filepath.EvalSymlinks(program); err != nil {
		return err
	}
	d.bin = filepath.Dir(program)
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return err
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2, os.Chown(d.dir, uid, gid)); err != nil {
			return err
		}
		d.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	if out, err := d.command("initdb", "-D", d.dir+"/data", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C").CombinedOutput(); err != nil {
		return fmt.Errorf("running initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

func (d *postgresDatabase) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(d.bin, name), args...)
	cmd.Dir = d.dir
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")} // without PG… variables, which select a server
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.as}
	return cmd
}

func (d *postgresDatabase) dsn() string {
	return "postgres:///postgres?host=" + d.dir + "&user=postgres&sslmode=disable"
}

func (d *postgresDatabase) serve() (*server, error) {
	db, err := load.StartAt(d.dsn(), accepts, d.command("postgres", "-D", d.dir+"/data", "-k", d.dir, "-c", "listen_addresses="))
	if err != nil {
		return nil, err
	}
	s, err := d.rig.servePfxrd(d.dsn())
	if err != nil {
		db.StopBy(syscall.SIGINT)
		return nil, err
	}
	s.database = db
	return s, nil
}

func accepts(dsn string) bool {
	c, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		return false
	}
	_ = c.Close(context.Background()) // it was not used
	return true
}

func (d *postgresDatabase) size() (int64, error) {
	var size int64
	return size, d.connected(context.Background(), func(ctx context.Context, c *pgx.Conn) error {
		return c.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&size)
	})
}

func (d *postgresDatabase) connected(ctx context.Context, use func(context.Context, *pgx.Conn) error) error {
	c, err := pgx.Connect(ctx, d.dsn())
	if err != nil {
		return err
	}
	return errors.Join(use(ctx, c), c.Close(ctx))
}

// The objects are like those of fillSQLite, with a thousand different times.
const fillPostgres = `
INSERT INTO request (tenant_id, id, version, user_id, device_id, profile_id, thumbprint, device_key_thumbprint, status,
	source_type, created_time, created_instant, last_modified_time, last_modified_instant, is_deleted, e_tag)
SELECT $1, lpad(to_hex(i), 8, '0') || '` + keyEnd + `', i + 1, gen_random_uuid(), gen_random_uuid(),
	lpad((i % 20)::text, 32, '0')::uuid, replace(gen_random_uuid()::text, '-', ''), replace(gen_random_uuid()::text, '-', ''),
	i % 10, i % 10, ($3::text[])[i % 1000 + 1], ($4::bytea[])[i % 1000 + 1], ($3::text[])[i % 1000 + 1],
	($4::bytea[])[i % 1000 + 1], i % 2 = 1, NULL
FROM generate_series(0, $2 - 1) i`

// fill adds objects to the table that the server has created, and then builds the indexes.
func (d *postgresDatabase) fill(ctx context.Context, objects int) error {
	return d.connected(ctx, func(ctx context.Context, c *pgx.Conn) error {
		rows, err := c.Query(ctx, "SELECT indexname::text, indexdef FROM pg_indexes WHERE tablename = 'request' AND indexname <> 'request_pkey'")
		if err != nil {
			return err
		}
		type index struct{ Name, Definition string }
		indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[index])
		if err != nil {
			return err
		}
		do := func(sql string, args ...any) {
			if err == nil {
				_, err = c.Exec(ctx, sql, args...)
			}
		}
		for _, i := range indexes {
			do("DROP INDEX " + i.Name)
		}
		texts, instants := someTimes()
		for _, s := range shares(objects) {
			do(fillPostgres, s.tenant, s.count, texts, instants)
		}
		do("SET maintenance_work_mem = '1GB'")
		for _, i := range indexes {
			do(i.Definition)
		}
		do("VACUUM (ANALYZE) request") // otherwise it could start during the measurement
		do("CHECKPOINT")
		return err
	})
}

// someTimes returns times in the store's format.
func someTimes() (texts []string, instants [][]byte) {
	for i := range 1000 {
		t, err := edm.ParseDateTimeOffset(fmt.Sprintf("2026-01-%02dT%02d:00:00.%03dZ", i%28+1, i%24, i))
		if err != nil {
			panic(err) // the format above is invalid
		}
		instant := t.Instant()
		texts, instants = append(texts, t.String()), append(instants, instant[:])
	}
	return texts, instants
}
