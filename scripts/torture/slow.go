//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	slowRate = 100 // good requests a second
	// reapedWithin is how long after its deadline the last connection of a kind may live.
	reapedWithin = 15 * time.Second
)

// kind is a way to occupy a connection, and the time after which the server must end it.
type kind struct {
	name     string
	deadline time.Duration
	hold     func(h *holder, c net.Conn) error // until the connection ends
}

// The deadlines are the README's: 5 s for a header, 10 s for a request, 15 s for a response, 60 s without a request. The
// longest-lived kinds are opened first, so that all are open at once.
var kinds = []kind{
	{"idle", 60 * time.Second, (*holder).idle},
	{"never read", 25 * time.Second, (*holder).neverRead}, // the first responses fit into the buffers: one request more
	{"body drip", 10 * time.Second, (*holder).dripBody},
	{"header drip", 5 * time.Second, (*holder).dripHeader},
}

// neverReaders is how many never read: more than the limit of requests in flight. The server soon ends the excess.
const neverReaders = 800

// kindAt returns the kind of the i-th connection.
func kindAt(i, connections int) int {
	never := min(neverReaders, connections*2/5)
	share := (connections - never) / 3
	return slices.IndexFunc([]int{share, share + never, 2*share + never, connections}, func(end int) bool { return i < end })
}

// slow opens thousands of connections that send or read next to nothing. Other clients must not notice, and each such
// connection must end.
func slow(ctx context.Context, r *rig) (string, error) {
	connections := of(r.size, 500, 2000, 10_000)
	if err := canOpen(connections); err != nil {
		return "", err
	}
	s, err := r.serve(ctx, "server", "sqlite:"+r.path("pfxr.db"), launch{})
	if err != nil {
		return "", err
	}
	defer s.kill()
	c := r.newCaller(16)
	defer c.close()
	for i := range 20 {
		length := 1024
		if i == 0 { // the good clients use this server
			length = 16
		}
		if _, err := c.create(ctx, s, fmt.Sprint("object-", i), numbered(1, length)); err != nil {
			return "", err
		}
	}
	token, err := r.bearer(ctx)
	if err != nil {
		return "", err
	}
	before, fdsBefore := usage(s.pid(false))
	h := &holder{address: strings.TrimPrefix(s.origin, "http://"), token: token, lived: make([][]time.Duration, len(kinds))}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var good, held sync.WaitGroup
	load := &goodLoad{}
	loading, stopLoad := context.WithCancel(ctx)
	good.Go(func() { load.run(loading, c, s) })
	h.holdAll(ctx, &held, connections, cancel)
	most, fds := s.mostUntil(&held)
	err = pause(ctx, time.Second) // the last good requests, without the others
	stopLoad()
	good.Wait()
	if err != nil {
		return "", err
	}
	after, fdsAfter := usage(s.pid(false))
	if n := len(load.failures); n > 0 {
		return "", fmt.Errorf("%d of %d good requests failed, the first: %w", n, load.sent.Load(), load.failures[0])
	}
	if left := fdsAfter - fdsBefore - 32; left > 0 { // the good clients have up to 16
		return "", fmt.Errorf("the server has %d descriptors, %d before", fdsAfter, fdsBefore)
	}
	if fds-fdsBefore < connections*9/10 {
		return "", fmt.Errorf("at most %d of %d connections were open at once: too few to tell anything", fds-fdsBefore, connections)
	}
	// Long responses without a reader stay in memory, at most as many as requests may be in flight.
	if grown, limit := most-before, int64(connections)*64<<10+192<<20; grown > limit {
		return "", fmt.Errorf("the server has grown by %d MiB, want at most %d", grown>>20, limit>>20)
	}
	return fmt.Sprintf("%d connections held, all reaped (longest: %s); %d good requests, 0 failed, p50 %s p99 %s; RSS %d MiB before, %d at most, %d after",
		connections, h.longest(), load.sent.Load(), ms(percentile(load.times, 50)), ms(percentile(load.times, 99)), before>>20, most>>20, after>>20), nil
}

// canOpen returns an error if this process may not have that many connections.
func canOpen(connections int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if want := uint64(connections + 500); limit.Cur < want {
		return fmt.Errorf("%d connections need %d descriptors, the limit is %d", connections, want, limit.Cur)
	}
	return nil
}

// longest returns the longest life of the connections of each kind.
func (h *holder) longest() string {
	var lived []string
	for i, k := range kinds {
		lived = append(lived, fmt.Sprintf("%s %.0f s", k.name, percentile(h.lived[i], 100).Seconds()))
	}
	return strings.Join(lived, ", ")
}

// holdAll opens the connections, and calls fail if one does not end in time.
func (h *holder) holdAll(ctx context.Context, held *sync.WaitGroup, connections int, fail func(error)) {
	for i := range connections {
		held.Go(func() {
			if err := h.one(ctx, kindAt(i, connections)); err != nil {
				fail(err)
			}
		})
		if i%100 == 99 && pause(ctx, 150*time.Millisecond) != nil { // the listener's queue is short
			return
		}
	}
}

