// Package copying moves the requests of all tenants from one store to another, versions included, and proves that both
// have the same.
//
//	job := copying.Job{From: file, To: database}
//	outcome, err := job.Copy(ctx)
//	report, err := job.Verify(ctx)
//	report.Differences() // none
//
// It keeps no state of its own. [Job.Copy] goes through both stores in the order of the keys and stores only what differs,
// so that a copy which was cut short, at whatever moment, goes on where it was when it is started again, and one that has
// ended brings over what has changed since.
//
// A copy takes the time that the target needs to write, and memory for a few thousand requests however many there are: with
// 1,000,000 of them on two cores that others used too, 285 s from a file to PostgreSQL, which kept twelve indexes then, 112 s
// back, and 64 s when nothing was to be done, the verification included, and 75 MiB in each case. See BenchmarkCopy.
//
// The package knows no kind of store. Those that it can work on pass storetest.RunCopy.
package copying

import (
	"context"
	"fmt"
	"iter"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// Source is a store to copy from.
type Source interface {
	// Scan returns the requests of all tenants whose keys are after the given one, in the order of [pfx.Key.Compare], as
	// they were at one moment. What is yielded with an error is the end. A scan must end before the store is closed.
	Scan(ctx context.Context, after pfx.Key) iter.Seq2[pfx.Request, error]
}

// Target is a store to copy to.
type Target interface {
	Source
	// Put stores requests as they are, versions included, each in the place of the one with its key, if there is one. It
	// stores all of them or, after an error, all or none. No two have the same key. It must not keep or change requests.
	Put(ctx context.Context, requests []pfx.Request) error
	// Remove removes the requests with these keys, all or none as Put does. One that is not there is no error.
	Remove(ctx context.Context, keys []pfx.Key) error
}

// batchLen is how many requests are stored at once, and how many of a target are looked at. 2,000 of the longest take 10 MB.
var batchLen = 2000

// aheadWithin is how many changes of one request are thought of at most. A request that was deleted and created again has
// a version that is nowhere near its old one: with random starts of 62 bits it is this near by chance once in 1,000,000,000.
const aheadWithin = 1 << 32

// Job says what to copy.
type Job struct {
	From Source // required
	To   Target // required; nobody else writes to it
	// Delete removes from To what From does not have.
	Delete bool
	// Overwrite replaces a request of To also if that has been changed since it was copied.
	Overwrite bool
	// Progress is told how many more requests of From have been dealt with. Nil means nobody is.
	Progress func(n int)
}

// Outcome counts what a copy found and did.
type Outcome struct {
	Copied   int64 // were not there
	Replaced int64 // were there otherwise
	Equal    int64 // were there
	Removed  int64 // the source does not have them
	Extra    int64 // the same, but they were left
	Ahead    int64 // were changed in the target since they were copied, and were left
}

// Copy makes To have what From has at this moment. After an error To has some of it, and Copy may be called again.
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

// copier is a copy under way. Requests are counted when it is decided what to do with them.
type copier struct {
	*Job
	Outcome
	there  cursor
	put    []pfx.Request
	remove []pfx.Key
	passed int // requests of the source that Progress has not been told of
}

// take deals with the next request of the source.
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

// pass deals with the requests of the target whose keys are before the given one, all if that is nil: the source does not
// have them.
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

// flush stores what waits.
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

// cursor goes through a target page by page, each as of its own moment: a scan of one moment would keep a store in a file
// from beginning its log anew until the copy ends. What the copy itself stores is never met again, as a key that it stores is
// not after the one at which the cursor stands.
type cursor struct {
	target Target
	page   []pfx.Request // those that are still to come are from at on
	at     int
	ended  bool // there is no page after this one
}

// peek returns the next request, nil at the end. It is valid until peek is called again.
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
