// Package pester makes calls go wrong on purpose, as they do in a network and under load: a client that was only ever
// answered has never shown that it can retry. It is for development and tests.
//
//	handler = pester.New(pester.Config{Percent: 5, Refuse: refuse, Log: log}, handler)
//
// It knows nothing of the API but HTTP: how a refusal looks is up to [Config.Refuse].
package pester

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
	// retryAfter is what 429 and 503 ask for. Microsoft's clients wait three seconds if it is 0.
	retryAfter = time.Second
	// delay is how late a slow answer begins.
	delay = time.Second
)

// New returns a handler that lets calls through to next and injects faults into a share of them. c must be what [Validate] accepts.
func New(c Config, next http.Handler) http.Handler {
	if c.Faults == nil {
		c.Faults = Faults()
	}
	// The generator is seeded for the same faults every time; it guards nothing.
	return &pester{Config: c, next: next, random: rand.New(rand.NewPCG(c.Seed, 0))}
}

type pester struct {
	Config
	next   http.Handler
	mu     sync.Mutex
	random *rand.Rand // behind mu
}

// ServeHTTP ends with the panic that net/http takes as the wish to break the connection where that is the fault: over
// HTTP/2 it breaks the stream.
func (p *pester) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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

// choose returns the fault of a call, or "" for none. The share holds for every call, whichever faults fit it.
func (p *pester) choose(r *http.Request) Fault {
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

// conditional reports whether a call can be answered with 412: it changes an object and names the versions that it
// means. Every object that there is matches "*".
func conditional(r *http.Request) bool {
	tag := r.Header.Get("If-Match")
	return tag != "" && tag != "*" && (r.Method == http.MethodPatch || r.Method == http.MethodDelete)
}

// wait reports whether the caller still waits after the delay.
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

// unanswered takes an answer that the caller will not get.
type unanswered struct {
	header     http.Header
	connection http.ResponseWriter
}

func (u *unanswered) Header() http.Header         { return u.header }
func (u *unanswered) WriteHeader(int)             {}
func (u *unanswered) Write(b []byte) (int, error) { return len(b), nil }

// Unwrap lets [http.ResponseController] reach the connection.
func (u *unanswered) Unwrap() http.ResponseWriter { return u.connection }
