package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
)

// TestFiltersUseAnIndex checks the plans of lists and counts over many requests: they read hardly more rows than they
// return. Here the optional members have an index too.
func TestFiltersUseAnIndex(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, Config{URL: postgrestest.Database(t) + "&statement_timeout=10min", Index: indexable}, true)
	mustInsert(t, s, "rare")
	const many = 20_000
	_, err := s.pool.Exec(t.Context(), `INSERT INTO request SELECT tenant_id, 'k' || i, version, user_id, device_id, profile_id,
		'common', null, 0, 0, '2020-01-01T00:00Z', '\x01', '2020-01-01T00:00Z', '\x01', false, 'common'
		FROM request, generate_series(1, $1) AS i`, many)
	check(t, err)
	_, err = s.pool.Exec(t.Context(), "UPDATE request SET user_id = $1, device_id = $1, profile_id = $1 WHERE id <> 'rare'", [16]byte{})
	check(t, err)
	_, err = s.pool.Exec(t.Context(), "VACUUM ANALYZE request")
	check(t, err)
	rare, err := s.Get(t.Context(), tenant, "rare")
	check(t, err)
	for member, value := range map[string]any{
		"": nil, "id": "rare", "userId": rare.UserID, "deviceId": rare.DeviceID, "profileId": rare.ProfileID,
		"thumbprint": text(rare.Thumbprint), "deviceKeyThumbprint": text(rare.DeviceKeyThumbprint), "eTag": text(rare.ETag),
		"status": int64(rare.Status), "sourceType": int64(rare.SourceType), "isDeleted": true,
		"createdTime": rare.CreatedTime, "lastModifiedTime": rare.LastModifiedTime,
	} {
		var filter pfx.Filter
		want := 100
		if member != "" {
			c, err := pfx.NewComparison(member, value)
			check(t, err)
			filter, want = pfx.Filter{c}, 1
		}
		page, err := s.List(t.Context(), tenant, pfx.Query{Filter: filter, Limit: 100})
		if err != nil || len(page) != want {
			t.Errorf("%s: got %d requests, %v, want %d", member, len(page), err, want)
		}
		sql, args := filtered(listRequests, filter, [16]byte(tenant), "")
		wantIndex(t, s, sql+"\nORDER BY id LIMIT 100", args, want)
		if member != "" {
			sql, args = filtered(countRequests, filter, [16]byte(tenant))
			wantIndex(t, s, sql, args, want)
		}
	}
}

// wantIndex runs a statement with its plan: it must read at most that many rows, by an index, in order.
func wantIndex(t *testing.T, s *Store, sql string, args []any, rows int) {
	t.Helper()
	lines, err := s.pool.Query(t.Context(), "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) "+sql, planned(pfx.Filter{{}}, args)...)
	check(t, err)
	all, err := pgx.CollectRows(lines, pgx.RowTo[string])
	check(t, err)
	plan := strings.Join(all, "\n")
	for _, bad := range []string{"Seq Scan", "Sort", "Removed by Filter"} {
		if strings.Contains(plan, bad) {
			t.Errorf("%s\nhas the plan\n%s", sql, plan)
			return
		}
	}
	if !strings.Contains(plan, "Index") || !strings.Contains(plan, fmt.Sprintf("rows=%d ", rows)) {
		t.Errorf("%s\nhas the plan\n%s\nwant %d rows by an index", sql, plan, rows)
	}
}

func text(o edm.Optional[string]) any {
	value, _ := o.Get()
	return value
}
