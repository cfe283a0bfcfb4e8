// Package conns bounds the open connections of a listener, and closes idle or stalled ones when few are left:
//
//	l := conns.Limit(listener, conns.Config{Max: 1000, Stall: 15 * time.Second})
//	server.ConnState, server.ConnContext = l.SetState, l.Context
//	server.Serve(l) // or Serve(tls.NewListener(l, config))
//
// Of HTTP it knows only which connections wait for a request, and how net/http watches a client during one.
package conns

import (
	"context"
	"crypto/tls"
	"math"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/peek"
)

// Config holds the limits of a listener.
type Config struct {
	// Max is the highest number of open connections. A further one replaces the connection that has been idle for the
	// longest time, or is closed if none is idle. Required.
	Max int
	// PerAddress is the highest number of connections from one address; 0 means unlimited. A further one is closed.
	PerAddress int
	// Stall is how long a connection may transfer no byte while more than three quarters of Max are open, because it is idle
	// or its client does not read. Required.
	Stall time.Duration
}

// Listener bounds the connections of a listener. It is safe for concurrent use.
type Listener struct {
	net.Listener
	config Config
	closed chan struct{}
	once   sync.Once

	mu        sync.Mutex
	open      map[*conn]struct{}
	addresses map[netip.Addr]int
	sweeping  bool
	refused   int
	ended     int
}

// Limit bounds the connections of a listener.
func Limit(l net.Listener, c Config) *Listener {
	if c.PerAddress == 0 {
		c.PerAddress = math.MaxInt
	}
	return &Listener{
		Listener: l, config: c, closed: make(chan struct{}), open: make(map[*conn]struct{}), addresses: make(map[netip.Addr]int),
	}
}

// Counts returns how many connections are open, how many were refused, and how many were closed to make room.
func (l *Listener) Counts() (open, refused, ended int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open), l.refused, l.ended
}

// Accept returns the next connection that is within the bounds.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: raw, listener: l, address: addressOf(raw)}
		c.waiting.Store(true)
		c.progress()
		if l.admit(c) {
			return c, nil
		}
		_ = raw.Close() // nothing was sent or received
	}
}

// Close closes the listener; its connections stay.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// SetState is a function for [http.Server.ConnState].
func (l *Listener) SetState(of net.Conn, state http.ConnState) {
	if t, ok := of.(*tls.Conn); ok {
		of = t.NetConn()
	}
	if c, ok := of.(*conn); ok {
		c.waiting.Store(state == http.StateNew || state == http.StateIdle)
	}
}

// Context is a function for [http.Server.ConnContext], for [Left].
func (*Listener) Context(ctx context.Context, of net.Conn) context.Context {
	if c, ok := of.(*conn); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx // over TLS net/http watches the client
}

type connKey struct{}

// Left reports whether the client of a request has closed its side of the connection: it may have left, or wait for the
// response (RFC 9112 §9.6). ctx is the request's.
func Left(ctx context.Context) bool {
	c, ok := ctx.Value(connKey{}).(*conn)
	return ctx.Err() != nil || ok && c.left()
}

// admit counts a connection, or returns false if there is no room.
func (l *Listener) admit(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.addresses[c.address] >= l.config.PerAddress || len(l.open) >= l.config.Max && !l.makeRoom() {
		l.refused++
		return false
	}
	l.open[c] = struct{}{}
	l.addresses[c.address]++
	if l.scarce() && !l.sweeping {
		l.sweeping = true
		go l.sweepWhileScarce()
	}
	return true
}

func (l *Listener) scarce() bool { return len(l.open) > l.config.Max*3/4 }

// makeRoom ends the connection that has been idle for the longest time.
func (l *Listener) makeRoom() bool {
	var stalest *conn
	for c := range l.open {
		if c.waiting.Load() && (stalest == nil || c.last.Load() < stalest.last.Load()) {
			stalest = c
		}
	}
	if stalest == nil {
		return false
	}
	l.end(stalest)
	return true
}

// end closes a connection to make room. The caller holds the lock.
func (l *Listener) end(c *conn) {
	l.ended++
	l.forget(c)
	go func() { _ = c.Conn.Close() }() // may wait for the network
}

func (l *Listener) forget(c *conn) {
	if _, ok := l.open[c]; !ok {
		return
	}
	delete(l.open, c)
	if l.addresses[c.address]--; l.addresses[c.address] == 0 {
		delete(l.addresses, c.address)
	}
}

// sweepsPerStall is how many sweeps run in each Stall.
const sweepsPerStall = 15

func (l *Listener) sweepWhileScarce() {
	ticker := time.NewTicker(l.config.Stall / sweepsPerStall)
	defer ticker.Stop()
	for {
		select {
		case <-l.closed:
			return
		case now := <-ticker.C:
			if !l.sweep(now) {
				return
			}
		}
	}
}

// sweep closes stalled connections, and reports whether connections are scarce.
func (l *Listener) sweep(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.scarce() {
		for c := range l.open {
			if c.stalled(now, l.config.Stall) {
				l.end(c)
			}
		}
	}
	l.sweeping = l.scarce()
	return l.sweeping
}

// conn records when bytes move.
type conn struct {
	net.Conn
	listener *Listener
	address  netip.Addr
	waiting  atomic.Bool  // for a request
	writing  atomic.Int32 // calls of Write in flight
	last     atomic.Int64 // when bytes last moved, in nanoseconds since 1970
	watched  bool         // the last read was net/http's watch
}

func (c *conn) progress() { c.last.Store(time.Now().UnixNano()) }

func (c *conn) stalled(now time.Time, stall time.Duration) bool {
	return (c.waiting.Load() || c.writing.Load() > 0) && now.UnixNano()-c.last.Load() >= int64(stall)
}

// Read reads from the connection. While a handler runs, net/http watches by a read of one byte whether the client leaves.
// Nothing here acts on that except [Left], so this read finds nothing: without a goroutine that waits, a request costs some
// microseconds less. Of two such reads in a row the second waits, since other readers try again.
func (c *conn) Read(p []byte) (int, error) {
	if c.watched = peek.Possible && len(p) == 1 && !c.watched; c.watched {
		return 0, nil
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.progress()
	}
	return n, err
}

func (c *conn) left() bool {
	socket, ok := c.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	state := peek.Unknown
	return err != nil || raw.Control(func(fd uintptr) { state = peek.At(fd) }) != nil || state == peek.Ended
}

// maxPiece bounds each write, so that progress is noticed.
const maxPiece = 64 << 10

func (c *conn) Write(p []byte) (int, error) {
	c.writing.Add(1)
	defer c.writing.Add(-1)
	c.progress() // from here on the client has to read
	written := 0
	for {
		n, err := c.Conn.Write(p[written:min(len(p), written+maxPiece)])
		written += n
		if n > 0 {
			c.progress()
		}
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// CloseWrite lets net/http end a connection without a reset.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection and frees its place.
func (c *conn) Close() error {
	c.listener.mu.Lock()
	c.listener.forget(c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

// addressOf returns the address of a client. For IPv6 it is the /64 network, because a client chooses freely within it.
func addressOf(c net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{} // a socket without addresses
	}
	address := at.Addr().Unmap()
	if address.Is6() {
		if network, err := address.WithZone("").Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return address
}
