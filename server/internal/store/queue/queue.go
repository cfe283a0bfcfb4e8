// Package queue passes the updates of many callers to the few writers of a store, in batches that can share a commit.
//
// A caller adds a job with [Queue.Do] and waits for its outcome. A writer takes the first job with [Queue.Next], makes its
// transaction ready, and only then claims that job and the others with [Queue.Claim]. Until its job is claimed, a caller may
// give up, and the job never runs; after that it waits for the outcome. The package knows nothing of the work itself.
package queue

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
)

const (
	// Length bounds the jobs in the queue; further callers wait for a place in it.
	Length = 1024
	// MaxBatch bounds the jobs that share a commit, and so the time that the first of them waits for the last.
	MaxBatch = 256
)

// The states of a job. A writer claims it or its caller abandons it, whichever comes first.
const (
	waiting int32 = iota
	claimed
	abandoned
)

// Job is the work of one caller and its outcome. The writer that has claimed it owns it until Finish.
type Job[T any] struct {
	Work   T
	Result *pfx.Request
	Err    error // if not nil, the caller gets no Result

	since time.Time         // when Do was called
	span  trace.SpanContext // the caller's
	state atomic.Int32
	done  chan struct{}
}

// Finish gives the caller the outcome. Call it once, for a job that was claimed.
func (j *Job[T]) Finish() { close(j.done) }

func (j *Job[T]) outcome() (*pfx.Request, error) {
	if j.Err != nil {
		return nil, j.Err
	}
	return j.Result, nil
}

// Queue passes jobs from callers to writers. Make it with New; it is safe for concurrent use.
type Queue[T any] struct {
	jobs    chan *Job[T]
	observe atomic.Pointer[func(pfx.Batch)]
	writers atomic.Int32
	once    sync.Once
	closing chan struct{} // closed by Close
	stopped chan struct{} // closed when the last writer has ended
}

// New returns a queue without writers.
func New[T any]() *Queue[T] {
	return &Queue[T]{jobs: make(chan *Job[T], Length), closing: make(chan struct{}), stopped: make(chan struct{})}
}

// Start runs n writers, each a goroutine that serves jobs until Next returns nil. A writer that a job ends early, by
// [runtime.Goexit], may start its successor in a deferred call. When the last one has ended, Do returns ClosedError for jobs
// without an outcome.
func (q *Queue[T]) Start(n int32, write func()) {
	q.writers.Add(n)
	for range n {
		go func() {
			defer func() {
				if q.writers.Add(-1) == 0 {
					close(q.stopped)
				}
			}()
			write()
		}()
	}
}

// Close rejects further jobs and waits until the writers have served those in the queue. It needs Start before.
func (q *Queue[T]) Close() {
	q.once.Do(func() { close(q.closing) })
	<-q.stopped
}

// Closing returns a channel that Close closes.
func (q *Queue[T]) Closing() <-chan struct{} { return q.closing }

// Closed returns ClosedError after Close was called.
func (q *Queue[T]) Closed() error {
	select {
	case <-q.closing:
		return store.ClosedError()
	default:
		return nil
	}
}

// Check returns ClosedError after Close was called, and GivenUpError after ctx has ended.
func (q *Queue[T]) Check(ctx context.Context) error {
	if err := q.Closed(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return store.GivenUpError(ctx)
	}
	return nil
}

// Len returns how many jobs wait for a writer to take them.
func (q *Queue[T]) Len() int { return len(q.jobs) }

// Do adds a job and returns its outcome. It returns GivenUpError if ctx ends before a writer claims the job. It returns
// ClosedError after Close, and for a claimed job whose writers have ended without an outcome.
func (q *Queue[T]) Do(ctx context.Context, work T) (*pfx.Request, error) {
	if err := q.Check(ctx); err != nil {
		return nil, err
	}
	j := &Job[T]{Work: work, since: time.Now(), span: trace.SpanContextFromContext(ctx), done: make(chan struct{})}
	select {
	case q.jobs <- j:
	case <-ctx.Done():
		return nil, store.GivenUpError(ctx)
	case <-q.closing:
		return nil, store.ClosedError()
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		if j.state.CompareAndSwap(waiting, abandoned) {
			return nil, store.GivenUpError(ctx)
		}
		select {
		case <-j.done:
		case <-q.stopped:
		}
	case <-q.stopped:
	}
	// The writers may have ended just after the outcome, with the job still in the queue, or because the work called
	// runtime.Goexit: then the outcome is unknown.
	select {
	case <-j.done:
		return j.outcome()
	default:
		return nil, store.ClosedError()
	}
}

// Next waits for a job and returns it, not claimed yet. It returns nil when the queue is closed and empty.
func (q *Queue[T]) Next() *Job[T] {
	select {
	case first := <-q.jobs:
		return first
	case <-q.closing:
	}
	select {
	case first := <-q.jobs:
		return first
	default:
		return nil
	}
}

// Claim appends first and the jobs that wait to batch, up to MaxBatch, without those that their callers have abandoned.
func (q *Queue[T]) Claim(batch []*Job[T], first *Job[T]) []*Job[T] {
	for j := first; ; {
		if j.state.CompareAndSwap(waiting, claimed) {
			batch = append(batch, j)
		}
		if len(batch) == MaxBatch {
			return batch
		}
		select {
		case j = <-q.jobs:
		default:
			return batch
		}
	}
}

// Observe has Report call fn from now on, possibly on several goroutines at once.
func (q *Queue[T]) Observe(fn func(pfx.Batch)) { q.observe.Store(&fn) }

// Report tells the observer, if there is one, of a batch before its jobs are finished. The writer took first at begun.
func (q *Queue[T]) Report(batch []*Job[T], first *Job[T], begun time.Time, commit time.Duration) {
	observe := q.observe.Load()
	if observe == nil {
		return
	}
	b := pfx.Batch{Size: len(batch), Waited: begun.Sub(first.since), Took: time.Since(begun), Commit: commit}
	for _, j := range batch {
		b.Link(j.span)
	}
	(*observe)(b)
}
