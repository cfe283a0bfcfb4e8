//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// soakSlow is how many connections of each kind are slow at the same time.
	soakSlow = 4
	// soakFlat is how much goroutines and descriptors may differ between start and end.
	soakFlat = 5
	// soakLog bounds SQLite's log, in bytes. The store moves it into the file at 8 MiB.
	soakLog = 24 << 20
)

// soak runs half of a server's capacity for an hour with the usual mix: updates, readers, lists, refusals, objects that are
// created and deleted, new and slow connections, and an issuer that changes its keys. Nothing may fail or grow.
//
// The RAM of a Go process says little of what it retains: it varies with the collector and the requests in flight by more
// than an important leak adds in an hour. So the load pauses from time to time, until its connections have ended. Then
// goroutines, descriptors and the heap after a collection are measured. The heap is exact, but does not include SQLite's
// memory. RSS includes it: the minimum between two pauses counts. The lines through these points must not rise.
func soak(ctx context.Context, r *rig) (string, error) {
	lasting := of(r.size, 30*time.Second, 90*time.Second, time.Hour)
	every := of(r.size, 2*time.Second, 3*time.Second, time.Minute)      // between rests
	rotate := of(r.size, 15*time.Second, 45*time.Second, 6*time.Minute) // the server fetches unknown keys every 5 minutes at most
	// In MB an hour. Caches and pools still fill during a short run, and a single point matters more.
	heap, rss := of(r.size, 300.0, 100, 1), of(r.size, 600.0, 300, 1)
	s, err := r.serve(ctx, "server", "sqlite:"+r.path("pfxr.db"), launch{
		wrapper: []string{"strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync",
			"-e", fmt.Sprintf("inject=fsync,fdatasync:delay_enter=%d", slowDisk.Microseconds())},
	})
	if err != nil {
		return "", err
	}
	defer s.kill()
	c := r.newCaller(512)
	defer c.close()
	for i := range overloadPlaces {
		if _, err := c.create(ctx, s, fmt.Sprint("object-", i), numbered(1, 1024)); err != nil {
			return "", err
		}
	}
	token, err := r.bearer(ctx)
	if err != nil {
		return "", err
	}
	l := &openLoad{address: strings.TrimPrefix(s.origin, "http://"), token: token, idle: make(chan *wire, maxWires)}
	capacity, err := l.capacity(ctx, of(r.size, 3*time.Second, 8*time.Second, 30*time.Second))
	l.close()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(r.keep, 0o755); err != nil {
		return "", err
	}
	samples, err := os.Create(r.evidence("soak") + ".csv")
	if err != nil {
		return "", err
	}
	defer func() { _ = samples.Close() }() // each line is written at once
	k := &soaking{rig: r, server: s, caller: c, samples: samples, log: r.path("pfxr.db-wal"), began: time.Now(), least: math.Inf(1)}
	if err := k.run(ctx, capacity/2, lasting, every, rotate); err != nil {
		return "", err
	}
	line, err := k.judge(heap, rss)
	line = fmt.Sprintf("capacity %.0f updates a second, half of it for %s: %s; samples in %s", capacity, lasting, line, samples.Name())
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, line)
	}
	return line, nil
}

// soaking is a soak in progress.
type soaking struct {
	rig     *rig
	server  *server
	caller  *caller
	samples *os.File
	log     string // SQLite's
	began   time.Time

	rests     []rest
	rotations int
	longest   int64 // the log, in bytes

	mu     sync.Mutex
	times  []time.Duration // since the last rest
	least  float64         // RSS since the last rest, MB
	sent   int
	failed int
	first  error
}

// rest is a measurement while only slow connections are open.
type rest struct {
	at              time.Duration
	rss, heap       float64 // MB
	goroutines, fds int
	least           float64       // RSS since the last rest, MB
	p99             time.Duration // of the requests since the last rest
}

// visit is one or more requests of a user.
type visit struct {
	share   int
	updates int // the ones that wait for the disk
	do      func(k *soaking, ctx context.Context, n int) error
}

var visits = []visit{
	{8, 1, (*soaking).update},
	{4, 0, (*soaking).read},
	{2, 0, (*soaking).list},
	{2, 0, (*soaking).refused},
	{1, 3, (*soaking).life},
	{1, 0, (*soaking).newcomer},
}

