package audit

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// Head is what a store knows of a chain.
type Head struct {
	Chain             // with its last record
	Removed     int64 // the number of the last record that was removed because of its age, 0 if none was
	RemovedHash Hash
}

// Query says which records are wanted. The zero Query is all of them.
type Query struct {
	Tenant       *edm.Guid
	Object       string
	Caller       string // the subject or the application
	Since, Until time.Time
	After        map[edm.Guid]int64 // by chain: only records with a higher number
}

// Matches reports whether a record is wanted.
func (q *Query) Matches(r *Record) bool {
	switch {
	case q.Tenant != nil && r.Key.Tenant != *q.Tenant,
		q.Object != "" && r.Key.ID != q.Object,
		q.Caller != "" && r.Author.Subject != q.Caller && r.Author.App != q.Caller,
		!q.Since.IsZero() && r.Time.Before(q.Since),
		!q.Until.IsZero() && !r.Time.Before(q.Until):
		return false
	}
	return r.Number > q.After[r.Chain]
}

// Trail is the audit trail of a store.
type Trail interface {
	// Trail calls fn with a view of the trail as it is at one moment. It returns fn's error.
	Trail(ctx context.Context, fn func(View) error) error
	// PutTrail stores records as they are and the heads of their chains, all or nothing. Records that are there already are
	// left as they are.
	PutTrail(ctx context.Context, heads []Head, records []Record) error
	// Prune removes records before a time from the beginning of each chain, and returns how many. Records of one transaction
	// are removed together.
	Prune(ctx context.Context, before time.Time) (int64, error)
}

// View is a trail at one moment.
type View interface {
	// Heads returns all chains.
	Heads() ([]Head, error)
	// Chain returns the records of a chain with a number after the given one, in their order.
	Chain(chain edm.Guid, after int64) iter.Seq2[Record, error]
	// ByTime returns all records, the oldest first.
	ByTime(since, until time.Time) iter.Seq2[Record, error]
	// Strays returns the chains of records that have no head.
	Strays() ([]edm.Guid, error)
	// Unrecorded returns the keys of objects that have records, but none of the version that they have.
	Unrecorded() ([]pfx.Key, error)
}

// Fault is something that is wrong with a trail.
type Fault string

// Report is what Verify has found.
type Report struct {
	Heads   []Head
	Records int64
	Faults  []Fault
}

func (r *Report) blame(format string, args ...any) {
	r.Faults = append(r.Faults, Fault(fmt.Sprintf(format, args...)))
}

// Verify checks every chain of a trail from its beginning, or from where it was pruned, to its end.
func Verify(ctx context.Context, t Trail) (Report, error) {
	var report Report
	err := t.Trail(ctx, func(v View) error {
		report = Report{} // a store may run this again
		return report.verify(v)
	})
	return report, err
}

func (r *Report) verify(v View) error {
	heads, err := v.Heads()
	if err != nil {
		return err
	}
	r.Heads = heads
	for i := range heads {
		if err := r.verifyChain(v, &heads[i]); err != nil {
			return err
		}
	}
	strays, err := v.Strays()
	if err != nil {
		return err
	}
	for _, chain := range strays {
		r.blame("chain %s has records and no head", chain)
	}
	keys, err := v.Unrecorded()
	if err != nil {
		return err
	}
	for _, k := range keys {
		r.blame("object %q of tenant %s was changed without a record", k.ID, k.Tenant)
	}
	return nil
}

// verifyChain goes on after a fault, so that each is told once.
func (r *Report) verifyChain(v View, h *Head) error {
	number, hash := h.Removed, h.RemovedHash
	for record, err := range v.Chain(h.ID, h.Removed) {
		if err != nil {
			return err
		}
		r.Records++
		switch {
		case record.Number == number+2:
			r.blame("record %d of chain %s is missing", number+1, h.ID)
		case record.Number > number+1:
			r.blame("records %d to %d of chain %s are missing", number+1, record.Number-1, h.ID)
		case record.follow(hash) != record.Hash:
			r.blame("record %d of chain %s, or the order before it, was altered", record.Number, h.ID)
		}
		number, hash = record.Number, record.Hash
	}
	switch {
	case number < h.Number:
		r.blame("records %d to %d of chain %s are missing, its last ones", number+1, h.Number, h.ID)
	case number > h.Number:
		r.blame("records %d to %d of chain %s are after its end", h.Number+1, number, h.ID)
	case hash != h.Hash:
		r.blame("record %d of chain %s, its last one, was altered", number, h.ID)
	}
	return nil
}

// batchLen is how many records are copied at once.
const batchLen = 1000

// Copy makes one trail have the chains of another one, also after a copy that was cut short, and returns how many records it
// has stored.
func Copy(ctx context.Context, from, to Trail) (int64, error) {
	there := map[edm.Guid]int64{}
	err := to.Trail(ctx, func(v View) error {
		heads, err := v.Heads()
		for _, h := range heads {
			there[h.ID] = h.Number
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("reading the target's trail: %w", err)
	}
	var n int64
	err = from.Trail(ctx, func(v View) error {
		heads, err := v.Heads()
		for i := range heads {
			if err == nil {
				err = copyChain(ctx, v, to, heads[i], there[heads[i].ID], &n)
			}
		}
		return err
	})
	if err != nil {
		return n, fmt.Errorf("copying the trail: %w", err)
	}
	return n, nil
}

// copyChain stores the records of a chain after a number. After each batch the target's head is the last of its records.
func copyChain(ctx context.Context, v View, to Trail, h Head, after int64, n *int64) error {
	if h.Number <= after {
		return nil
	}
	var batch []Record
	flush := func(last bool) error {
		head := h
		if !last {
			end := batch[len(batch)-1]
			head.Chain = Chain{ID: h.ID, Number: end.Number, Hash: end.Hash}
		}
		if err := to.PutTrail(ctx, []Head{head}, batch); err != nil {
			return err
		}
		*n += int64(len(batch))
		batch = batch[:0]
		return nil
	}
	for r, err := range v.Chain(h.ID, after) {
		if err != nil {
			return err
		}
		if batch = append(batch, r); len(batch) == batchLen {
			if err := flush(false); err != nil {
				return err
			}
		}
	}
	return flush(true)
}

// Micros returns bounds of time in microseconds since 1970; a zero time is no bound.
func Micros(since, until time.Time) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	if !since.IsZero() {
		from = since.UnixMicro()
	}
	if !until.IsZero() {
		to = until.UnixMicro()
	}
	return from, to
}
