// Package copying copies the requests of all tenants from one store to another, versions included, and proves that both
// hold the same data.
//
//	job := copying.Job{From: file, To: database}
//	outcome, err := job.Copy(ctx)
//	report, err := job.Verify(ctx)
//	report.Differences() // none
//
// It keeps no state of its own. [Job.Copy] reads both stores in key order and stores only what differs. So it can be
// started again at any time: after an interruption it resumes, and after a complete copy it transfers what has changed
// since.
//
// A copy takes as long as the target needs to write, and memory for a few thousand requests. Measured with 1,000,000
// requests on two busy cores: 285 s from a file to PostgreSQL, which then kept twelve indexes; 112 s back; 64 s when there
// was nothing to do. Each figure includes the verification, and each run took 75 MiB. See BenchmarkCopy.
//
// The package does not depend on any store. Stores that it supports pass storetest.RunCopy.
package copying

import (
	"context"
	"fmt"
	"iter"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// Source is a store to copy from.
type Source interface {
	// Scan returns the requests of all tenants with keys after the given one, in the order of [pfx.Key.Compare], as they
	// were at one moment. An error ends the sequence. A scan must end before the store is closed.
	Scan(ctx context.Context, after pfx.Key) iter.Seq2[pfx.Request, error]
}

// Target is a store to copy to.
type Target interface {
	Source
	// Put stores requests unchanged, versions included, and replaces those with the same keys. It stores all of them or,
	// after an error, all or none. No two have the same key. It must not keep or change requests.
	Put(ctx context.Context, requests []pfx.Request) error
	// Remove removes the requests with these keys, all or none as Put does. A key that does not exist is not an error.
	Remove(ctx context.Context, keys []pfx.Key) error
}

// batchLen is how many requests are stored at once, and how many of a target are read at once. 2,000 of the longest take 10
// MB.
var batchLen = 2000

// aheadWithin bounds how many changes ahead a version may be to count as a later one of the same request. A request that
// was deleted and created again has a random version of 62 bits: it is this close by chance once in 1,000,000,000.
const aheadWithin = 1 << 32

// Job says what to copy.
type Job struct {
	From Source // required
	To   Target // required; nothing else may write to it
	// Delete removes from To what From does not have.
	Delete bool
	// Overwrite replaces a request in To even if it was changed there after it was copied.
	Overwrite bool
	// Progress is called with the number of further requests of From that were handled. Nil disables it.
	Progress func(n int)
}

// Outcome counts what a copy found and did.
type Outcome struct {
	Copied   int64 // missing in the target
	Replaced int64 // different in the target
	Equal    int64 // already equal in the target
	Removed  int64 // not in the source
	Extra    int64 // not in the source, but left in the target
	Ahead    int64 // changed in the target since they were copied, and left as they are
}

// Copy makes To hold what From holds now. After an error To holds some of it, and Copy may be called again.
func (j *Job) Copy(ctx context.Context) (Outcome, error) {
	c := copier{Job: j, there: cursor{target: j.To}}
	for r, err := range j.From.Scan(ctx, pfx.Key{}) {
		if err != nil {
			return c.Outcome, fmt.Errorf("reading the source: %w", err)
		}
		if err := c.take(ctx, &r); err != nil {
			return c.Outcome, err
		}
	}
	if err := c.pass(ctx, nil); err != nil {
		return c.Outcome, err
	}
	err := c.flush(ctx)
	return c.Outcome, err
}

// copier is a copy in progress. It counts a request when it has decided what to do with it.
type copier struct {
	*Job
	Outcome
	there  cursor
	put    []pfx.Request
	remove []pfx.Key
	passed int // requests of the source that were not reported to Progress yet
}

// take handles the next request of the source.
func (c *copier) take(ctx context.Context, r *pfx.Request) error {
	key := r.Key()
	if err := c.pass(ctx, &key); err != nil {
		return err
	}
	there, err := c.there.peek(ctx)
	if err != nil {
		return err
	}
	if there != nil && there.Key() == key {
		c.there.next()
	} else {
		there = nil
	}
	switch {
	case there == nil:
		c.Copied++
		c.put = append(c.put, *r)
	case *there == *r:
		c.Equal++
	case !c.Overwrite && there.Version > r.Version && there.Version-r.Version < aheadWithin:
		c.Ahead++
	default:
		c.Replaced++
		c.put = append(c.put, *r)
	}
	c.passed++
	return c.flushFull(ctx)
}

// pass handles the requests of the target with keys before the given one, or all if that is nil: the source does not have
// them.
func (c *copier) pass(ctx context.Context, before *pfx.Key) error {
	for {
		there, err := c.there.peek(ctx)
		if err != nil {
			return err
		}
		if there == nil || before != nil && there.Key().Compare(*before) >= 0 {
			return nil
		}
		if c.Delete {
			c.Removed++
			c.remove = append(c.remove, there.Key())
		} else {
			c.Extra++
		}
		c.there.next()
		if err := c.flushFull(ctx); err != nil {
			return err
		}
	}
}

func (c *copier) flushFull(ctx context.Context) error {
	if len(c.put) < batchLen && len(c.remove) < batchLen && c.passed < batchLen {
		return nil
	}
	return c.flush(ctx)
}

// flush stores the pending requests.
func (c *copier) flush(ctx context.Context) error {
	if len(c.put) > 0 {
		if err := c.To.Put(ctx, c.put); err != nil {
			return fmt.Errorf("writing to the target: %w", err)
		}
		c.put = c.put[:0]
	}
	if len(c.remove) > 0 {
		if err := c.To.Remove(ctx, c.remove); err != nil {
			return fmt.Errorf("removing from the target: %w", err)
		}
		c.remove = c.remove[:0]
	}
	c.tell(c.passed)
	c.passed = 0
	return nil
}

func (j *Job) tell(n int) {
	if j.Progress != nil && n > 0 {
		j.Progress(n)
	}
}

// cursor reads a target page by page, each page at its own moment: a scan at one moment would stop a store in a file from
// restarting its log until the copy ends. The cursor never reads what the copy stored: those keys are not after the
// cursor's own.
type cursor struct {
	target Target
	page   []pfx.Request // the remaining requests start at index at
	at     int
	ended  bool // there are no more pages
}

// peek returns the next request, or nil at the end. It is valid until peek is called again.
func (c *cursor) peek(ctx context.Context) (*pfx.Request, error) {
	if c.at == len(c.page) && !c.ended {
		if err := c.turn(ctx); err != nil {
			return nil, fmt.Errorf("reading the target: %w", err)
		}
	}
	if c.at == len(c.page) {
		return nil, nil
	}
	return &c.page[c.at], nil
}

func (c *cursor) next() { c.at++ }

// turn reads the next page.
func (c *cursor) turn(ctx context.Context) error {
	var after pfx.Key
	if len(c.page) > 0 {
		after = c.page[len(c.page)-1].Key()
	}
	c.page, c.at = c.page[:0], 0
	for r, err := range c.target.Scan(ctx, after) {
		if err != nil {
			return err
		}
		if c.page = append(c.page, r); len(c.page) == batchLen {
			return nil
		}
	}
	c.ended = true
	return nil
}
