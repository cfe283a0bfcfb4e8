package copying_test

import (
	"fmt"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/copying"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

// BenchmarkCopy copies b.N objects from a file to a database, and again when there is nothing to do:
//
//	go test -run '^$' -bench Copy -benchtime 1000000x ./server/internal/store/copying
func BenchmarkCopy(b *testing.B) {
	from := open(b, nil)
	to, err := postgres.Open(b.Context(), postgres.Config{URL: postgrestest.Private(b).DSN("postgres")})
	check(b, err)
	b.Cleanup(func() { check(b, to.Close()) })
	var part []pfx.Request
	for i := range b.N {
		r := storetest.Request(tenants[0], fmt.Sprintf("%09d", i))
		r.Version = pfx.NewVersion()
		for j, g := range []*edm.Guid{&r.UserID, &r.DeviceID, &r.ProfileID} { // random, so spread over their indexes
			*g = edm.Guid{byte(i * 41), byte(i * 7 >> j), byte(i >> 8), byte(i >> 16), byte(i)}
		}
		if part = append(part, r); len(part) == 10_000 || i == b.N-1 {
			check(b, from.Put(b.Context(), part))
			part = part[:0]
		}
	}
	job := copying.Job{From: from, To: to}
	rates := map[string]float64{}
	for _, what := range []string{"copied/s", "passed/s"} {
		b.ResetTimer()
		_, err := job.Copy(b.Context())
		check(b, err)
		rates[what] = float64(b.N) / b.Elapsed().Seconds() // a reset discards reported metrics
	}
	for what, rate := range rates {
		b.ReportMetric(rate, what)
	}
}
