package upstream

import "sync"

// endless are the tunnels and streams that are open. No server waits for them when it shuts down: they have no end.
type endless struct {
	mu     sync.Mutex
	open   map[closer]struct{}
	closed bool
}

type closer interface{ close() }

// add adds one until remove is called. It is closed at once if no more may be open.
func (e *endless) add(c closer) (remove func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		c.close()
		return func() {}
	}
	if e.open == nil {
		e.open = map[closer]struct{}{}
	}
	e.open[c] = struct{}{}
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.open, c)
	}
}

// close closes all, and those that are added later.
func (e *endless) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for c := range e.open {
		c.close()
	}
}
