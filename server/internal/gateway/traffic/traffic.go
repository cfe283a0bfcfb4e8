// Package traffic records the last hour of a gateway: requests by operation and outcome, violations by place, unknown paths,
// the last refusals, and what enforcing would have refused.
//
//	recorder := traffic.New()
//	operations := recorder.Use(contract)
//	operations[0].Pass(time.Now())
//	hour := recorder.Hour(time.Now())
//
// It stores names and never values, and bounds the number of names whatever clients send. Counting a request without a
// violation neither locks nor allocates. It knows neither HTTP nor a contract.
package traffic

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// Limits for what clients choose. What exceeds them is counted without its name.
const (
	maxPlaces       = 2000 // of violations
	maxPlacesOfKind = 50   // of an operation's violations of one kind
	maxTargets      = 100  // unknown paths that the upstream accepted, and as many that it rejected
	maxExchanges    = 100  // refusals, and as many that enforcing would add
	maxViolations   = 8    // of one exchange
	maxName         = 160  // bytes
)

// Contract describes the contract of a gate.
type Contract struct {
	Operations []Operation
	Spots      []Spot
	// Unknown are the rules for requests that match no operation.
	Unknown [2]policy.Rules
}

// Operation is an operation of a contract.
type Operation struct {
	ID, Method, Path string
	Rules            [2]policy.Rules
}

// Spot is a part of the contract that cannot be judged.
type Spot struct{ Pointer, Reason string }

// Violation is a broken rule of a request or a response.
type Violation struct {
	Operation string // whose rules apply: "" for checks before the operation is known
	Direction policy.Direction
	Kind      policy.Kind
	Place     Place
	Refused   bool // it was refused
	Would     bool // enforcing would have refused it
	Fixed     bool // it is refused whatever the policy says
}

// Place is where a violation is, and the broken keyword. It contains no value.
type Place struct {
	In      string // "" for a body, otherwise path, query, header, status or document
	Name    string // of the parameter, or the JSON Pointer of the member
	Keyword string
	Reason  string // why the part cannot be judged
}

// Exchange is a request that was refused or has a violation.
type Exchange struct {
	Time      time.Time
	Operation string // its ID, or ""
	Method    string
	Path      string // the template, or the path itself if no route matches
	Status    int    // of the response
	Request   string // the request-id
	// Code is the error's code, if the request was refused.
	Code       string
	Outcome    Outcome
	Violations []Violation
}

// passed reports whether neither the request nor its response was refused.
func (e *Exchange) passed() bool { return e.Outcome != Refused && e.Outcome != Replaced }

// would reports whether enforcing a direction would have refused an exchange that passed.
func (e *Exchange) would(d policy.Direction) bool {
	if !e.passed() {
		return false
	}
	for _, v := range e.Violations {
		if v.Direction == d && v.Would {
			return true
		}
	}
	return false
}

// Recorder records the last hour. It is safe for concurrent use.
type Recorder struct {
	mu       sync.Mutex
	contract Contract
	counters map[string]*Counter // by operation; "" for requests that match none
	kinds    map[kindKey]*kind
	places   int // of all kinds
	targets  [2]map[target]*taken
	more     [2]tally // targets counted without their names
	refused  exchanges
	wouldBe  exchanges
	swept    int64 // the minute of the last sweep
}

type kindKey struct {
	operation string
	direction policy.Direction
	kind      policy.Kind
	fixed     bool
}

// kind records the violations of one kind in an operation.
type kind struct {
	requests tally // with such a violation
	would    tally // of these, those that enforcing refuses for it
	exempt   tally // of these, those that the policy exempts
	refused  tally
	places   map[Place]*tally
	more     tally // in places without their names
}

type target struct{ method, path string }

type taken struct {
	tally
	status int // of the last response
}

// New returns an empty recorder.
func New() *Recorder {
	return &Recorder{
		counters: map[string]*Counter{"": {}}, kinds: map[kindKey]*kind{},
		targets: [2]map[target]*taken{{}, {}},
	}
}

// Use makes a contract the current one and returns the counters of its operations, in their order. Operations keep their
// counts if their IDs stay the same.
func (r *Recorder) Use(c Contract) []*Counter {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.contract = c
	counters := make([]*Counter, len(c.Operations))
	for i, op := range c.Operations {
		if r.counters[op.ID] == nil {
			r.counters[op.ID] = &Counter{}
		}
		counters[i] = r.counters[op.ID]
	}
	return counters
}

// Unknown returns the counter of requests that match no operation.
func (r *Recorder) Unknown() *Counter {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counters[""]
}

