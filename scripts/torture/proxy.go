//go:build linux

package main

import (
	"context"
	"net"
	"os"
	"sync"
	"time"
)

// proxy stands between the servers and PostgreSQL to lose answers: a statement arrives and is carried out, and who has
// sent it never learns that. No signal to a backend does that for sure. It also forgets connections.
type proxy struct {
	dir         string // has the socket by which servers connect
	network, to string // where it connects to
	listen      net.Listener

	mu    sync.Mutex
	lose  int // how many of the next answers get lost
	lost  int
	links map[*link]bool
}

type link struct {
	client, db net.Conn
	// Both are held under the proxy's mu.
	asked     bool // something was sent that is not answered
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
	_ = p.listen.Close() // it listens no more, or never did
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
	_ = os.RemoveAll(p.dir) // what is left of it is the system's to clean
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
			_ = client.Close() // as PostgreSQL itself would, which is down
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

// pass says whether what has come goes on, and whether the connection is lost with it.
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

// forget has nothing pass any more on the connections that are open, which stay open for both ends, as when a firewall has
// lost what it knew of them. It returns how many there are.
func (p *proxy) forget() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.forgotten = true
	}
	return len(p.links)
}

// loseOne loses the next answer, and reports whether there was one soon.
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
