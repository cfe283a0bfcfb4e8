package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// filterColumn returns the column that a comparison with a member uses.
func filterColumn(m *pfx.Member) string {
	if m.Type == pfx.DateTimeOffset {
		return instantOf(m)
	}
	return m.Column
}

// List returns requests, as [pfx.Store] says.
func (s *Store) List(ctx context.Context, tenant edm.Guid, q pfx.Query) ([]pfx.Request, error) {
	sql, args := filtered(listRequests, q.Filter, [16]byte(tenant), q.After)
	args = append(args, q.Limit)
	sql += fmt.Sprintf("\nORDER BY id LIMIT $%d", len(args))
	var requests []pfx.Request
	err := s.read(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		requests = nil // read may retry this function
		rows, err := c.Query(ctx, sql, planned(q.Filter, args)...)
		if err != nil {
			return fmt.Errorf("listing requests: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			r := pfx.Request{Entity: pfx.Entity{TenantID: tenant}}
			if err := scan(rows, &r); err != nil {
				return err
			}
			requests = append(requests, r)
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("listing requests: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return requests, nil
}

// Count counts requests, as [pfx.Store] says.
func (s *Store) Count(ctx context.Context, tenant edm.Guid, filter pfx.Filter) (int64, error) {
	sql, args := filtered(countRequests, filter, [16]byte(tenant))
	var n int64
	err := s.read(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		if err := c.QueryRow(ctx, sql, planned(filter, args)...).Scan(&n); err != nil {
			return fmt.Errorf("counting requests: %w", err)
		}
		return nil
	})
	return n, err
}

// filtered appends the conditions of a filter to a statement and its arguments. It writes equality with null as IS NULL: IS
// NOT DISTINCT FROM would work for all values, but uses no index.
func filtered(sql string, filter pfx.Filter, args ...any) (string, []any) {
	var b strings.Builder
	b.WriteString(sql)
	for _, c := range filter {
		var value any
		switch v := c.Value.(type) {
		case nil:
			if c.Member.Nullable {
				fmt.Fprintf(&b, " AND %s IS NULL", filterColumn(c.Member))
			} else {
				b.WriteString(" AND FALSE")
			}
			continue
		case edm.Guid:
			value = [16]byte(v)
		case edm.DateTimeOffset:
			value = instant(v)
		default:
			value = v
		}
		args = append(args, value)
		cast := ""
		if _, ok := value.(int64); ok {
			cast = "::bigint" // a value outside the column's range equals none, without an error
		}
		fmt.Fprintf(&b, " AND %s = $%d%s", filterColumn(c.Member), len(args), cast)
	}
	return b.String(), args
}

// planned puts the execution mode before the arguments. The server keeps the plan of a statement without a filter. A filter
// is planned for its values: how many requests have a value differs by orders of magnitude, and the number of filters is
// unbounded.
func planned(filter pfx.Filter, args []any) []any {
	if len(filter) == 0 {
		return args
	}
	return append([]any{pgx.QueryExecModeCacheDescribe}, args...)
}
