package queue_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errOwn = errors.New("the job's own")

type outcome struct {
	request *pfx.Request
	err     error
}

func TestQueue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *queue.Queue[int]){
		"callerGetsTheOutcome":             testOutcome,
		"abandonedJobIsNeverClaimed":       testAbandoned,
		"claimedJobWaitsForItsOutcome":     testClaimed,
		"batchIsBoundedAndInOrder":         testBatch,
		"fullQueueWaitsForAPlace":          testFull,
		"closeServesWhatWaits":             testClose,
		"endOfWritersEndsTheWait":          testEnd,
		"successorServesTheRest":           testSuccessor,
		"observerIsCalledBeforeTheCallers": testObserver,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, queue.New[int]()) })
		})
	}
}

func testOutcome(t *testing.T, q *queue.Queue[int]) {
	stored, failed := do(t.Context(), q, 1), do(t.Context(), q, 2)
	for _, j := range q.Claim(nil, q.Next()) {
		j.Result = &pfx.Request{Version: pfx.Version(j.Work)}
		if j.Work == 2 {
			j.Err = errOwn
		}
		j.Finish()
	}
	wantServed(t, <-stored, 1)
	wantError(t, <-failed, errOwn)
}

func testAbandoned(t *testing.T, q *queue.Queue[int]) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	begun := time.Now()
	abandoned, kept := do(ctx, q, 1), do(t.Context(), q, 2)
	first := q.Next() // a writer may take its time before it claims the job
	wantError(t, <-abandoned, context.DeadlineExceeded)
	if waited := time.Since(begun); waited != 10*time.Second {
		t.Errorf("the caller waited %s, want 10s", waited)
	}
	serve(q.Claim(nil, first))
	wantServed(t, <-kept, 2)
	wantError(t, <-do(ctx, q, 3), context.DeadlineExceeded)
	if n := q.Len(); n != 0 {
		t.Errorf("%d jobs in the queue, want none after ctx has ended", n)
	}
}

func testClaimed(t *testing.T, q *queue.Queue[int]) {
	ctx, cancel := context.WithCancel(t.Context())
	claimed := do(ctx, q, 1)
	batch := q.Claim(nil, q.Next())
	cancel()
	synctest.Wait()
	if len(claimed) != 0 {
		t.Errorf("got %+v before the job was finished", <-claimed)
	}
	serve(batch)
	wantServed(t, <-claimed, 1)
}

func testBatch(t *testing.T, q *queue.Queue[int]) {
	const n = queue.MaxBatch + 44
	for i := range n {
		do(t.Context(), q, i)
	}
	var sizes, order []int
	for q.Len() > 0 {
		batch := q.Claim(nil, q.Next())
		sizes = append(sizes, len(batch))
		for _, j := range batch {
			order = append(order, j.Work)
		}
		serve(batch)
	}
	if want := []int{queue.MaxBatch, 44}; !slices.Equal(sizes, want) || !slices.IsSorted(order) {
		t.Errorf("got batches of %v with jobs %v, want %v in order", sizes, order, want)
	}
}

func testFull(t *testing.T, q *queue.Queue[int]) {
	for i := range queue.Length {
		do(t.Context(), q, i)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	givesUp, waits := do(ctx, q, queue.Length), do(t.Context(), q, queue.Length+1)
	cancel(errOwn)
	wantError(t, <-givesUp, errOwn)
	serve(q.Claim(nil, q.Next()))
	synctest.Wait()
	for i := range queue.MaxBatch - 1 {
		do(t.Context(), q, i)
	}
	tooMany := do(t.Context(), q, -1)
	begin := make(chan struct{})
	q.Start(1, func() { <-begin; write(q) })
	go q.Close()
	wantError(t, <-tooMany, os.ErrClosed)
	close(begin)
	wantServed(t, <-waits, queue.Length+1)
}

func testClose(t *testing.T, q *queue.Queue[int]) {
	begin, closed := make(chan struct{}), make(chan struct{})
	q.Start(2, func() { <-begin; write(q) })
	var queued []<-chan outcome
	for i := range 10 {
		queued = append(queued, do(t.Context(), q, i))
	}
	go func() { q.Close(); close(closed) }()
	<-q.Closing()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, <-do(ended, q, 10), os.ErrClosed)
	synctest.Wait()
	select {
	case <-closed:
		t.Error("Close returned before the writers had ended")
	default:
	}
	close(begin)
	<-closed
	for i, got := range queued {
		wantServed(t, <-got, i)
	}
	q.Close() // once more
}

