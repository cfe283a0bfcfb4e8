package storetest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
)

const (
	// auditCallers update at the same time, and make auditUpdates updates before the mode changes. That takes a few
	// hundredths of a second, so that a busy moment of the machine affects all modes alike.
	auditCallers = 64
	auditUpdates = 1024
)

// BenchmarkAudit reports how many updates a second a store makes in each audit mode, and the median ratio to the rate
// without a trail. set changes the mode while nothing is written. id returns the key of the n-th request of the tenant, in
// turn.
func BenchmarkAudit(b *testing.B, s pfx.Store, tenant edm.Guid, set func(audit.Mode), id func(n int64) string) {
	modes := []audit.Mode{audit.Off, audit.Members, audit.Values}
	rates := make([][]float64, len(modes))
	var next atomic.Int64
	for b.Loop() {
		for i, m := range modes {
			set(m)
			rates[i] = append(rates[i], updateRate(b, s, tenant, func() string { return id(next.Add(1)) }))
		}
	}
	median := func(n int, of func(i int) float64) float64 {
		all := make([]float64, n)
		for i := range all {
			all[i] = of(i)
		}
		slices.Sort(all)
		return all[n/2]
	}
	for i, name := range []string{"off", "members", "values"} {
		b.ReportMetric(median(len(rates[i]), func(n int) float64 { return rates[i][n] }), name+"/s")
		b.ReportMetric(median(len(rates[i]), func(n int) float64 { return rates[i][n] / rates[0][n] }), name+"/off")
	}
}

// updateRate returns how many updates a second the callers make.
func updateRate(b *testing.B, s pfx.Store, tenant edm.Guid, id func() string) float64 {
	// As long as those of Entra's tokens.
	author := pfx.Author{
		Subject: "3b6cc84c-ee32-418c-b391-5fdd0b22b1cd", App: "0a6e4e56-2b4a-4d0c-9c0a-8d8b1a5a6f3b",
		Token: "mIFcEAHjzkyLiQ6h8xQ7AA", Request: "0f2be0a6-6f3b-4f0e-9f2e-4d5a6f1d7a52",
	}
	ctx := context.WithValue(b.Context(), pfx.AuthorKey{}, &author)
	began := time.Now()
	var wg sync.WaitGroup
	for range auditCallers {
		wg.Go(func() {
			for range auditUpdates / auditCallers {
				if _, err := s.Update(ctx, tenant, id(), func(r *pfx.Request) error { r.Status++; return nil }); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return auditUpdates / time.Since(began).Seconds()
}
