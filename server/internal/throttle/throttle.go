// Package throttle limits the callers of one server: how often they may write, and how many requests are in flight. It knows
// neither HTTP nor the requests. Each server counts on its own.
package throttle

import (
	"context"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// Limits are the allowed writes in a window of time.
type Limits struct {
	App    int // of one application in one tenant
	Tenant int // of all applications in one tenant
	Window time.Duration
}

// Graph are the limits that Microsoft Graph publishes for Intune's device configuration: writes in 20 seconds.
var Graph = Limits{App: 100, Tenant: 200, Window: 20 * time.Second}

// maxCallers bounds the remembered callers of each kind. A forgotten caller starts with a full bucket.
const maxCallers = 100_000

// caller identifies a bucket: an application in a tenant, or a whole tenant.
type caller struct {
	tenant edm.Guid
	app    string
	whole  bool
}

// Writes has a token bucket for each caller. It is safe for concurrent use.
type Writes struct {
	limits  Limits
	buckets *lru.Cache[caller, *rate.Limiter]
}

// NewWrites returns full buckets.
func NewWrites(limits Limits) (*Writes, error) {
	if limits.App < 1 || limits.Tenant < 1 || limits.Window <= 0 {
		return nil, fmt.Errorf("throttle: limits are %+v: want all above 0", limits)
	}
	buckets, err := lru.New[caller, *rate.Limiter](2 * maxCallers)
	if err != nil {
		return nil, err
	}
	return &Writes{limits, buckets}, nil
}

// Take takes one write from the buckets of an application and its tenant. If one is empty, it takes nothing and returns the
// time until both have one.
func (w *Writes) Take(tenant edm.Guid, app string, now time.Time) time.Duration {
	ofApp := w.bucket(caller{tenant, app, false}, w.limits.App).ReserveN(now, 1)
	wait := ofApp.DelayFrom(now)
	if wait == 0 {
		ofTenant := w.bucket(caller{tenant, "", true}, w.limits.Tenant).ReserveN(now, 1)
		if wait = ofTenant.DelayFrom(now); wait == 0 {
			return 0
		}
		ofTenant.CancelAt(now)
	}
	ofApp.CancelAt(now)
	return wait
}

func (w *Writes) bucket(of caller, size int) *rate.Limiter {
	if b, ok := w.buckets.Get(of); ok {
		return b
	}
	fresh := rate.NewLimiter(rate.Limit(float64(size)/w.limits.Window.Seconds()), size)
	if b, ok, _ := w.buckets.PeekOrAdd(of, fresh); ok {
		return b
	}
	return fresh
}

// A Limiter bounds how many requests are in flight. It is safe for concurrent use.
type Limiter struct {
	free *semaphore.Weighted
	wait time.Duration
}

// ErrFull is the error of [Limiter.Enter] when no place became free in time.
var ErrFull = errors.New("too many requests are in flight")

// NewLimiter returns a limiter of n places. Enter waits for one for at most wait.
func NewLimiter(n int, wait time.Duration) *Limiter {
	return &Limiter{semaphore.NewWeighted(int64(n)), wait}
}

// Enter takes a place; Leave gives it back. Callers are served in order.
func (l *Limiter) Enter(ctx context.Context) error {
	if l.free.TryAcquire(1) {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, l.wait, ErrFull)
	defer cancel()
	if l.free.Acquire(ctx, 1) != nil {
		return context.Cause(ctx)
	}
	return nil
}

// Leave gives a place back.
func (l *Limiter) Leave() { l.free.Release(1) }