func testEnd(t *testing.T, q *queue.Queue[int]) {
	begin, end := make(chan struct{}), make(chan struct{})
	q.Start(1, func() {
		<-begin
		serve(q.Claim(nil, q.Next())[:1])
		<-end
		runtime.Goexit()
	})
	served, claimed := do(t.Context(), q, 0), do(t.Context(), q, 1)
	ctx, cancel := context.WithCancel(t.Context())
	canceled := do(ctx, q, 2)
	close(begin)
	wantServed(t, <-served, 0)
	cancel() // too late: the job was claimed
	queued := do(t.Context(), q, 3)
	close(end)
	for _, got := range []<-chan outcome{claimed, canceled, queued, do(t.Context(), q, 4)} {
		wantError(t, <-got, os.ErrClosed)
	}
	q.Close()
}

func testSuccessor(t *testing.T, q *queue.Queue[int]) {
	q.Start(1, func() {
		defer q.Start(1, func() { write(q) })
		j := q.Next()
		q.Claim(nil, j)
		defer j.Finish()
		j.Err = errOwn
		runtime.Goexit()
	})
	wantError(t, <-do(t.Context(), q, 1), errOwn)
	wantServed(t, <-do(t.Context(), q, 2), 2)
	q.Close()
}

func testObserver(t *testing.T, q *queue.Queue[int]) {
	sampled := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled})
	linked, plain := do(trace.ContextWithSpanContext(t.Context(), sampled), q, 1), do(t.Context(), q, 2)
	time.Sleep(3 * time.Second) // in the bubble of synctest
	begun, first := time.Now(), q.Next()
	batch := q.Claim(nil, first)
	time.Sleep(2 * time.Second)
	q.Report(batch, first, begun, time.Second) // without an observer
	var got []pfx.Batch
	q.Observe(func(b pfx.Batch) { got = append(got, b) })
	q.Report(batch, first, begun, time.Second)
	if len(linked)+len(plain) != 0 {
		t.Error("a caller has an outcome before its job was finished")
	}
	serve(batch)
	wantServed(t, <-linked, 1)
	wantServed(t, <-plain, 2)
	if len(got) != 1 || got[0].Size != 2 || got[0].Waited != 3*time.Second || got[0].Took != 2*time.Second || got[0].Commit != time.Second {
		t.Fatalf("got %+v, want one batch of 2 that waited 3s and took 2s, 1s of it for the commit", got)
	}
	if spans := got[0].Spans; len(spans) != 1 || !spans[0].Equal(sampled) {
		t.Errorf("got spans %v, want the sampled one", spans)
	}
}

// TestEachJobIsServedOrGivenUp has callers give up at any moment.
func TestEachJobIsServedOrGivenUp(t *testing.T) {
	t.Parallel()
	const callers, rounds = 16, 200
	q := queue.New[int]()
	var served [callers * rounds]atomic.Int32
	q.Start(2, func() {
		var batch []*queue.Job[int]
		for first := q.Next(); first != nil; first = q.Next() {
			batch = q.Claim(batch[:0], first)
			for _, j := range batch {
				served[j.Work].Add(1)
			}
			serve(batch)
		}
	})
	var acknowledged [callers * rounds]bool
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for n := caller * rounds; n < (caller+1)*rounds; n++ {
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				_, err := q.Do(ctx, n)
				acknowledged[n] = err == nil
			}
		})
	}
	wg.Wait()
	q.Close()
	for n := range served {
		if got := served[n].Load(); got > 1 || (got == 1) != acknowledged[n] {
			t.Errorf("job %d was served %d times, acknowledged: %t", n, got, acknowledged[n])
		}
	}
}

// do adds a job and returns once it is in the queue, has an outcome, or waits for a place.
func do(ctx context.Context, q *queue.Queue[int], work int) <-chan outcome {
	got := make(chan outcome, 1)
	go func() {
		r, err := q.Do(ctx, work)
		got <- outcome{r, err}
	}()
	synctest.Wait()
	return got
}

// write serves the jobs of q.
func write(q *queue.Queue[int]) {
	for first := q.Next(); first != nil; first = q.Next() {
		serve(q.Claim(nil, first))
	}
}

// serve stores the work of each job as a version.
func serve(batch []*queue.Job[int]) {
	for _, j := range batch {
		j.Result = &pfx.Request{Version: pfx.Version(j.Work)}
		j.Finish()
	}
}

func wantServed(t *testing.T, got outcome, work int) {
	t.Helper()
	if got.err != nil || got.request.Version != pfx.Version(work) {
		t.Errorf("got %+v, want job %d served", got, work)
	}
}

func wantError(t *testing.T, got outcome, want error) {
	t.Helper()
	if got.request != nil || !errors.Is(got.err, want) {
		t.Errorf("got %+v, want an error that wraps %v", got, want)
	}
}