// mostUntil returns the server's maximum of memory and descriptors until done.
func (s *server) mostUntil(done *sync.WaitGroup) (int64, int) {
	var rss int64
	var fds int
	ended := make(chan struct{})
	go func() { done.Wait(); close(ended) }()
	for {
		memory, n := usage(s.pid(false))
		rss, fds = max(rss, memory), max(fds, n)
		select {
		case <-ended:
			return rss, fds
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// goodLoad sends proper requests.
type goodLoad struct {
	sent     atomic.Int64
	mu       sync.Mutex
	failures []error
	times    []time.Duration
}

func (l *goodLoad) run(ctx context.Context, c *caller, s *server) {
	var wg sync.WaitGroup
	defer wg.Wait()
	start := time.Now()
	for due := start; ; due = due.Add(time.Second / slowRate) {
		if pause(ctx, time.Until(due)) != nil {
			return
		}
		wg.Go(func() {
			n := int32(l.sent.Add(1))
			began := time.Now()
			got, err := c.send(context.WithoutCancel(ctx), http.MethodPatch, s.object("object-0"), numbered(n, 16))
			if err == nil && got.status != http.StatusOK {
				err = fmt.Errorf("status %d: %s", got.status, got.said)
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			l.times = append(l.times, time.Since(began))
			if err != nil {
				l.failures = append(l.failures, fmt.Errorf("%s after the start, after %s: %w", began.Sub(start).Round(time.Millisecond), time.Since(began).Round(time.Millisecond), err))
			}
		})
	}
}

// holder holds connections.
type holder struct {
	address, token string
	mu             sync.Mutex
	lived          [][]time.Duration // by kind
}

// one holds a connection until the server ends it, or returns an error if the server does not.
func (h *holder) one(ctx context.Context, i int) error {
	k := kinds[i]
	dialer, warm := &net.Dialer{Timeout: 30 * time.Second}, h.warm
	if k.name == "never read" { // its first request is the slow one
		dialer.Control, warm = smallBuffers, func(net.Conn) error { return nil }
	}
	c, err := dialer.DialContext(ctx, "tcp", h.address)
	if err != nil {
		return fmt.Errorf("%s: %w", k.name, err)
	}
	defer func() { _ = c.Close() }() // the server has closed it
	// A proper request comes first: the server's clocks start when it has accepted the connection.
	if err := warm(c); err != nil {
		return fmt.Errorf("%s: before the connection is slow: %w", k.name, err)
	}
	began := time.Now()
	end := began.Add(k.deadline + reapedWithin)
	if err := c.SetDeadline(end); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })
	defer stop()
	err = k.hold(h, c)
	if ctx.Err() != nil {
		return nil
	}
	if errors.Is(err, errStillThere) || isTimeout(err) {
		return fmt.Errorf("%s: the connection still lives %s after its deadline of %s", k.name, reapedWithin, k.deadline)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lived[i] = append(h.lived[i], time.Since(began))
	return nil
}

var errStillThere = errors.New("still there")

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// drip writes text and then a byte every second, until the connection ends.
func drip(c net.Conn, text string) error {
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, c) // a response such as 408 comes first
		ended <- err
	}()
	for {
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Second):
			_, _ = io.WriteString(c, "a") // the reader sees the end
		}
	}
}

func (h *holder) dripHeader(c net.Conn) error {
	return drip(c, "PATCH /beta/pfxRecryptionRequests/object-1 HTTP/1.1\r\nHost: torture\r\nX-Slow: ")
}

func (h *holder) dripBody(c net.Conn) error {
	return drip(c, "PATCH /beta/pfxRecryptionRequests/object-1 HTTP/1.1\r\nHost: torture\r\nAuthorization: "+h.token+
		"\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"eTag\":\"")
}

// warm sends a request and reads the response.
func (h *holder) warm(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	in := bufio.NewReader(c)
	for {
		if _, err := io.WriteString(c, "GET /beta/pfxRecryptionRequests/object-0 HTTP/1.1\r\nHost: torture\r\nAuthorization: "+h.token+"\r\n\r\n"); err != nil {
			return err
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		switch {
		case err != nil:
			return err
		case resp.StatusCode == http.StatusOK:
			return nil
		case resp.StatusCode != http.StatusServiceUnavailable:
			return errors.New(resp.Status)
		}
		time.Sleep(100 * time.Millisecond) // hundreds of long responses are made at this moment
	}
}

// idle sends nothing more.
func (h *holder) idle(c net.Conn) error {
	_, err := io.Copy(io.Discard, c)
	return err
}

// smallBuffers makes a connection's buffers small on both sides: the server's side grows with the segment length. Otherwise
// the system would buffer megabytes of responses before the server notices that the client does not read.
func smallBuffers(_, _ string, c syscall.RawConn) error {
	var err error
	control := c.Control(func(fd uintptr) {
		err = errors.Join(
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536),
		)
	})
	return errors.Join(control, err)
}

// neverRead requests more than the connection's buffers hold, and reads nothing. When the server closes the connection,
// unread requests remain, so its system resets the connection.
func (h *holder) neverRead(c net.Conn) error {
	request := "GET /beta/pfxRecryptionRequests?$top=20 HTTP/1.1\r\nHost: torture\r\nAuthorization: " + h.token + "\r\n\r\n"
	if _, err := io.WriteString(c, strings.Repeat(request, 3)); err != nil {
		return err
	}
	for {
		time.Sleep(time.Second)
		if _, err := io.WriteString(c, "G"); err != nil { // fails when the connection has ended
			return err
		}
	}
}
