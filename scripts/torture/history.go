//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
	"golang.org/x/sync/errgroup"
)

// The outcomes of an operation.
const (
	applied = "applied"
	refused = "refused" // with 412
	unknown = "unknown"
)

// operation is one entry of a history. Every update has a unique number, which the object then holds: so a number
// identifies a version.
type operation struct {
	Client  int
	Key     string
	Kind    string // get, put: unconditional, any: If-Match: *, cas: If-Match with the tag of Want
	Want    int32  `json:",omitempty"`
	Number  int32  // written by an update, or read by a get
	Outcome string
	Call    int64 // in ns
	Return  int64
}

// workload creates a history.
type workload struct {
	rig        *rig
	clients    int
	operations int
	hot, cold  int // hot objects share one half of the operations, and cold objects the other
	pick       func(*rand.Rand) *server
	within     time.Duration // the longest time for a response; 0 is unbounded

	start   time.Time
	numbers atomic.Int32
	done    atomic.Int64
	failed  atomic.Int64 // requests with 5xx or without a response

	mu      sync.Mutex
	history []operation
	tags    map[string]*tags // by key
	slowest time.Duration
	broken  error // a failure that needs no history to be seen
}

// tags are the entity tags seen with an object: one for each version, and never one for two versions.
type tags struct {
	byTag    map[string]int32
	byNumber map[int32]string
	last     string
	old      []string // some earlier ones
}

// see records an entity tag. The caller holds mu.
func (w *workload) see(key, tag string, n int32) {
	t := w.tags[key]
	if was, ok := t.byTag[tag]; ok && was != n {
		w.broken = errors.Join(w.broken, fmt.Errorf("%s: updates %d and %d have the same entity tag %s", key, was, n, tag))
	}
	if was, ok := t.byNumber[n]; ok && was != tag {
		w.broken = errors.Join(w.broken, fmt.Errorf("%s: update %d has the entity tags %s and %s", key, n, was, tag))
	}
	t.byTag[tag], t.byNumber[n] = n, tag
	if t.last != tag {
		t.old = append(t.old, t.last)
		if len(t.old) > 8 {
			t.old = t.old[1:]
		}
		t.last = tag
	}
}

// errEnough ends a successful workload: all operations or all faults are done.
var errEnough = errors.New("it is enough")

func (w *workload) now() int64 { return time.Since(w.start).Nanoseconds() }

// run creates the objects. The clients then work until all operations are done or disturb returns an error, which is
// errEnough after a success. disturb ends with its context.
func (w *workload) run(ctx context.Context, disturb func(context.Context) error) error {
	w.start, w.tags = time.Now(), map[string]*tags{}
	c := w.rig.newCaller(w.clients)
	defer c.close()
	s := w.pick(w.rig.rand)
	for i := range w.hot + w.cold {
		key := fmt.Sprint("object-", i)
		n := w.numbers.Add(1)
		got, err := c.create(ctx, s, key, numbered(n, 16))
		if err != nil {
			return err
		}
		w.tags[key] = &tags{byTag: map[string]int32{got.tag: n}, byNumber: map[int32]string{n: got.tag}, last: got.tag}
		w.history = append(w.history, operation{Client: 0, Key: key, Kind: "put", Number: n, Outcome: applied, Call: -2, Return: -1})
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var disturbing, working sync.WaitGroup
	var failed error
	disturbing.Go(func() {
		if failed = disturb(ctx); failed != nil {
			cancel(failed)
		}
	})
	for i := range w.clients {
		working.Go(func() {
			if err := w.client(ctx, i, rand.New(rand.NewPCG(w.rig.seed, uint64(i)+100))); err != nil {
				cancel(err)
			}
		})
	}
	working.Wait()
	cancel(errEnough)
	disturbing.Wait()
	if w.broken != nil {
		return errors.Join(w.broken, w.save())
	}
	if err := context.Cause(ctx); !errors.Is(err, errEnough) {
		return errors.Join(err, w.save())
	}
	if errors.Is(failed, errEnough) {
		return nil
	}
	return failed
}

func (w *workload) client(ctx context.Context, id int, r *rand.Rand) error {
	c := w.rig.newCaller(1)
	defer c.close()
	for w.done.Load() < int64(w.operations) {
		key := fmt.Sprint("object-", r.IntN(w.hot))
		if w.cold > 0 && r.IntN(2) == 0 {
			key = fmt.Sprint("object-", w.hot+r.IntN(w.cold))
		}
		sent, err := w.one(ctx, c, id, key, r)
		switch {
		case err != nil:
			return err
		case sent:
			w.done.Add(1)
		default:
			if err := pause(ctx, 2*time.Millisecond); err != nil {
				return err
			}
		}
		if w.failing() {
			return nil
		}
	}
	return nil
}

func (w *workload) failing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken != nil
}

