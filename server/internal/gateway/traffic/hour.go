package traffic

import (
	"cmp"
	"slices"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// Hour is a snapshot of the last hour.
type Hour struct {
	Time     time.Time
	Contract Contract
	// Counts are the totals; Minutes are the counts of each minute, the current one last.
	Counts  Counts
	Minutes [Minutes]Counts
	// Operations are the called operations, the busiest first. The ID "" is for requests that match no operation.
	Operations []OperationCounts
	// Kinds are the violations, the most frequent first.
	Kinds []KindCounts
	// Refused are the last refused exchanges, and Would the last that enforcing would have refused; latest first.
	Refused, Would []Exchange
	// Targets are paths that the contract does not have; those that the upstream accepted come first.
	Targets []TargetCount
	// MoreTargets counts requests for paths that are not in Targets.
	MoreTargets int
}

// OperationCounts are the counts of an operation.
type OperationCounts struct {
	Operation
	Counts
}

// KindCounts are the violations of one kind in an operation.
type KindCounts struct {
	Operation string
	Direction policy.Direction
	Kind      policy.Kind
	// Fixed is true if no policy lets them pass: other servers may find an enforced operation at the path.
	Fixed bool
	// Requests is how many requests have such a violation. For it, Refused were refused, and enforcing would have refused
	// Would.
	Requests, Would, Refused int
	// Exempt is how many passed because the policy exempts the kind.
	Exempt int
	Last   time.Time
	// Places are the places, the most frequent first. More counts requests with other places.
	Places []PlaceCount
	More   int
}

// PlaceCount is how many requests have a violation at a place.
type PlaceCount struct {
	Place
	Requests int
	Last     time.Time
}

// TargetCount is how many requests had a path that the contract does not have.
type TargetCount struct {
	Method, Path string
	Requests     int
	Status       int // of the last response
	Last         time.Time
}

// Hour returns a snapshot of the hour before now.
func (r *Recorder) Hour(now time.Time) *Hour {
	number := minuteOf(now)
	r.mu.Lock()
	defer r.mu.Unlock()
	h := &Hour{Time: now, Contract: r.contract, Refused: r.refused.since(number), Would: r.wouldBe.since(number)}
	h.operations(r.counters, number)
	for key, k := range r.kinds {
		if c := k.counts(key, number); c.Requests > 0 {
			h.Kinds = append(h.Kinds, c)
		}
	}
	slices.SortFunc(h.Kinds, func(a, b KindCounts) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Kind, b.Kind))
	})
	for i := range r.targets {
		h.Targets = append(h.Targets, sorted(r.targets[i], number)...)
		h.MoreTargets += r.more[i].sum(number)
	}
	return h
}

func (h *Hour) operations(counters map[string]*Counter, now int64) {
	known := map[string]Operation{"": {Rules: h.Contract.Unknown}}
	for _, op := range h.Contract.Operations {
		known[op.ID] = op
	}
	for id, c := range counters {
		o := OperationCounts{Operation: known[id]}
		o.ID = id
		c.read(now, &h.Minutes, &o.Counts)
		if o.Total() > 0 {
			h.Operations = append(h.Operations, o)
			h.Counts.sum(&o.Counts)
		}
	}
	slices.SortFunc(h.Operations, func(a, b OperationCounts) int {
		return cmp.Or(cmp.Compare(b.Total(), a.Total()), cmp.Compare(a.ID, b.ID))
	})
}

func (k *kind) counts(key kindKey, now int64) KindCounts {
	c := KindCounts{
		Operation: key.operation, Direction: key.direction, Kind: key.kind, Fixed: key.fixed, Requests: k.requests.sum(now), Would: k.would.sum(now),
		Refused: k.refused.sum(now), Exempt: k.exempt.sum(now), Last: k.requests.last, More: k.more.sum(now),
	}
	for p, t := range k.places {
		if n := t.sum(now); n > 0 {
			c.Places = append(c.Places, PlaceCount{p, n, t.last})
		}
	}
	slices.SortFunc(c.Places, func(a, b PlaceCount) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Keyword, b.Keyword), cmp.Compare(a.In, b.In))
	})
	return c
}

func sorted(targets map[target]*taken, now int64) []TargetCount {
	var list []TargetCount
	for name, t := range targets {
		if n := t.sum(now); n > 0 {
			list = append(list, TargetCount{name.method, name.path, n, t.status, t.last})
		}
	}
	slices.SortFunc(list, func(a, b TargetCount) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return list
}
