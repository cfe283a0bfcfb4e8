package copying

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// Sum describes the data of a tenant.
type Sum struct {
	Tenant edm.Guid
	Count  int64
	SHA256 [sha256.Size]byte // of all members and versions, ordered by id
}

// Report describes the data of two stores, ordered by tenant.
type Report struct{ Source, Target []Sum }

// Difference describes a tenant whose data differs between the two stores. Count is 0 in a store that does not know the
// tenant.
type Difference struct{ Source, Target Sum }

// Verify reads both stores completely, each at one moment from now on, so it finds what has changed in either since the
// copy.
func (j *Job) Verify(ctx context.Context) (Report, error) {
	var report Report
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		sums, err := sum(ctx, j.From, j.tell)
		if err != nil {
			return fmt.Errorf("verifying the source: %w", err)
		}
		report.Source = sums
		return nil
	})
	g.Go(func() error {
		sums, err := sum(ctx, j.To, func(int) {})
		if err != nil {
			return fmt.Errorf("verifying the target: %w", err)
		}
		report.Target = sums
		return nil
	})
	err := g.Wait()
	return report, err
}

// sum returns the Sum of each tenant, and calls tell with the number of further requests it has read.
func sum(ctx context.Context, s Source, tell func(n int)) ([]Sum, error) {
	var sums []Sum
	hash := sha256.New()
	finish := func() {
		if len(sums) > 0 {
			hash.Sum(sums[len(sums)-1].SHA256[:0])
		}
		hash.Reset()
	}
	var line []byte
	read := 0
	for r, err := range s.Scan(ctx, pfx.Key{}) {
		if err != nil {
			return nil, err
		}
		if len(sums) == 0 || sums[len(sums)-1].Tenant != r.TenantID {
			finish()
			sums = append(sums, Sum{Tenant: r.TenantID})
		}
		sums[len(sums)-1].Count++
		line = appendRequest(line[:0], &r)
		hash.Write(line)
		if read++; read == batchLen {
			tell(read)
			read = 0
		}
	}
	finish()
	tell(read)
	return sums, nil
}

// appendRequest appends every member and the version. Each part says where it ends, so different requests of a tenant have
// different bytes.
func appendRequest(b []byte, r *pfx.Request) []byte {
	b = appendText(b, r.ID)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Version))
	for i := range pfx.Changeable {
		m := &pfx.Changeable[i]
		value := m.Value(r)
		if m.Nullable {
			b = strconv.AppendBool(b, value == nil)
		}
		switch v := value.(type) {
		case string:
			b = appendText(b, v)
		case bool:
			b = strconv.AppendBool(b, v)
		case int32:
			b = binary.BigEndian.AppendUint32(b, uint32(v))
		case edm.Guid:
			b = append(b, v[:]...)
		case edm.DateTimeOffset:
			b = appendText(b, v.String())
		}
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// Differences returns the tenants whose data differs between the stores.
func (r *Report) Differences() []Difference {
	var found []Difference
	from, to := r.Source, r.Target
	for len(from) > 0 || len(to) > 0 {
		var d Difference
		var order int
		switch {
		case len(to) == 0:
			order = -1
		case len(from) == 0:
			order = 1
		default:
			order = bytes.Compare(from[0].Tenant[:], to[0].Tenant[:])
		}
		if order <= 0 {
			d.Source, from = from[0], from[1:]
			d.Target.Tenant = d.Source.Tenant
		}
		if order >= 0 {
			d.Target, to = to[0], to[1:]
			d.Source.Tenant = d.Target.Tenant
		}
		if d.Source != d.Target {
			found = append(found, d)
		}
	}
	return found
}
