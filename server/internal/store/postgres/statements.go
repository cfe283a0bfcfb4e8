package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
)

// column is a column of the table: the key, the version, then one for each member, or two for a time.
type column struct{ name, sqlType string }

// instantOf names the column for comparisons with a time: it is equal for equal instants, however they are written.
func instantOf(m *pfx.Member) string { return strings.TrimSuffix(m.Column, "_time") + "_instant" }

// columnsOf returns the columns that store a member.
func columnsOf(m *pfx.Member) []column {
	switch m.Type {
	case pfx.Boolean:
		return []column{{m.Column, "boolean"}}
	case pfx.Int32:
		return []column{{m.Column, "integer"}}
	case pfx.Guid:
		return []column{{m.Column, "uuid"}}
	case pfx.DateTimeOffset:
		return []column{{m.Column, "text"}, {instantOf(m), "bytea"}}
	}
	return []column{{m.Column, "text"}}
}

// stored are all columns, in the argument order of the storing statements.
var stored = func() []column {
	all := []column{{"tenant_id", "uuid"}, {"id", "text"}, {"version", "bigint"}}
	for i := range pfx.Changeable {
		all = append(all, columnsOf(&pfx.Changeable[i])...)
	}
	return all
}()

// changed are the columns that an update assigns: all except the key.
var changed = stored[2:]

// each applies format to each column and joins the results with commas. %[1]s is the column, %[2]s its type and %[3]d the
// number of its argument, starting with first.
func each(format string, columns []column, first int) string {
	items := make([]string, len(columns))
	for i, c := range columns {
		items[i] = fmt.Sprintf(format, c.name, c.sqlType, first+i)
	}
	return strings.Join(items, ", ")
}

// The statements of a store. Each has the tenant in its key.
var (
	columns = func() string {
		list := "request.id, request.version"
		for i := range pfx.Changeable {
			list += ", request." + pfx.Changeable[i].Column
		}
		return list
	}()

	selectRequest = `
SELECT ` + columns + `
FROM request WHERE tenant_id = $1 AND id = $2`

	insertRequest = `
INSERT INTO request (` + each("%[1]s", stored, 1) + `)
VALUES (` + each("$%[3]d", stored, 1) + `)
ON CONFLICT DO NOTHING`

	// updateRequest is a compare-and-swap. Another transaction may change the row while the statement waits for its lock:
	// READ COMMITTED then checks the condition again, on the new row.
	updateRequest = `
UPDATE request SET ` + each("%[1]s = $%[3]d", changed, 3) + `
WHERE tenant_id = $1 AND id = $2 AND version = ` + fmt.Sprintf("$%d", len(stored)+1)

	// updateGroup is updateRequest for many keys.
	updateGroup = `
UPDATE request SET ` + each("%[1]s = new.%[1]s", changed, 3) + `
FROM unnest(` + arrays + fmt.Sprintf(", $%d::bigint[]", len(stored)+1) + `) AS new (` + each("%[1]s", stored, 1) + `, old_version)
WHERE request.tenant_id = new.tenant_id AND request.id = new.id AND request.version = new.old_version`

	// arrays are the arguments of updateGroup and putGroup: one for each column, with the values of all requests.
	arrays = each("$%[3]d::%[2]s[]", stored, 1)

	// selectGroup is selectRequest for many keys.
	selectGroup = `
SELECT request.tenant_id, ` + columns + `
FROM unnest($1::uuid[], $2::text[]) AS key (tenant_id, id)
JOIN request ON request.tenant_id = key.tenant_id AND request.id = key.id`

	// lockedGroup is selectGroup for a transaction that then changes the rows. It locks them in key order, as all servers
	// do.
	lockedGroup = selectGroup + `
ORDER BY request.tenant_id, request.id FOR UPDATE OF request`

	// The conditions of a filter follow listRequests and countRequests.
	listRequests = `
SELECT ` + columns + `
FROM request WHERE tenant_id = $1 AND id > $2`
)

const (
	deleteRequest = `
DELETE FROM request WHERE tenant_id = $1 AND id = $2 AND version = $3`

	returningKeys = `
RETURNING request.tenant_id, request.id`

	countRequests = `
SELECT count(*) FROM request WHERE tenant_id = $1`
)

// statements are the ones that assign members. A test replaces them by others that leave a member out.
type statements struct {
	insert, update, delete, updateGroup recordable
	putGroup                            string
}

// recordable is a statement in two forms: plain, and with audit records of its changes.
type recordable struct{ plain, recorded string }

// newRecordable returns both forms of a statement that changes one row.
func newRecordable(statement string, parameters int) recordable {
	return recordable{statement, recorded(statement, parameters, "1")}
}

var usualStatements = newStatements(insertRequest, updateRequest, updateGroup, putGroup)

