package postgres

import (
	"sync"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// TestObserve: each batch is told of, with every update in one of them.
func TestObserve(t *testing.T) {
	t.Parallel()
	s := openTemp(t, true)
	created := mustInsert(t, s, "observed")
	var mu sync.Mutex
	updates := 0
	s.Observe(func(b pfx.Batch) {
		mu.Lock()
		defer mu.Unlock()
		updates += b.Size
		if b.Size < 1 || b.Waited < 0 || b.Took <= 0 {
			t.Errorf("got %+v", b)
		}
	})
	if open, used, most := s.Connections(); open < 1 || used > open || most < open {
		t.Errorf("%d connections, %d of them in use, at most %d", open, used, most)
	}
	const n = 20
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := s.Update(t.Context(), tenant, created.ID, increment); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil { // what is told of the last one is told by then
		t.Error(err)
	}
	if updates != n {
		t.Errorf("%d updates in all batches, want %d", updates, n)
	}
}