// draw returns the next operation, and its conditions as header fields.
func (w *workload) draw(id int, key string, r *rand.Rand) (operation, []string) {
	op := operation{Client: id, Key: key, Kind: "get"}
	p := r.IntN(100)
	if p < 35 {
		return op, nil
	}
	op.Number = w.numbers.Add(1)
	switch {
	case p < 50:
		op.Kind = "put"
		return op, nil
	case p < 58:
		op.Kind = "any"
		return op, []string{"If-Match", "*"}
	}
	tag, n := w.tag(key, p >= 92, r)
	op.Kind, op.Want = "cas", n
	return op, []string{"If-Match", tag}
}

// one sends one operation and records it, unless no part of it was sent.
func (w *workload) one(ctx context.Context, c *caller, id int, key string, r *rand.Rand) (bool, error) {
	op, header := w.draw(id, key, r)
	method, url := http.MethodGet, w.pick(r).object(key)
	var body any
	if op.Kind != "get" {
		method, body = http.MethodPatch, numbered(op.Number, 16)
	}
	op.Call = w.now()
	got, err := c.send(ctx, method, url, body, header...)
	op.Return = w.now()
	if errors.Is(err, errNotSent) {
		return false, nil
	}
	down := false // slow down while requests are refused
	defer func() {
		if down {
			_ = pause(ctx, 20*time.Millisecond) // the caller sees that ctx has ended
		}
	}()
	w.mu.Lock()
	defer w.mu.Unlock()
	took := time.Duration(op.Return - op.Call)
	w.slowest = max(w.slowest, took)
	if w.within > 0 && took > w.within && ctx.Err() == nil {
		w.broken = errors.Join(w.broken, fmt.Errorf("%s: a %s was answered after %s, want %s at most: status %d", key, op.Kind, took.Round(time.Millisecond), w.within, got.status), err)
	}
	if err != nil || got.status >= http.StatusInternalServerError {
		w.failed.Add(1)
	}
	switch {
	case err != nil || got.status >= http.StatusInternalServerError:
		if op.Kind == "get" {
			return false, nil // proves nothing
		}
		op.Outcome, down = unknown, true
		if strings.Contains(got.said, "nothing was changed") {
			return false, nil // trust it: a client that sees this number disproves it
		}
	case got.status == http.StatusOK && !got.object.whole():
		w.broken = errors.Join(w.broken, fmt.Errorf("%s: TORN: %+v", key, got.object))
	case got.status == http.StatusOK && op.Kind == "get":
		op.Outcome, op.Number = applied, got.object.Status
		w.see(key, got.tag, op.Number)
	case got.status == http.StatusOK && got.object.Status == op.Number:
		op.Outcome = applied
		w.see(key, got.tag, op.Number)
	case got.status == http.StatusPreconditionFailed && (op.Kind == "cas" || op.Kind == "any"):
		op.Outcome = refused
	default:
		return true, fmt.Errorf("%s: a %s of %d was answered with status %d, update %d", key, op.Kind, op.Number, got.status, got.object.Status)
	}
	w.history = append(w.history, op)
	return true, nil
}

// tag returns the last seen tag of the object, or an older one.
func (w *workload) tag(key string, stale bool, r *rand.Rand) (string, int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tags[key]
	tag := t.last
	if stale && len(t.old) > 0 {
		tag = t.old[r.IntN(len(t.old))]
	}
	return tag, t.byTag[tag]
}

// save writes the history into the rig's folder.
func (w *workload) save() error {
	f, err := os.Create(w.rig.path("history.jsonl"))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	enc := json.NewEncoder(out)
	for _, op := range w.history {
		if err := enc.Encode(op); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(out.Flush(), f.Close())
}

// verdict is the result of checking a history.
type verdict struct {
	operations, updates, contended, unknowns int
	took                                     time.Duration // duration of the check
}

func (v verdict) String() string {
	return fmt.Sprintf("%d operations linearizable, %d updates of which %.0f %% contended, %d of unknown outcome, checked in %s",
		v.operations, v.updates, 100*float64(v.contended)/float64(max(1, v.updates)), v.unknowns, v.took.Round(time.Millisecond))
}

// checkTimeout bounds each step of the check of an object.
const checkTimeout = 3 * time.Minute

// lateness bounds how long after its start an unseen operation may take effect, in the steps of the check. No server works
// on a request for half the first bound. The search is exponential in the number of operations that may take effect at one
// time.
var lateness = []time.Duration{20 * time.Second, infinity}

// check looks for an order of the operations that explains every response. An operation without a response returns when
// another operation has seen it. The first step omits unseen operations: if an order exists without them, one exists with
// them at its end. In the next steps they may have taken effect or not, each within its lateness: if an order exists for
// one of these bounds, the history is valid.
func (w *workload) check() (verdict, error) {
	start := time.Now()
	v := count(w.history)
	var mu sync.Mutex
	var failed []operation
	settled := true
	var objects errgroup.Group
	objects.SetLimit(runtime.GOMAXPROCS(0))
	for _, ops := range byKey(resolve(w.history)) {
		objects.Go(func() error {
			if result := checkObject(ops); result != porcupine.Ok {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, ops...)
				settled = settled && result == porcupine.Illegal
			}
			return nil
		})
	}
	_ = objects.Wait() // no error is possible
	v.took = time.Since(start)
	if len(failed) == 0 {
		return v, nil
	}
	err := fmt.Errorf("the history of %d operations, %d of them on objects that fail, is not linearizable", v.operations, len(failed))
	if !settled {
		err = fmt.Errorf("whether the history of %d operations is linearizable was not settled within %s an object", v.operations, checkTimeout)
	}
	_, info := porcupine.CheckOperationsVerbose(model, entries(failed), time.Minute)
	f, err2 := os.Create(w.rig.path("history.html"))
	if err2 == nil {
		err2 = errors.Join(porcupine.Visualize(model, info, f), f.Close())
	}
	return v, errors.Join(err, w.save(), err2)
}