func newStatements(insert, update, updateGroup, putGroup string) *statements {
	n := len(stored)
	return &statements{newRecordable(insert, n), newRecordable(update, n+1), newRecordable(deleteRequest, 3),
		recordable{updateGroup + returningKeys, recorded(updateGroup, n+1, "cardinality($1::uuid[])")}, putGroup}
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

// load returns a stored request, or a NotFound error.
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
	r := pfx.Request{Entity: pfx.Entity{TenantID: k.tenant}}
	if err := scan(rows, &r); err != nil {
		return nil, err
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("loading a request: %w", err)
	}
	return &r, nil
}

// scan reads the values of more and then the columns of r from a row.
func scan(rows pgx.Rows, r *pfx.Request, more ...any) error {
	targets := make([]target, len(pfx.Changeable))
	into := make([]any, 0, len(more)+2+len(targets))
	into = append(append(into, more...), &r.ID, (*int64)(&r.Version))
	for i := range targets {
		targets[i] = target{&pfx.Changeable[i], r}
		into = append(into, &targets[i])
	}
	if err := rows.Scan(into...); err != nil {
		return fmt.Errorf("reading a row: %w", err)
	}
	return nil
}

// target is the member that receives a column.
type target struct {
	member  *pfx.Member
	request *pfx.Request
}

// ScanText reads a text or a time.
func (t *target) ScanText(v pgtype.Text) error {
	if t.member.Type == pfx.DateTimeOffset && v.Valid {
		d, err := parseTime(v.String)
		if err != nil {
			return store.InternalError(err)
		}
		return read(t, d, true)
	}
	return read(t, v.String, v.Valid)
}

// ScanUUID reads a GUID.
func (t *target) ScanUUID(v pgtype.UUID) error { return read(t, edm.Guid(v.Bytes), v.Valid) }

// ScanInt64 reads a number.
func (t *target) ScanInt64(v pgtype.Int8) error { return read(t, int32(v.Int64), v.Valid) }

// ScanBool reads a boolean.
func (t *target) ScanBool(v pgtype.Bool) error { return read(t, v.Bool, v.Valid) }

func read[T any](t *target, value T, valid bool) error {
	if valid {
		pfx.Set(t.member, t.request, value)
	} else {
		t.member.Clear(t.request)
	}
	return nil
}

// updateArguments returns the arguments of updateRequest.
func updateArguments(r *pfx.Request, stored pfx.Version) []any {
	return append(arguments(r), int64(stored))
}

// arguments returns the arguments of insertRequest, which are the first ones of updateRequest.
func arguments(r *pfx.Request) []any {
	args := append(make([]any, 0, len(stored)+1), [16]byte(r.TenantID), r.ID, int64(r.Version))
	for i := range pfx.Changeable {
		m := &pfx.Changeable[i]
		switch v := m.Value(r).(type) {
		case edm.Guid:
			args = append(args, [16]byte(v))
		case edm.DateTimeOffset:
			args = append(args, v.String(), instant(v))
		default:
			args = append(args, v)
			if m.Type == pfx.DateTimeOffset {
				args = append(args, nil)
			}
		}
	}
	return args
}

// groupArguments returns the arguments of updateGroup.
func groupArguments(group []*entry) []any {
	olds := make([]int64, len(group))
	for i, e := range group {
		olds[i] = int64(e.stored)
	}
	return append(columnArguments(len(group), func(i int) *pfx.Request { return group[i].request }), olds)
}

// columnArguments returns the arguments of insertRequest for n requests, an array for each column.
func columnArguments(n int, request func(i int) *pfx.Request) []any {
	tenants, ids, versions := make([][16]byte, n), make([]string, n), make([]int64, n)
	for i := range n {
		r := request(i)
		tenants[i], ids[i], versions[i] = r.TenantID, r.ID, int64(r.Version)
	}
	args := append(make([]any, 0, len(stored)+1), tenants, ids, versions)
	for i := range pfx.Changeable {
		m := &pfx.Changeable[i]
		switch m.Type {
		case pfx.Text:
			args = append(args, array(m, n, request, func(text string) string { return text }))
		case pfx.Boolean:
			args = append(args, array(m, n, request, func(b bool) bool { return b }))
		case pfx.Int32:
			args = append(args, array(m, n, request, func(n int32) int32 { return n }))
		case pfx.Guid:
			args = append(args, array(m, n, request, func(g edm.Guid) [16]byte { return g }))
		case pfx.DateTimeOffset:
			args = append(args, array(m, n, request, edm.DateTimeOffset.String), array(m, n, request, instant))
		}
	}
	return args
}

// array returns the values of a member: a []C, or a []*C with nil for null if the member is nullable.
func array[T, C any](m *pfx.Member, n int, request func(i int) *pfx.Request, convert func(T) C) any {
	values := make([]C, n)
	if !m.Nullable {
		for i := range n {
			v, _ := pfx.Get[T](m, request(i))
			values[i] = convert(v)
		}
		return values
	}
	pointers := make([]*C, n)
	for i := range n {
		if v, ok := pfx.Get[T](m, request(i)); ok {
			values[i] = convert(v)
			pointers[i] = &values[i]
		}
	}
	return pointers
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
