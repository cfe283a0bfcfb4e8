//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

const (
	// answerWithin is the time that server/internal/store/postgres/config.go gives a call, and one second for the machine.
	answerWithin = 13*time.Second + time.Second
	// healedWithin is how soon after a fault a server must be ready: a connection attempt may take until connect_timeout to
	// fail.
	healedWithin = 5*time.Second + readyWithin
	// lostWithin is when a server has given up dead connections: after its wait for a response.
	lostWithin = 7*time.Second + readyWithin
)

// networkFaults are the faults of connections, in one direction or in both, until they are lifted.
var networkFaults = []struct{ name, toxic, attributes string }{
	{"late", "latency", `{"latency": 150, "jitter": 100}`},
	{"slow", "bandwidth", `{"rate": 2}`}, // KB/s
	{"reset", "reset_peer", `{"timeout": 0}`},
	{"half-open", "timeout", `{"timeout": 0}`},
}

var directions = [][]string{{"upstream"}, {"downstream"}, {"upstream", "downstream"}}

// route is the network between one server and PostgreSQL.
type route struct {
	proxy *proxy
	toxic *toxiproxy.Proxy
}

// network breaks the network between two servers and PostgreSQL in various ways, under clients. No client may wait for
// longer than documented, and soon after a fault everything must work as before.
func network(ctx context.Context, r *rig) (string, error) {
	rounds, hold := of(r.size, 1, 1, 50), of(r.size, 500*time.Millisecond, time.Second, 2*time.Second)
	routes, stores, err := r.routes(ctx, 2)
	if err != nil {
		return "", err
	}
	defer func() {
		for _, w := range routes {
			w.toxic.Stop()
		}
	}()
	f, err := r.fleet(ctx, stores...)
	if err != nil {
		return "", err
	}
	defer f.stop()
	w := &workload{rig: r, clients: 12, operations: 1 << 40, hot: 8, cold: of(r.size, 40, 40, 1000), pick: f.pick, within: answerWithin}
	before, err := f.goroutines(ctx, nil)
	if err != nil {
		return "", err
	}
	n := &networkRun{fleet: f, routes: routes, caller: r.newCaller(burst)}
	err = w.run(ctx, func(ctx context.Context) error {
		for range rounds {
			if err := n.round(ctx, hold); err != nil {
				return err
			}
		}
		return errEnough
	})
	n.caller.close()
	if err != nil {
		return "", err
	}
	after, err := f.goroutines(ctx, before)
	if err != nil {
		return "", err
	}
	v, err := w.check()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d faults of the network (late, slow, reset, half-open, forgotten), 0 acknowledged lost, 0 doubled: %s; %d requests refused, the slowest answer after %s; ready at most %s after a fault; goroutines %v before, %v after",
		n.faults, v, w.failed.Load(), ms(w.slowest), ms(percentile(n.readies, 100)), before, after), nil
}

// routes creates a database and a route to it for each of n servers, and returns the addresses of the routes.
func (r *rig) routes(ctx context.Context, n int) ([]route, []string, error) {
	port, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	db, err := r.clusterOn(ctx, port)
	if err != nil {
		return nil, nil, err
	}
	name, err := db.create(ctx)
	if err != nil {
		return nil, nil, err
	}
	var routes []route
	var stores []string
	zerolog.SetGlobalLevel(zerolog.Disabled) // some toxics write to the global logger
	host := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for i := range n {
		toxic := toxiproxy.NewProxy(host, fmt.Sprint("route-", i), "127.0.0.1:0", fmt.Sprint("127.0.0.1:", port))
		if err := toxic.Start(); err != nil {
			return nil, nil, err
		}
		p, err := db.proxy("tcp", toxic.Listen)
		if err != nil {
			return nil, nil, err
		}
		routes, stores = append(routes, route{p, toxic}), append(stores, p.dsn(name))
	}
	return routes, stores, nil
}

