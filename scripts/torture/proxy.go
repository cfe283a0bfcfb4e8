//go:build linux

package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// proxy stands between the servers and PostgreSQL to lose answers: a statement arrives and is carried out, and who has
// sent it never learns that. No signal to a backend does that for sure.
type proxy struct {
	dir    string // has the socket by which servers connect
	to     string // PostgreSQL's socket
	listen net.Listener

	mu    sync.Mutex
	lose  int // how many of the next answers get lost
	lost  int
	links map[*link]bool
}

type link struct {
	client, db net.Conn
	asked      bool // something was sent that is not answered; held under the proxy's mu
}

const socketName = ".s.PGSQL.5432"

func (c *cluster) proxy() (*proxy, error) {
	dir, err := os.MkdirTemp("/tmp", "torture-px")
	if err != nil {
		return nil, err
	}
	p := &proxy{dir: dir, to: filepath.Join(c.dir, socketName), links: map[*link]bool{}}
	if p.listen, err = net.Listen("unix", filepath.Join(dir, socketName)); err != nil {
		return nil, err
	}
	go p.serve()
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
	return "postgres:///" + database + "?host=" + p.dir + "&user=postgres&sslmode=disable"
}

func (p *proxy) serve() {
	for {
		client, err := p.listen.Accept()
		if err != nil {
			return
		}
		db, err := net.Dial("unix", p.to)
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
		if err != nil || !p.pass(l, asking) {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// pass says whether what has come may go on.
func (p *proxy) pass(l *link, asking bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !asking && l.asked && p.lose > 0 {
		p.lose--
		p.lost++
		return false
	}
	l.asked = asking
	return true
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