// Add records a request that was refused or has a violation. counter is that of its operation.
func (r *Recorder) Add(counter *Counter, e *Exchange) {
	number := minuteOf(e.Time)
	counter.count(number, int(e.Outcome))
	request, response := e.would(policy.Requests), e.would(policy.Responses)
	switch {
	case request && response:
		counter.count(number, wouldBoth)
		fallthrough
	case request:
		counter.count(number, wouldRefuse)
	case response:
		counter.count(number, wouldReplace)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(number)
	r.addViolations(e)
	if e.Operation == "" {
		r.addTarget(e)
	}
	if !e.passed() {
		r.refused.add(e)
	}
	if request || response {
		r.wouldBe.add(e)
	}
}

// addViolations counts each kind and each place of the exchange once.
func (r *Recorder) addViolations(e *Exchange) {
	type marks struct{ seen, would, refused, exempt bool }
	counted := map[kindKey]marks{}
	var places []Place
	for _, v := range e.Violations {
		v.Place = v.Place.cut()
		key := kindKey{v.Operation, v.Direction, v.Kind, v.Fixed}
		k := r.kind(key)
		once := counted[key]
		if !once.seen {
			k.requests.add(e.Time)
		}
		if v.Would && !once.would && e.passed() {
			k.would.add(e.Time)
		}
		if v.Refused && !once.refused {
			k.refused.add(e.Time)
		}
		exempt := !v.Would && !v.Refused
		if exempt && !once.exempt {
			k.exempt.add(e.Time)
		}
		counted[key] = marks{true, once.would || v.Would, once.refused || v.Refused, once.exempt || exempt}
		if !slices.Contains(places, v.Place) {
			places = append(places, v.Place)
			r.addPlace(k, v.Place, e.Time)
		}
	}
}

func (r *Recorder) kind(key kindKey) *kind {
	k := r.kinds[key]
	if k == nil {
		k = &kind{places: map[Place]*tally{}}
		r.kinds[key] = k
	}
	return k
}

func (r *Recorder) addPlace(k *kind, p Place, at time.Time) {
	t := k.places[p]
	switch {
	case t != nil:
	case len(k.places) >= maxPlacesOfKind || r.places >= maxPlaces:
		t = &k.more
	default:
		t = &tally{}
		k.places[p] = t
		r.places++
	}
	t.add(at)
}

// addTarget counts a path that the contract does not have. Paths that the upstream accepted have their own limit, so that a
// scanner cannot crowd them out.
func (r *Recorder) addTarget(e *Exchange) {
	list, name := 0, target{cut(e.Method), cut(e.Path)}
	if e.Status >= 400 || e.Status == 0 {
		list = 1
	}
	t := r.targets[list][name]
	if t == nil {
		if len(r.targets[list]) >= maxTargets {
			r.more[list].add(e.Time)
			return
		}
		t = &taken{}
		r.targets[list][name] = t
	}
	t.status = e.Status
	t.add(e.Time)
}

// sweep removes, once a minute, names not seen for an hour.
func (r *Recorder) sweep(now int64) {
	if now <= r.swept {
		return
	}
	r.swept = now
	for key, k := range r.kinds {
		for p, t := range k.places {
			if t.over(now) {
				delete(k.places, p)
				r.places--
			}
		}
		if k.requests.over(now) {
			delete(r.kinds, key)
		}
	}
	for _, list := range r.targets {
		for name, t := range list {
			if t.over(now) {
				delete(list, name)
			}
		}
	}
	current := map[string]bool{"": true}
	for _, op := range r.contract.Operations {
		current[op.ID] = true
	}
	for id, c := range r.counters {
		if !current[id] && c.over(now) {
			delete(r.counters, id)
		}
	}
}

// exchanges are the most recent exchanges.
type exchanges struct {
	list [maxExchanges]Exchange
	next int
	full bool
}

// add stores a copy, cut to the limits.
func (l *exchanges) add(e *Exchange) {
	kept := *e
	kept.Method, kept.Path = cut(e.Method), cut(e.Path)
	kept.Violations = nil
	for _, v := range e.Violations[:min(len(e.Violations), maxViolations)] {
		v.Place = v.Place.cut()
		kept.Violations = append(kept.Violations, v)
	}
	l.list[l.next] = kept
	l.next = (l.next + 1) % maxExchanges
	l.full = l.full || l.next == 0
}

// since returns those of the last hour, latest first.
func (l *exchanges) since(now int64) []Exchange {
	n := l.next
	if l.full {
		n = maxExchanges
	}
	var list []Exchange
	for i := range n {
		e := &l.list[(l.next-1-i+maxExchanges)%maxExchanges]
		if age := now - minuteOf(e.Time); 0 <= age && age < Minutes {
			list = append(list, *e)
		}
	}
	return list
}

// cut returns the place with its names cut and item indexes removed, which vary by request.
func (p Place) cut() Place {
	p.Name, p.Keyword, p.Reason = cut(p.Name), cut(p.Keyword), cut(p.Reason)
	if p.In == "" {
		p.Name = anyItem(p.Name)
	}
	return p
}

// anyItem replaces the indexes of a JSON Pointer by *.
func anyItem(pointer string) string {
	if !strings.ContainsAny(pointer, "0123456789") {
		return pointer
	}
	tokens := strings.Split(pointer, "/")
	for i, token := range tokens {
		if token != "" && strings.Trim(token, "0123456789") == "" {
			tokens[i] = "*"
		}
	}
	return strings.Join(tokens, "/")
}

// cut returns the beginning of a text, as valid UTF-8.
func cut(s string) string {
	if len(s) > maxName {
		s = s[:maxName] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
