// Package faultinject makes calls fail on purpose, as networks and load do: only a client that has seen failures has shown that
// it retries. It is for development and tests.
//
//	handler = faultinject.New(faultinject.Config{Percent: 5, Refuse: refuse, Log: log}, handler)
//
// Of the API it knows only HTTP; [Config.Refuse] writes refusals.
package faultinject

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// retryAfter is the delay in 429 and 503. Microsoft's clients wait three seconds if it is 0.
	retryAfter = time.Second
	// delay is how late a slow response begins.
	delay = time.Second
)

// New returns a handler that passes calls to next and injects faults into a share of them. c must be valid, see [Validate].
func New(c Config, next http.Handler) http.Handler {
	if c.Faults == nil {
		c.Faults = Faults()
	}
	// The seed makes faults reproducible; the generator is not for security.
	return &injector{Config: c, next: next, random: rand.New(rand.NewPCG(c.Seed, 0))}
}

type injector struct {
	Config
	next   http.Handler
	mu     sync.Mutex
	random *rand.Rand // guarded by mu
}

// ServeHTTP panics with [http.ErrAbortHandler] to break the connection, or the stream over HTTP/2, if that is the fault.
func (p *injector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := p.choose(r)
	if fault != "" {
		p.Log.LogAttrs(r.Context(), slog.LevelInfo, "injecting a fault", slog.String("fault", string(fault)))
	}
	switch fault {
	case Throttled:
		p.Refuse(w, r, http.StatusTooManyRequests, retryAfter)
	case Unavailable:
		p.Refuse(w, r, http.StatusServiceUnavailable, retryAfter)
	case Conflict:
		p.Refuse(w, r, http.StatusPreconditionFailed, 0)
	case DroppedBefore:
		panic(http.ErrAbortHandler)
	case DroppedAfter:
		p.next.ServeHTTP(&unanswered{header: http.Header{}, connection: w}, r)
		panic(http.ErrAbortHandler)
	case Slow:
		if !wait(r.Context()) {
			panic(http.ErrAbortHandler)
		}
		p.next.ServeHTTP(w, r)
	default:
		p.next.ServeHTTP(w, r)
	}
}

// choose returns the fault of a call, or "". The share is the same for every call, whichever faults apply to it.
func (p *injector) choose(r *http.Request) Fault {
	faults := p.Faults
	if !conditional(r) {
		faults = slices.DeleteFunc(slices.Clone(faults), func(f Fault) bool { return f == Conflict })
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.random.Float64()*100 >= float64(p.Percent) || len(faults) == 0 {
		return ""
	}
	return faults[p.random.IntN(len(faults))]
}

// conditional reports whether 412 is a plausible response: the call changes an object and If-Match names a version. "*"
// matches every existing object.
func conditional(r *http.Request) bool {
	tag := r.Header.Get("If-Match")
	return tag != "" && tag != "*" && (r.Method == http.MethodPatch || r.Method == http.MethodDelete)
}

// wait reports whether the client is still waiting after the delay.
func wait(ctx context.Context) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// unanswered discards a response that the client does not get.
type unanswered struct {
	header     http.Header
	connection http.ResponseWriter
}

func (u *unanswered) Header() http.Header         { return u.header }
func (u *unanswered) WriteHeader(int)             {}
func (u *unanswered) Write(b []byte) (int, error) { return len(b), nil }

// Unwrap lets [http.ResponseController] reach the connection.
func (u *unanswered) Unwrap() http.ResponseWriter { return u.connection }
