package upstream

import "sync"

// endless are the open tunnels and streams. A server that shuts down does not wait for them, because they may never end.
type endless struct {
	mu     sync.Mutex
	open   map[closer]struct{}
	closed bool
}

type closer interface{ close() }

// add registers c until remove is called. After close, it closes c at once.
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

// close closes all, including those added later.
func (e *endless) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for c := range e.open {
		c.close()
	}
}