// checkObject checks the resolved operations on one object.
func checkObject(ops []operation) porcupine.CheckResult {
	result := porcupine.CheckOperationsTimeout(model, entries(slices.DeleteFunc(slices.Clone(ops), unseen)), checkTimeout)
	for _, late := range lateness {
		if result == porcupine.Ok {
			break
		}
		bounded := slices.Clone(ops)
		for i, op := range bounded {
			if unseen(op) {
				bounded[i].Return = op.Call + min(int64(late), infinity-op.Call)
			}
		}
		result = porcupine.CheckOperationsTimeout(model, entries(bounded), checkTimeout)
	}
	return result
}

// count counts operations. An update is contended if another one of the same object was in flight.
func count(history []operation) verdict {
	v := verdict{operations: len(history)}
	for _, ops := range byKey(history) {
		ops = slices.DeleteFunc(ops, func(op operation) bool { return op.Kind == "get" })
		slices.SortFunc(ops, func(a, b operation) int { return int(a.Call - b.Call) })
		v.updates += len(ops)
		latest := int64(math.MinInt64)
		for i, op := range ops {
			if op.Outcome == unknown {
				v.unknowns++
			}
			if op.Call < latest || i+1 < len(ops) && ops[i+1].Call < op.Return {
				v.contended++
			}
			latest = max(latest, op.Return)
		}
	}
	return v
}

func byKey(history []operation) map[string][]operation {
	keys := map[string][]operation{}
	for _, op := range history {
		keys[op.Key] = append(keys[op.Key], op)
	}
	return keys
}

const infinity = math.MaxInt64 / 2

// resolve gives operations without a response the time by which they must have taken effect.
func resolve(history []operation) []operation {
	seen := map[int32]int64{} // by number: when it was first seen
	for _, op := range history {
		n := op.Number
		switch {
		case op.Outcome != applied:
			continue
		case op.Kind == "cas": // its condition shows what it has replaced
			n = op.Want
		case op.Kind != "get":
			continue
		}
		if t, ok := seen[n]; !ok || op.Return < t {
			seen[n] = op.Return
		}
	}
	resolved := slices.Clone(history)
	for i := range resolved {
		op := &resolved[i]
		if op.Outcome != unknown {
			continue
		}
		op.Return = infinity
		if t, ok := seen[op.Number]; ok && t > op.Call {
			op.Return = t
		}
	}
	return resolved
}

// unseen reports whether no operation shows the effect of a resolved operation.
func unseen(op operation) bool { return op.Outcome == unknown && op.Return == infinity }

// entries converts the operations for porcupine.
func entries(history []operation) []porcupine.Operation {
	var out []porcupine.Operation
	for _, op := range history {
		out = append(out, porcupine.Operation{ClientId: op.Client, Input: op, Output: op.Outcome, Call: op.Call, Return: op.Return})
	}
	return out
}

// model is one object, whose state is the number of the last update. An update of unknown outcome has two next states.
var model = (&porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		keys := map[string][]porcupine.Operation{}
		for _, op := range history {
			key := op.Input.(operation).Key
			keys[key] = append(keys[key], op)
		}
		return slices.Collect(maps.Values(keys))
	},
	Init: func() []any { return []any{int32(0)} },
	Step: func(state, input, output any) []any {
		op, now := input.(operation), state.(int32)
		holds := op.Kind != "cas" || op.Want == now
		switch {
		case op.Kind == "get" && op.Number == now, output == refused && !holds:
			return []any{now}
		case output == applied && op.Kind != "get" && holds:
			return []any{op.Number}
		case output == unknown && holds:
			return []any{now, op.Number}
		case output == unknown:
			return []any{now}
		}
		return nil // even If-Match: * was refused, although the object exists
	},
	DescribeOperation: func(input, _ any) string {
		op := input.(operation)
		if op.Kind == "cas" {
			return fmt.Sprintf("cas(%d→%d) %s", op.Want, op.Number, op.Outcome)
		}
		return fmt.Sprintf("%s(%d) %s", op.Kind, op.Number, op.Outcome)
	},
	DescribeState: func(state any) string { return fmt.Sprint(state) },
}).ToModel()
