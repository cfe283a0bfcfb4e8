package postgres

import (
	"sync"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// TestObserve: the observer gets every batch. Each update is in one of them, with its span if that is sampled.
func TestObserve(t *testing.T) {
	t.Parallel()
	s := openTemp(t, true)
	created := mustInsert(t, s, "observed")
	var mu sync.Mutex
	updates, spans := 0, 0
	s.Observe(func(b pfx.Batch) {
		mu.Lock()
		defer mu.Unlock()
		updates, spans = updates+b.Size, spans+len(b.Spans)
		if b.Size < 1 || b.Waited < 0 || b.Took <= 0 || b.Commit < 0 || b.Commit > b.Took {
			t.Errorf("got %+v", b)
		}
	})
	if open, used, most := s.Connections(); open < 1 || used > open || most < open {
		t.Errorf("%d connections, %d of them in use, at most %d", open, used, most)
	}
	const n = 20
	var wg sync.WaitGroup
	for i := range n {
		span := trace.SpanContextConfig{TraceID: trace.TraceID{byte(i + 1)}, SpanID: trace.SpanID{1}, TraceFlags: trace.TraceFlags(i % 2)}
		ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(span))
		wg.Go(func() {
			if _, err := s.Update(ctx, tenant, created.ID, increment); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil { // Close waits for the last batch
		t.Error(err)
	}
	if updates != n || spans != n/2 {
		t.Errorf("%d updates and %d sampled spans in all batches, want %d and %d", updates, spans, n, n/2)
	}
}
