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

// Head is the end of a chain, as a store keeps it.
type Head struct {
	Chain             // at its last record
	Removed     int64 // number of the last record that Prune removed, 0 if none
	RemovedHash Hash
}

// Query selects records. The zero Query selects all of them.
type Query struct {
	Tenant       *edm.Guid
	Object       string
	Caller       string // the subject or the application
	Since, Until time.Time
	After        map[edm.Guid]int64 // by chain: only records with a higher number
}

// Matches reports whether the query selects a record.
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
	// Trail calls fn with a view of the trail at one moment. It returns fn's error.
	Trail(ctx context.Context, fn func(View) error) error
	// PutTrail stores records unchanged and the heads of their chains, all or nothing. It leaves existing records as they
	// are.
	PutTrail(ctx context.Context, heads []Head, records []Record) error
	// Prune removes records before a time from the start of each chain, and returns how many. It removes the records of one
	// transaction together.
	Prune(ctx context.Context, before time.Time) (int64, error)
}

// View is a trail at one moment.
type View interface {
	// Heads returns all chains.
	Heads() ([]Head, error)
	// Chain returns, in order, the records of a chain with a number above the given one.
	Chain(chain edm.Guid, after int64) iter.Seq2[Record, error]
	// ByTime returns all records, oldest first.
	ByTime(since, until time.Time) iter.Seq2[Record, error]
	// Strays returns the chains that have records but no head.
	Strays() ([]edm.Guid, error)
	// Unrecorded returns the keys of objects that have records, but none for their current version.
	Unrecorded() ([]pfx.Key, error)
}

// Fault describes a defect of a trail.
type Fault string

// Report is the result of Verify.
type Report struct {
	Heads   []Head
	Records int64
	Faults  []Fault
}

func (r *Report) blame(format string, args ...any) {
	r.Faults = append(r.Faults, Fault(fmt.Sprintf(format, args...)))
}

// Verify checks every chain of a trail to its end, from its start or from where it was pruned.
func Verify(ctx context.Context, t Trail) (Report, error) {
	var report Report
	err := t.Trail(ctx, func(v View) error {
		report = Report{} // a store may retry this function
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

// verifyChain continues after a fault, so each fault is reported once.
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

// Copy copies all chains from one trail to another and returns how many records it stored. It resumes a copy that was
// interrupted.
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

// copyChain stores the records of a chain above a number. After each batch, the target's head is the last stored record.
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

// Micros returns time bounds in microseconds since 1970; a zero time means unbounded.
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
