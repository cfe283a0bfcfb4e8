package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// The statements of a store. The tenant is part of the key of each.
const (
	columns = `request.id, request.version, request.user_id, request.device_id, request.profile_id, request.thumbprint,
	request.device_key_thumbprint, request.status, request.source_type, request.created_time,
	request.last_modified_time, request.is_deleted, request.e_tag`

	selectRequest = `
SELECT ` + columns + `
FROM request WHERE tenant_id = $1 AND id = $2`

	insertRequest = `
INSERT INTO request (tenant_id, id, version, user_id, device_id, profile_id, thumbprint, device_key_thumbprint, status,
	source_type, created_time, created_instant, last_modified_time, last_modified_instant, is_deleted, e_tag)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT DO NOTHING`

	// updateRequest is a compare-and-swap. Another transaction may change the row while the statement waits for its lock:
	// at READ COMMITTED the condition is then checked again, on what that transaction has left.
	updateRequest = `
UPDATE request SET version = $3, user_id = $4, device_id = $5, profile_id = $6, thumbprint = $7,
	device_key_thumbprint = $8, status = $9, source_type = $10, created_time = $11, created_instant = $12,
	last_modified_time = $13, last_modified_instant = $14, is_deleted = $15, e_tag = $16
WHERE tenant_id = $1 AND id = $2 AND version = $17`

	deleteRequest = `
DELETE FROM request WHERE tenant_id = $1 AND id = $2 AND version = $3`

	// selectGroup and updateGroup are selectRequest and updateRequest for many keys at once.
	selectGroup = `
SELECT request.tenant_id, ` + columns + `
FROM unnest($1::uuid[], $2::text[]) AS key (tenant_id, id)
JOIN request ON request.tenant_id = key.tenant_id AND request.id = key.id`

	// lockedGroup is selectGroup for a transaction that goes on to change the rows. It locks them in the order of their keys, as
	// all servers do.
	lockedGroup = selectGroup + `
ORDER BY request.tenant_id, request.id FOR UPDATE OF request`

	updateGroup = `
UPDATE request SET version = new.version, user_id = new.user_id, device_id = new.device_id,
	profile_id = new.profile_id, thumbprint = new.thumbprint, device_key_thumbprint = new.device_key_thumbprint,
	status = new.status, source_type = new.source_type, created_time = new.created_time,
	created_instant = new.created_instant, last_modified_time = new.last_modified_time,
	last_modified_instant = new.last_modified_instant, is_deleted = new.is_deleted, e_tag = new.e_tag
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[],
	$9::integer[], $10::integer[], $11::text[], $12::bytea[], $13::text[], $14::bytea[], $15::boolean[], $16::text[],
	$17::bigint[]) AS new (tenant_id, id, version, user_id, device_id, profile_id, thumbprint, device_key_thumbprint,
	status, source_type, created_time, created_instant, last_modified_time, last_modified_instant, is_deleted, e_tag,
	old_version)
WHERE request.tenant_id = new.tenant_id AND request.id = new.id AND request.version = new.old_version`

	returningKeys = `
RETURNING request.tenant_id, request.id`

	// listRequests and countRequests go on with the conditions of a filter.
	listRequests = `
SELECT ` + columns + `
FROM request WHERE tenant_id = $1 AND id > $2`

	countRequests = `
SELECT count(*) FROM request WHERE tenant_id = $1`
)

// statements are those that assign members, which a test replaces by others that leave one out.
type statements struct {
	insert, update, delete, updateGroup recordable
	putGroup                            string
}

// recordable is a statement without and with the records of what it changes in the audit trail.
type recordable struct{ plain, recorded string }

func newRecordable(statement string, parameters int) recordable {
	return recordable{statement, recorded(statement, parameters)}
}

var usualStatements = newStatements(insertRequest, updateRequest, updateGroup, putGroup)

func newStatements(insert, update, updateGroup, putGroup string) *statements {
	return &statements{newRecordable(insert, 16), newRecordable(update, 17), newRecordable(deleteRequest, 3),
		recordable{updateGroup + returningKeys, recorded(updateGroup, 17)}, putGroup}
}

// querier is a connection or a pool of them.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// key names a request.
type key struct {
	tenant edm.Guid
	id     string
}

// load returns a request as it is stored, or a NotFound error.
func load(ctx context.Context, q querier, k key) (*pfx.Request, error) {
	rows, err := q.Query(ctx, selectRequest, [16]byte(k.tenant), k.id)
	if err != nil {
		return nil, fmt.Errorf("loading a request: %w", err)
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("loading a request: %w", err)
		}
		return nil, pfx.NotFoundError()
	}
	r := pfx.Request{TenantID: k.tenant}
	if err := scan(rows, &r); err != nil {
		return nil, err
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("loading a request: %w", err)
	}
	return &r, nil
}