// run makes visits with rate updates a second, and rests at intervals.
func (k *soaking) run(ctx context.Context, rate float64, lasting, every, rotate time.Duration) error {
	var round []visit
	updates := 0
	for _, v := range visits {
		for range v.share {
			round = append(round, v)
			updates += v.updates
		}
	}
	k.rig.rand.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
	rate *= float64(len(round)) / float64(updates)
	ctx, cancel := context.WithCancel(ctx)
	var around sync.WaitGroup
	defer around.Wait()
	defer cancel()
	for i := range len(kinds[:3]) * soakSlow {
		around.Go(func() { k.slow(ctx, i%3) })
	}
	around.Go(func() { k.watch(ctx) })
	for n := 0; time.Since(k.began) < lasting; {
		if time.Since(k.began) >= rotate*time.Duration(k.rotations+1) {
			if err := k.rig.rotate(ctx); err != nil {
				return err
			}
			k.rotations++
		}
		var wg sync.WaitGroup
		began, first := time.Now(), n
		for time.Since(began) < every {
			if err := pause(ctx, time.Millisecond); err != nil {
				wg.Wait()
				return err
			}
			for ; float64(n-first) < rate*time.Since(began).Seconds(); n++ {
				v, n := round[n%len(round)], n
				wg.Go(func() { k.visit(ctx, v, n) })
			}
		}
		wg.Wait()
		if err := k.rest(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (k *soaking) visit(ctx context.Context, v visit, n int) {
	began := time.Now()
	err := v.do(k, context.WithoutCancel(ctx), n)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent++
	k.times = append(k.times, time.Since(began)/time.Duration(max(1, v.updates)))
	if err != nil {
		k.fail(err)
	}
}

// fail records an error. The caller holds the lock.
func (k *soaking) fail(err error) {
	k.failed++
	if k.first == nil {
		k.first = fmt.Errorf("%s after the start: %w", time.Since(k.began).Round(time.Millisecond), err)
	}
}

// want sends a request that must have the given status.
func (k *soaking) want(ctx context.Context, status int, method, url string, body any, header ...string) (reply, error) {
	got, err := k.caller.send(ctx, method, url, body, header...)
	if err == nil && got.status != status {
		err = fmt.Errorf("status %d instead of %d: %s", got.status, status, got.said)
	}
	if err != nil {
		return got, fmt.Errorf("%s %s: %w", method, strings.TrimPrefix(url, k.server.origin), err)
	}
	return got, nil
}

func (k *soaking) object(n int) string {
	return k.server.object(fmt.Sprint("object-", n%overloadPlaces))
}

func (k *soaking) update(ctx context.Context, n int) error {
	_, err := k.want(ctx, http.StatusOK, http.MethodPatch, k.object(n), numbered(int32(n), 1024))
	return err
}

func (k *soaking) read(ctx context.Context, n int) error {
	_, err := k.want(ctx, http.StatusOK, http.MethodGet, k.object(n), nil)
	return err
}

// list leaves rows of a result unread.
func (k *soaking) list(ctx context.Context, n int) error {
	options := "?$top=5"
	if n%2 == 0 {
		options += "&$count=true&$filter=" + url.QueryEscape("isDeleted eq false")
	}
	_, err := k.want(ctx, http.StatusOK, http.MethodGet, k.server.objects()+options, nil)
	return err
}

// refused sends requests that must be refused.
func (k *soaking) refused(ctx context.Context, n int) error {
	object := k.object(n)
	_, err1 := k.want(ctx, http.StatusBadRequest, http.MethodPatch, object, map[string]string{"status": "seven"})
	_, err2 := k.want(ctx, http.StatusNotFound, http.MethodGet, k.server.object(fmt.Sprint("nobody-", n)), nil)
	_, err3 := k.want(ctx, http.StatusPreconditionFailed, http.MethodPatch, object, numbered(1, 16), "If-Match", `"0000000000000000"`)
	_, err4 := k.want(ctx, http.StatusUnauthorized, http.MethodGet, object, nil, "Authorization", fmt.Sprint("Bearer ", n))
	return errors.Join(err1, err2, err3, err4)
}

// life creates, updates and deletes an object.
func (k *soaking) life(ctx context.Context, n int) error {
	key := fmt.Sprint("life-", n)
	made, err := k.caller.create(ctx, k.server, key, numbered(1, 16))
	if err != nil {
		return err
	}
	changed, err := k.want(ctx, http.StatusOK, http.MethodPatch, k.server.object(key), numbered(2, 1024), "If-Match", made.tag)
	if err != nil {
		return err
	}
	_, err = k.want(ctx, http.StatusNoContent, http.MethodDelete, k.server.object(key), nil, "If-Match", changed.tag)
	return err
}

// newcomer uses a new connection.
func (k *soaking) newcomer(ctx context.Context, n int) error {
	own := soaking{server: k.server, caller: k.rig.newCaller(1)}
	defer own.caller.close()
	return own.read(ctx, n)
}

// slow holds one slow connection after the other.
func (k *soaking) slow(ctx context.Context, kind int) {
	for ctx.Err() == nil {
		token, err := k.rig.bearer(ctx)
		if err == nil {
			h := &holder{address: strings.TrimPrefix(k.server.origin, "http://"), token: token, lived: make([][]time.Duration, len(kinds))}
			err = h.one(ctx, kind)
		}
		if now, _ := k.rig.bearer(ctx); err == nil || now != token || ctx.Err() != nil { // a key may change when it starts
			continue
		}
		k.mu.Lock()
		k.fail(err)
		k.mu.Unlock()
		_ = pause(ctx, time.Second) // the loop checks ctx
	}
}

// watch takes samples under load.
func (k *soaking) watch(ctx context.Context) {
	for pause(ctx, time.Second) == nil {
		now, err := k.measure(ctx, false)
		if err != nil {
			continue // the load detects a lost server
		}
		k.mu.Lock()
		k.least = min(k.least, now.rss)
		if info, err := os.Stat(k.log); err == nil {
			k.longest = max(k.longest, info.Size())
		}
		k.mu.Unlock()
		k.keep(now, "load")
	}
}

// rest waits until the connections of the load have ended, and measures.
func (k *soaking) rest(ctx context.Context) error {
	_, before := usage(k.server.pid(true))
	for same := 0; same < 5; {
		k.caller.close()
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
		_, fds := usage(k.server.pid(true))
		if same++; fds != before {
			same, before = 0, fds
		}
	}
	now, err := k.measure(ctx, true)
	if err != nil {
		return fmt.Errorf("measuring: %w", err)
	}
	k.mu.Lock()
	now.p99 = percentile(k.times, 99)
	now.least = min(k.least, now.rss)
	k.times, k.least = k.times[:0], math.Inf(1)
	k.mu.Unlock()
	k.rests = append(k.rests, now)
	k.keep(now, "rest")
	return nil
}

// measure asks the server for its figures, after a collection if collect is true.
func (k *soaking) measure(ctx context.Context, collect bool) (rest, error) {
	for range 2 { // objects in a pool survive one
		if !collect {
			break
		}
		if err := k.server.probe(ctx, "/debug/pprof/heap?gc=1", nil); err != nil {
			return rest{}, err
		}
	}
	var heap, goroutines float64
	if err := k.server.probe(ctx, "/metrics", map[string]*float64{"go_memstats_heap_alloc_bytes": &heap, "go_goroutines": &goroutines}); err != nil {
		return rest{}, err
	}
	rss, fds := usage(k.server.pid(true))
	return rest{at: time.Since(k.began), rss: float64(rss) / 1e6, heap: heap / 1e6, goroutines: int(goroutines), fds: fds}, nil
}

// keep writes a line of the samples, after a header in the first call.
func (k *soaking) keep(m rest, when string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if info, err := k.samples.Stat(); err == nil && info.Size() == 0 {
		_, _ = fmt.Fprintln(k.samples, "seconds,when,rss_mb,heap_mb,goroutines,descriptors,longest_log_bytes,p99_ms,visits,failed") // only for people
	}
	_, _ = fmt.Fprintf(k.samples, "%.1f,%s,%.3f,%.3f,%d,%d,%d,%.1f,%d,%d\n",
		m.at.Seconds(), when, m.rss, m.heap, m.goroutines, m.fds, k.longest, float64(m.p99)/float64(time.Millisecond), k.sent, k.failed)
}

// judge checks the rests after the first sixth of the time, in which caches and pools fill.
func (k *soaking) judge(heapGrows, rssGrows float64) (string, error) {
	warm := slices.IndexFunc(k.rests, func(m rest) bool { return m.at > k.rests[len(k.rests)-1].at/6 })
	rests := k.rests[warm:]
	few := max(3, len(rests)/10)
	if len(rests) < 2*few {
		return "", fmt.Errorf("only %d rests: too few to tell anything", len(rests))
	}
	between := func(of func(rest) float64) (first, last float64) {
		return median(rests[:few], of), median(rests[len(rests)-few:], of)
	}
	rss, rssFit := slope(rests, func(m rest) float64 { return m.least })
	heap, heapFit := slope(rests, func(m rest) float64 { return m.heap })
	rss0, rss1 := between(func(m rest) float64 { return m.least })
	heap0, heap1 := between(func(m rest) float64 { return m.heap })
	goroutines0, goroutines1 := between(func(m rest) float64 { return float64(m.goroutines) })
	fds0, fds1 := between(func(m rest) float64 { return float64(m.fds) })
	p0, p1 := between(func(m rest) float64 { return float64(m.p99) })
	line := fmt.Sprintf("%d visits, %d failed, %d keys of the issuer; RSS %.1f→%.1f MB, %+.2f MB/h (R² %.2f), heap %.2f→%.2f MB, %+.2f MB/h (R² %.2f), goroutines %.0f→%.0f, descriptors %.0f→%.0f, log at most %.1f MiB, p99 %s→%s (%+.0f %%)",
		k.sent, k.failed, k.rotations+1, rss0, rss1, rss, rssFit, heap0, heap1, heap, heapFit, goroutines0, goroutines1, fds0, fds1,
		float64(k.longest)/(1<<20), ms(time.Duration(p0)), ms(time.Duration(p1)), 100*(p1/p0-1))
	switch {
	case k.failed > 0:
		return line, fmt.Errorf("good requests fail, the first: %w", k.first)
	case math.Abs(goroutines1-goroutines0) > soakFlat:
		return line, errors.New("goroutines are left behind")
	case math.Abs(fds1-fds0) > soakFlat:
		return line, errors.New("descriptors are left behind")
	case k.longest > soakLog:
		return line, errors.New("the log grows without bound")
	case heap > heapGrows:
		return line, fmt.Errorf("the heap grows by more than %.0f MB an hour", heapGrows)
	case rss > rssGrows:
		return line, fmt.Errorf("RSS grows by more than %.0f MB an hour", rssGrows)
	}
	return line, nil
}

// median returns the median of a figure.
func median(rests []rest, of func(rest) float64) float64 {
	var values []float64
	for _, m := range rests {
		values = append(values, of(m))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// slope returns how much a figure grows in an hour, by least squares, and how much of its variance that explains.
func slope(rests []rest, of func(rest) float64) (perHour, fit float64) {
	var x, y, xx, xy, yy float64
	n := float64(len(rests))
	for _, m := range rests {
		x += m.at.Hours() / n
		y += of(m) / n
	}
	for _, m := range rests {
		dx, dy := m.at.Hours()-x, of(m)-y
		xx, xy, yy = xx+dx*dx, xy+dx*dy, yy+dy*dy
	}
	if yy == 0 {
		return 0, 1
	}
	return xy / xx, xy * xy / (xx * yy)
}

// probe requests a path of the admin listener, and reads figures by their names.
func (s *server) probe(ctx context.Context, path string, figures map[string]*float64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.admin+path, nil)
	if err != nil {
		return err
	}
	resp, err := probes.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if figure := figures[name]; figure != nil {
			if _, err := fmt.Sscan(value, figure); err != nil {
				return fmt.Errorf("reading %s: %w", name, err)
			}
		}
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return lines.Err()
}

// rotate restarts the issuer at its address with a new key, so its earlier tokens become invalid.
func (r *rig) rotate(ctx context.Context) error {
	r.issuer.kill()
	issuer, err := r.launch(ctx, "issuer", launch{args: []string{"--dev", "--store", "sqlite:" + r.path("issuer.db"), "--listen", strings.TrimPrefix(r.issuer.origin, "http://")}})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, r.issuer)
	r.issuer, r.token = issuer, ""
	return nil
}