// freePort returns a free loopback port.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func (w route) spoil(toxic, direction, attributes string) error {
	_, err := w.toxic.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"type": %q, "stream": %q, "attributes": %s}`, toxic, direction, attributes)))
	return err
}

func (w route) heal(ctx context.Context) { w.toxic.Toxics.ResetToxics(ctx) }

type networkRun struct {
	fleet   *fleet
	routes  []route
	caller  *caller
	faults  int
	readies []time.Duration
}

// round causes each fault once.
func (n *networkRun) round(ctx context.Context, hold time.Duration) error {
	for _, f := range networkFaults {
		for _, along := range directions {
			victims := n.routes[n.faults%2:] // both, or only the second
			for _, w := range victims {
				for _, direction := range along {
					if err := w.spoil(f.toxic, direction, f.attributes); err != nil {
						return err
					}
				}
			}
			if err := n.healAfter(ctx, hold, healedWithin, fmt.Sprintf("%s, %s", f.name, strings.Join(along, " and "))); err != nil {
				return err
			}
		}
	}
	// For longer than any caller may wait, one route loses requests and the other one loses responses.
	for i, w := range n.routes {
		if err := w.spoil("timeout", directions[i][0], `{"timeout": 0}`); err != nil {
			return err
		}
	}
	if err := n.healAfter(ctx, answerWithin+readyWithin, healedWithin, "half-open for long"); err != nil {
		return err
	}
	// The network works, but the old connections are dead.
	for _, w := range n.routes {
		if w.proxy.forget() == 0 {
			return errors.New("a server has no connection to PostgreSQL")
		}
	}
	return n.healAfter(ctx, lostWithin, readyWithin, "forgotten connections")
}

// healAfter keeps the current fault, lifts it and checks that everything works within a time.
func (n *networkRun) healAfter(ctx context.Context, hold, within time.Duration, fault string) error {
	if err := pause(ctx, hold); err != nil {
		return err
	}
	for _, w := range n.routes {
		w.heal(ctx)
	}
	n.faults++
	began := time.Now()
	for i := range n.fleet.places {
		if _, err := n.fleet.places[i].Load().waitReady(ctx, within); err != nil {
			return fmt.Errorf("%s: %w", fault, err)
		}
	}
	n.readies = append(n.readies, time.Since(began))
	if err := n.burst(ctx); err != nil {
		return fmt.Errorf("%s: after it was lifted: %w", fault, err)
	}
	return nil
}

// burst is more concurrent requests than a server has connections to PostgreSQL, so each remaining connection is used.
const burst = 24

// burst has the servers respond to many reads at once.
func (n *networkRun) burst(ctx context.Context) error {
	errs := make(chan error, burst*len(n.fleet.places))
	var wg sync.WaitGroup
	for i := range n.fleet.places {
		s := n.fleet.places[i].Load()
		for range burst {
			wg.Go(func() {
				began := time.Now()
				got, err := n.caller.send(ctx, http.MethodGet, s.object("object-0"), nil)
				if took := time.Since(began); err == nil && (got.status != http.StatusOK || took > readyWithin) {
					err = fmt.Errorf("a get was answered with status %d after %s", got.status, took.Round(time.Millisecond))
				}
				errs <- err
			})
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// spareGoroutines is how many more goroutines a server may have than before: idle connections to clients and to PostgreSQL
// end later.
const spareGoroutines = 8

// goroutines returns the number of each server's goroutines. It waits, if necessary, until they are as few as before.
func (f *fleet) goroutines(ctx context.Context, before []int) ([]int, error) {
	now := make([]int, len(f.places))
	for i := range f.places {
		for began := time.Now(); ; {
			n, err := f.places[i].Load().goroutines(ctx)
			if err != nil {
				return nil, err
			}
			if now[i] = n; before == nil || n <= before[i]+spareGoroutines {
				break
			}
			if time.Since(began) > 20*time.Second {
				return nil, fmt.Errorf("server %d has %d goroutines 20 s after the last request, %d before the first", i, n, before[i])
			}
			if err := pause(ctx, 50*time.Millisecond); err != nil {
				return nil, err
			}
		}
	}
	return now, nil
}

// goroutines returns the number of the server's goroutines.
func (s *server) goroutines(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.admin+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := probes.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "go_goroutines "); ok {
			return strconv.Atoi(strings.TrimSpace(value))
		}
	}
	return 0, errors.New("/metrics has no go_goroutines")
}
