package postgres

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

// benchObjects is how many requests the benchmarks change in turn.
const benchObjects = 1000

// BenchmarkUpdate measures durable updates of one member of one of 1,000 requests: with shared commits, and with a
// statement for each update, on a private server with default settings.
//
//	go test -bench Update -run '^$' ./server/internal/store/postgres
func BenchmarkUpdate(b *testing.B) {
	cluster := postgrestest.Private(b)
	for _, callers := range []int{1, 8, 64} {
		for _, way := range ways {
			b.Run(fmt.Sprintf("callers=%d/%s", callers, way.name), func(b *testing.B) {
				benchUpdates(b, openBench(b, cluster, way.share), callers)
			})
		}
	}
}

// BenchmarkAudit measures the cost of the audit trail: durable updates of 64 callers, with each mode in turn.
//
//	go test -bench Audit -run '^$' -benchtime 100x ./server/internal/store/postgres
func BenchmarkAudit(b *testing.B) {
	s := openBench(b, postgrestest.Private(b), true)
	storetest.BenchmarkAudit(b, s, tenant, func(m audit.Mode) { s.audit = m }, benchID)
}

func benchUpdates(b *testing.B, s *Store, callers int) {
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if _, err := s.Update(b.Context(), tenant, benchID(n), increment); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}

func benchID(n int64) string { return fmt.Sprintf("request-%d", n%benchObjects) }

func openBench(b *testing.B, cluster *postgrestest.Cluster, share bool) *Store {
	s := mustOpen(b, Config{URL: cluster.DSN("postgres") + "&connect_timeout=60"}, share)
	if n, err := s.Count(b.Context(), tenant, nil); err != nil || n > 0 {
		check(b, err)
		return s
	}
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
