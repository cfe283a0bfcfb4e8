//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// share is a tenant's number of objects.
type share struct {
	tenant uuid.UUID
	count  int
}

// shares distributes objects over tenants: half belong to the page's, two fifths to another one, and the rest to a
// hundred others.
func shares(objects int) []share {
	var all []share
	for i := range 100 {
		all = append(all, share{uuid.UUID{15: byte(i)}, objects / 1000})
	}
	return append(all, share{uuid.UUID{0: 1}, objects * 2 / 5}, share{uuid.MustParse(pageTenant), inPageTenant(objects)})
}

func inPageTenant(objects int) int { return objects / 2 }

// sqliteDatabase is a database in a file.
type sqliteDatabase struct {
	rig  *rig
	file string
}

func newSQLite(r *rig, objects int) (database, error) {
	d := &sqliteDatabase{r, r.path(fmt.Sprintf("objects-%d.db", objects))}
	return d, errors.Join(served(d, func(*server) error { return nil }), d.fill(objects)) // the server creates the table
}

func (d *sqliteDatabase) serve() (*server, error) { return d.rig.servePfxrd("sqlite:" + d.file) }

func (d *sqliteDatabase) size() (int64, error) {
	var sum int64
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(d.file + suffix)
		if err != nil {
			return 0, err
		}
		sum += info.Size()
	}
	return sum, nil
}

// One in ten has a source type, and no two have the same thumbprint.
const fillSQLite = `
WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
INSERT INTO request (tenant_id, id, version, user_id, device_id, profile_id, thumbprint, device_key_thumbprint, status,
	source_type, created_time, last_modified_time, is_deleted, e_tag)
SELECT ?1, format('%08x', i) || '` + keyEnd + `', i + 1, randomblob(16), randomblob(16), unhex(format('%032d', i % 20)),
	hex(randomblob(16)), hex(randomblob(16)), i % 10, i % 10, strftime('%Y-%m-%dT%H:%M:%SZ', 1700000000 + i, 'unixepoch'),
	strftime('%Y-%m-%dT%H:%M:%SZ', 1700000000 + i, 'unixepoch'), i % 2, NULL
FROM n`

// fill adds objects while no server runs. Durability does not matter here.
func (d *sqliteDatabase) fill(objects int) error {
	c, err := sqlite.OpenConn(d.file, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	do := func(sql string, args ...any) {
		if err == nil {
			err = sqlitex.ExecuteTransient(c, sql, &sqlitex.ExecOptions{Args: args})
		}
	}
	do("PRAGMA synchronous = OFF")
	do("PRAGMA journal_mode = OFF")
	do("PRAGMA cache_size = -200000")
	for _, s := range shares(objects) {
		do(fillSQLite, s.tenant[:], s.count)
	}
	do("PRAGMA journal_mode = WAL")
	return errors.Join(err, c.Close(), syncFile(d.file))
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
