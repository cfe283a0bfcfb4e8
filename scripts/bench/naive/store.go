package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/pfxrecryption/pfxrecryption/scripts/bench/naive/api"
)

// tenant is the page's.
var tenant = uuid.MustParse("f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9")

var errNotFound = errors.New("not found")

// store is one of pfxrd's files. One connection is best for one transaction per request: writers on several connections
// would wait for each other by sleeping.
type store struct {
	mu   sync.Mutex
	conn *sqlite.Conn
}

func open(file string) (*store, error) {
	c, err := sqlite.OpenConn(file, sqlite.OpenReadWrite, sqlite.OpenWAL)
	if err != nil {
		return nil, err
	}
	return &store{conn: c}, sqlitex.ExecuteTransient(c, "PRAGMA synchronous = FULL", nil)
}

// update changes the object id in its own transaction and returns it with its version.
func (s *store) update(id string, change func(*api.PfxRecryptionRequest)) (_ *api.PfxRecryptionRequest, _ int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	end, err := sqlitex.ImmediateTransaction(s.conn)
	if err != nil {
		return nil, 0, err
	}
	defer end(&err)
	r, version, err := s.load(id)
	if err != nil {
		return nil, 0, err
	}
	change(r)
	version++
	return r, version, s.save(r, version)
}

const (
	selectOne = `
SELECT version, user_id, device_id, profile_id, thumbprint, device_key_thumbprint, status, source_type, created_time,
	last_modified_time, is_deleted, e_tag
FROM request WHERE tenant_id = ? AND id = ?`

	updateOne = `
UPDATE request SET version = ?3, user_id = ?4, device_id = ?5, profile_id = ?6, thumbprint = ?7, device_key_thumbprint = ?8,
	status = ?9, source_type = ?10, created_time = ?11, last_modified_time = ?12, is_deleted = ?13, e_tag = ?14
WHERE tenant_id = ?1 AND id = ?2`
)

func (s *store) load(id string) (*api.PfxRecryptionRequest, int64, error) {
	r := &api.PfxRecryptionRequest{OdataType: api.HashMicrosoftGraphPfxRecryptionRequest, TenantId: tenant, Id: id}
	version, err := int64(0), errNotFound
	failed := sqlitex.Execute(s.conn, selectOne, &sqlitex.ExecOptions{Args: []any{tenant[:], id}, ResultFunc: func(stmt *sqlite.Stmt) error {
		version = stmt.ColumnInt64(0)
		stmt.ColumnBytes(1, r.UserId[:])
		stmt.ColumnBytes(2, r.DeviceId[:])
		stmt.ColumnBytes(3, r.ProfileId[:])
		r.Thumbprint, r.DeviceKeyThumbprint, r.ETag = text(stmt, 4), text(stmt, 5), text(stmt, 11)
		r.Status, r.SourceType, r.IsDeleted = stmt.ColumnInt32(6), stmt.ColumnInt32(7), stmt.ColumnBool(10)
		var err1, err2 error
		r.CreatedTime, err1 = time.Parse(time.RFC3339, stmt.ColumnText(8))
		r.LastModifiedTime, err2 = time.Parse(time.RFC3339, stmt.ColumnText(9))
		err = errors.Join(err1, err2)
		return nil
	}})
	if failed != nil {
		return nil, 0, fmt.Errorf("loading a request: %w", failed)
	}
	return r, version, err
}

// text returns the value of a nullable column.
func text(stmt *sqlite.Stmt, column int) *string {
	if stmt.ColumnIsNull(column) {
		return nil
	}
	value := stmt.ColumnText(column)
	return &value
}

func (s *store) save(r *api.PfxRecryptionRequest, version int64) error {
	err := sqlitex.Execute(s.conn, updateOne, &sqlitex.ExecOptions{Args: []any{
		tenant[:], r.Id, version, r.UserId[:], r.DeviceId[:], r.ProfileId[:], orNull(r.Thumbprint), orNull(r.DeviceKeyThumbprint),
		r.Status, r.SourceType, r.CreatedTime.Format(time.RFC3339Nano), r.LastModifiedTime.Format(time.RFC3339Nano), r.IsDeleted, orNull(r.ETag),
	}})
	if err != nil {
		return fmt.Errorf("saving a request: %w", err)
	}
	return nil
}

func orNull(text *string) any {
	if text == nil {
		return nil
	}
	return *text
}
