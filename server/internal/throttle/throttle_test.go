package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/throttle"
)

var ours, theirs = edm.Guid{1}, edm.Guid{2}

func newWrites(t *testing.T) *throttle.Writes {
	t.Helper()
	w, err := throttle.NewWrites(throttle.Graph)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// takeAll takes writes until one is refused. It returns their number and the time until the next.
func takeAll(w *throttle.Writes, tenant edm.Guid, app string, now time.Time) (int, time.Duration) {
	for n := range 1000 {
		if wait := w.Take(tenant, app, now); wait > 0 {
			return n, wait
		}
	}
	return 1000, 0
}

func TestWritesOfAnApplicationAndItsTenant(t *testing.T) {
	t.Parallel()
	w, now := newWrites(t), time.Unix(1_000_000, 0)
	if n, wait := takeAll(w, ours, "a", now); n != 100 || wait != 200*time.Millisecond {
		t.Errorf("the first application: %d writes, then %v", n, wait)
	}
	if n, _ := takeAll(w, ours, "b", now); n != 100 {
		t.Errorf("the second application: %d writes", n)
	}
	if n, wait := takeAll(w, ours, "c", now); n != 0 || wait != 100*time.Millisecond {
		t.Errorf("the tenant has none left: %d writes, then %v", n, wait)
	}
	if n, _ := takeAll(w, theirs, "a", now); n != 100 {
		t.Errorf("another tenant: %d writes", n)
	}
	// A write that the tenant's bucket refuses is not taken from the application's.
	if n, _ := takeAll(w, ours, "c", now.Add(20*time.Second)); n != 100 {
		t.Errorf("after the window: %d writes", n)
	}
}

func TestWritesNeverExceedTheRate(t *testing.T) {
	t.Parallel()
	w, now, taken := newWrites(t), time.Unix(1_000_000, 0), 0
	for range 40_000 { // 40 s in steps of 1 ms
		if w.Take(ours, "a", now) == 0 {
			taken++
		}
		now = now.Add(time.Millisecond)
	}
	if taken < 299 || taken > 300 {
		t.Errorf("%d writes in 40 s, want 100 at once and 5 per second", taken)
	}
}

func TestLimitsMustBeAboveZero(t *testing.T) {
	t.Parallel()
	for _, l := range []throttle.Limits{{}, {1, 0, 1}, {0, 1, 1}, {1, 1, 0}} {
		if _, err := throttle.NewWrites(l); err == nil {
			t.Errorf("%+v: no error", l)
		}
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := throttle.NewLimiter(2, 100*time.Millisecond)
		for range 2 {
			if err := p.Enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		begin := time.Now()
		if err := p.Enter(t.Context()); !errors.Is(err, throttle.ErrFull) || time.Since(begin) != 100*time.Millisecond {
			t.Errorf("no place: %v after %v", err, time.Since(begin))
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Enter(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that has left: %v", err)
		}
		time.AfterFunc(50*time.Millisecond, p.Leave)
		if err := p.Enter(t.Context()); err != nil {
			t.Errorf("a place became free: %v", err)
		}
		entered := make(chan error)
		go func() { entered <- p.Enter(t.Context()) }()
		synctest.Wait()
		p.Leave()
		if err := <-entered; err != nil {
			t.Error(fmt.Errorf("the returned place: %w", err))
		}
	})
}