// scan reads a row of more and then columns into r.
func scan(rows pgx.Rows, r *pfx.Request, more ...any) error {
	var version int64
	var thumbprint, deviceKeyThumbprint, eTag *string
	var created, modified string
	err := rows.Scan(append(more, &r.ID, &version, (*[16]byte)(&r.UserID), (*[16]byte)(&r.DeviceID), (*[16]byte)(&r.ProfileID),
		&thumbprint, &deviceKeyThumbprint, &r.Status, &r.SourceType, &created, &modified, &r.IsDeleted, &eTag)...)
	if err != nil {
		return fmt.Errorf("reading a row: %w", err)
	}
	r.Version = pfx.Version(version)
	r.Thumbprint, r.DeviceKeyThumbprint, r.ETag = optional(thumbprint), optional(deviceKeyThumbprint), optional(eTag)
	if r.CreatedTime, err = parseTime(created); err != nil {
		return internalError(err)
	}
	if r.LastModifiedTime, err = parseTime(modified); err != nil {
		return internalError(err)
	}
	return nil
}

// updateArguments are those of updateRequest.
func updateArguments(r *pfx.Request, stored pfx.Version) []any {
	return append(arguments(r), int64(stored))
}

// arguments are those of insertRequest, and the first ones of updateRequest.
func arguments(r *pfx.Request) []any {
	return []any{[16]byte(r.TenantID), r.ID, int64(r.Version), [16]byte(r.UserID), [16]byte(r.DeviceID), [16]byte(r.ProfileID),
		pointer(r.Thumbprint), pointer(r.DeviceKeyThumbprint), r.Status, r.SourceType, r.CreatedTime.String(), instant(r.CreatedTime),
		r.LastModifiedTime.String(), instant(r.LastModifiedTime), r.IsDeleted, pointer(r.ETag)}
}

// groupArguments are those of updateGroup.
func groupArguments(group []*entry) []any {
	olds := make([]int64, len(group))
	for i, e := range group {
		olds[i] = int64(e.stored)
	}
	return append(columnArguments(len(group), func(i int) *pfx.Request { return group[i].request }), olds)
}

// columnArguments are the arguments of insertRequest for n requests, an array for each column.
func columnArguments(n int, request func(i int) *pfx.Request) []any {
	tenants, users, devices, profiles := make([][16]byte, n), make([][16]byte, n), make([][16]byte, n), make([][16]byte, n)
	ids, createds, modifieds := make([]string, n), make([]string, n), make([]string, n)
	versions := make([]int64, n)
	thumbprints, keyThumbprints, eTags := make([]*string, n), make([]*string, n), make([]*string, n)
	statuses, sources := make([]int32, n), make([]int32, n)
	createdInstants, modifiedInstants := make([][]byte, n), make([][]byte, n)
	deleted := make([]bool, n)
	for i := range n {
		r := request(i)
		tenants[i], ids[i], versions[i] = r.TenantID, r.ID, int64(r.Version)
		users[i], devices[i], profiles[i] = r.UserID, r.DeviceID, r.ProfileID
		thumbprints[i], keyThumbprints[i], eTags[i] = pointer(r.Thumbprint), pointer(r.DeviceKeyThumbprint), pointer(r.ETag)
		statuses[i], sources[i], deleted[i] = r.Status, r.SourceType, r.IsDeleted
		createds[i], createdInstants[i] = r.CreatedTime.String(), instant(r.CreatedTime)
		modifieds[i], modifiedInstants[i] = r.LastModifiedTime.String(), instant(r.LastModifiedTime)
	}
	return []any{tenants, ids, versions, users, devices, profiles, thumbprints, keyThumbprints, statuses, sources, createds,
		createdInstants, modifieds, modifiedInstants, deleted, eTags}
}

// canonical makes strings that are absent null, which is how they will be read.
func canonical(r *pfx.Request) {
	null := edm.Null[string]()
	r.Thumbprint, r.DeviceKeyThumbprint, r.ETag = r.Thumbprint.Or(null), r.DeviceKeyThumbprint.Or(null), r.ETag.Or(null)
}

func optional(text *string) edm.Optional[string] {
	if text == nil {
		return edm.Null[string]()
	}
	return edm.Value(*text)
}

func pointer(o edm.Optional[string]) *string {
	if text, ok := o.Get(); ok {
		return &text
	}
	return nil
}

func instant(d edm.DateTimeOffset) []byte {
	if d.IsZero() {
		return nil
	}
	b := d.Instant()
	return b[:]
}

func parseTime(text string) (edm.DateTimeOffset, error) {
	if text == "" {
		return edm.DateTimeOffset{}, nil
	}
	return edm.ParseDateTimeOffset(text)
}
