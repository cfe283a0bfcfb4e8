//go:build linux

package main

import (
	"context"
	"net"
	"os"
	"sync"
	"time"
)

// proxy is between the servers and PostgreSQL, to lose responses: PostgreSQL executes a statement, but its client never
// learns that. No signal to a backend guarantees it. The proxy can also make connections dead.
type proxy struct {
	dir         string // contains the socket for the servers
	network, to string // the address of PostgreSQL
	listen      net.Listener

	mu    sync.Mutex
	lose  int // how many of the next responses to lose
	lost  int
	links map[*link]bool
}

type link struct {
	client, db net.Conn
	// Both are held under the proxy's mu.
	asked     bool // a statement has no response yet
	forgotten bool
}

func (c *cluster) proxy(network, to string) (*proxy, error) {
	dir, err := os.MkdirTemp("/tmp", "torture-px")
	if err != nil {
		return nil, err
	}
	p := &proxy{dir: dir, network: network, to: to, links: map[*link]bool{}}
	if p.listen, err = net.Listen("unix", socketIn(dir, 5432)); err != nil {
		return nil, err
	}
	go p.serve()
	c.proxies = append(c.proxies, p)
	return p, nil
}

func (p *proxy) close() {
	_ = p.listen.Close() // it no longer listens, or never did
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
	_ = os.RemoveAll(p.dir) // the system removes what is left
}

func (p *proxy) dsn(database string) string {
	return socketDSN(p.dir, 5432, database)
}

func (p *proxy) serve() {
	for {
		client, err := p.listen.Accept()
		if err != nil {
			return
		}
		db, err := net.Dial(p.network, p.to)
		if err != nil {
			_ = client.Close() // as PostgreSQL does while it is down
			continue
		}
		l := &link{client: client, db: db}
		p.mu.Lock()
		p.links[l] = true
		p.mu.Unlock()
		go p.forward(l, client, db, true)
		go p.forward(l, db, client, false)
	}
}

func (l *link) close() {
	_ = l.client.Close() // both may be closed already
	_ = l.db.Close()
}

func (p *proxy) forward(l *link, from, to net.Conn, asking bool) {
	defer func() {
		l.close()
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		goesOn, lost := p.pass(l, asking)
		if lost {
			return
		}
		if !goesOn {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// pass reports whether to forward the data, and whether to end the connection.
func (p *proxy) pass(l *link, asking bool) (goesOn, lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.forgotten {
		return false, false
	}
	if !asking && l.asked && p.lose > 0 {
		p.lose--
		p.lost++
		return false, true
	}
	l.asked = asking
	return true, false
}

// forget blocks all data on the open connections, which stay open at both ends, as after a firewall has lost its state. It
// returns how many there are.
func (p *proxy) forget() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.forgotten = true
	}
	return len(p.links)
}

// loseOne loses the next response, and reports whether there was one soon.
func (p *proxy) loseOne(ctx context.Context) bool {
	p.mu.Lock()
	p.lose++
	before := p.lost
	p.mu.Unlock()
	for range 100 {
		if pause(ctx, 5*time.Millisecond) != nil {
			break
		}
		p.mu.Lock()
		lost := p.lost > before
		p.mu.Unlock()
		if lost {
			return true
		}
	}
	p.mu.Lock()
	p.lose = 0
	p.mu.Unlock()
	return false
}
