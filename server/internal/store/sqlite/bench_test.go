package sqlite

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

// benchObjects is how many requests the benchmarks change in turn.
const benchObjects = 1000

// BenchmarkUpdate measures durable updates of one member of one of 1,000 requests, and compares them with oneEach: the same
// statements in one transaction for each update.
//
//	go test -bench Update -run '^$' ./server/internal/store/sqlite
func BenchmarkUpdate(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := openBench(b)
			benchUpdates(b, callers, func(id string, fn func(*pfx.Request) error) error {
				_, err := s.Update(b.Context(), tenant, id, fn)
				return err
			})
		})
	}
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("oneEach/callers=%d", callers), func(b *testing.B) {
			s := openBench(b)
			var mu sync.Mutex
			benchUpdates(b, callers, func(id string, fn func(*pfx.Request) error) error {
				mu.Lock()
				defer mu.Unlock()
				return updateAlone(s, id, fn)
			})
		})
	}
}

// BenchmarkAudit measures the cost of the audit trail: durable updates of 64 callers, with each mode in turn.
//
//	go test -bench Audit -run '^$' -benchtime 100x ./server/internal/store/sqlite
func BenchmarkAudit(b *testing.B) {
	s := openBench(b)
	storetest.BenchmarkAudit(b, s, tenant, func(m audit.Mode) { s.audit = m }, benchID)
}

// BenchmarkGet measures reads without writes.
func BenchmarkGet(b *testing.B) {
	s := openBench(b)
	var n atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Get(b.Context(), tenant, benchID(n.Add(1))); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkList measures a page of 100 in the middle of 1,000 and of 1,000,000 requests, and the search for the one request
// with a certain thumbprint, which reads every request of the tenant.
func BenchmarkList(b *testing.B) {
	for _, size := range []int{1_000, 1_000_000} {
		s := openBench(b)
		fill(b, s, size)
		b.Run(fmt.Sprintf("page/of=%d", size), func(b *testing.B) {
			for b.Loop() {
				page, err := s.List(b.Context(), tenant, pfx.Query{After: fmt.Sprintf("k%07d", size/2), Limit: 100})
				if err != nil || len(page) != 100 {
					b.Fatal(len(page), err)
				}
			}
		})
		b.Run(fmt.Sprintf("search/of=%d", size), func(b *testing.B) {
			for b.Loop() {
				page, err := s.List(b.Context(), tenant, pfx.Query{Filter: pfx.Filter{{Member: pfx.MemberNamed("thumbprint"), Value: fmt.Sprint(size)}}, Limit: 100})
				if err != nil || len(page) != 1 {
					b.Fatal(len(page), err)
				}
			}
		})
	}
}

// fill adds size requests, each with a different thumbprint.
func fill(b *testing.B, s *Store, size int) {
	b.Helper()
	const query = `
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
INSERT INTO request SELECT tenant_id, format('k%07d', i), version, user_id, device_id, profile_id, i,
	device_key_thumbprint, status, source_type, created_time, last_modified_time, is_deleted, e_tag
FROM n, (SELECT * FROM request WHERE tenant_id = ?1 LIMIT 1)`
	_, err := s.do(b.Context(), func(c *conn, _ *job) error {
		return sqlitex.ExecuteTransient(c.Conn, query, &sqlitex.ExecOptions{Args: []any{tenant[:], size}})
	})
	if err != nil {
		b.Fatal(err)
	}
}

// updateAlone is Update in its own transaction, while the store's writer is idle.
func updateAlone(s *Store, id string, fn func(*pfx.Request) error) error {
	c := s.writer
	if err := execute(c.begin); err != nil {
		return err
	}
	r, err := c.load(tenant, id)
	if err != nil {
		return err
	}
	if err := r.Change(fn); err != nil {
		return err
	}
	if err := c.store(c.update, r); err != nil {
		return err
	}
	if err := execute(c.commit); err != nil {
		return err
	}
	s.limitLog()
	return nil
}

func benchUpdates(b *testing.B, callers int, update func(id string, fn func(*pfx.Request) error) error) {
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := update(benchID(n), func(r *pfx.Request) error { r.Status++; return nil }); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}

func benchID(n int64) string { return fmt.Sprintf("request-%d", n%benchObjects) }

func openBench(b *testing.B) *Store {
	s, err := Open(b.Context(), Config{Path: filepath.Join(b.TempDir(), "bench.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	for n := range int64(benchObjects) {
		if _, err := s.Insert(b.Context(), pfx.Request{Entity: pfx.Entity{
			ID: benchID(n), TenantID: tenant, Thumbprint: edm.Value("6F1ED002AB5595859014EBF0951522D9"), DeviceKeyThumbprint: edm.Null[string](),
			CreatedTime: someTime, LastModifiedTime: someTime,
		}}); err != nil {
			b.Fatal(err)
		}
	}
	return s
}
