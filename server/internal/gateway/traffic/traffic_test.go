package traffic_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/traffic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func contract(ids ...string) traffic.Contract {
	var c traffic.Contract
	for _, id := range ids {
		c.Operations = append(c.Operations, traffic.Operation{ID: id, Method: "GET", Path: "/" + id})
	}
	return c
}

// seen returns an exchange with a violation in a place.
func seen(at time.Time, name string) *traffic.Exchange {
	return &traffic.Exchange{
		Time: at, Operation: "a", Outcome: traffic.Watched, Status: 200,
		Violations: []traffic.Violation{{Operation: "a", Kind: policy.Type, Place: traffic.Place{Name: name, Keyword: "type"}, Would: true}},
	}
}

// TestHour: a request counts for an hour, from its minute on.
func TestHour(t *testing.T) {
	t.Parallel()
	r := traffic.New()
	a := r.Use(contract("a"))[0]
	a.Pass(noon)
	a.Pass(noon.Add(59 * time.Second))
	r.Add(a, seen(noon.Add(time.Minute), "/x"))
	for _, tt := range []struct {
		after          time.Duration
		total, preview int
	}{{0, 2, 0}, {time.Minute, 3, 1}, {59*time.Minute + 59*time.Second, 3, 1}, {time.Hour, 1, 1}, {61 * time.Minute, 0, 0}} {
		h := r.Hour(noon.Add(tt.after))
		if h.Counts.Total() != tt.total || h.Counts.Preview() != tt.preview {
			t.Errorf("after %s: %+v, want %d and %d", tt.after, h.Counts, tt.total, tt.preview)
		}
		if (len(h.Kinds) > 0) != (tt.preview > 0) || (len(h.Would) > 0) != (tt.preview > 0) {
			t.Errorf("after %s: %v, %v", tt.after, h.Kinds, h.Would)
		}
	}
	a.Pass(noon.Add(time.Hour))
	a.Pass(noon) // it took an hour, and its minute was reused
	if h := r.Hour(noon.Add(time.Hour)); h.Counts.Total() != 2 || h.Minutes[traffic.Minutes-1].Total() != 1 {
		t.Errorf("got %+v", h.Counts)
	}
}

// TestUse: an operation keeps its counts under another contract; those of a removed one stay for an hour.
func TestUse(t *testing.T) {
	t.Parallel()
	r := traffic.New()
	for _, c := range r.Use(contract("a", "b")) {
		c.Pass(noon)
	}
	again := r.Use(contract("c", "a"))
	again[1].Pass(noon)
	h := r.Hour(noon)
	got := ""
	for _, o := range h.Operations {
		got += fmt.Sprintf("%s %s %d; ", o.ID, o.Path, o.Total())
	}
	if want := "a /a 2; b  1; "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestBounds: the number and the length of names are bounded for any requests, and all requests count.
func TestBounds(t *testing.T) {
	t.Parallel()
	r := traffic.New()
	a := r.Use(contract("a"))[0]
	const many = 5000
	for i := range many {
		e := seen(noon, fmt.Sprintf("/n%dx", i))
		for range 40 {
			e.Violations = append(e.Violations, e.Violations[0])
		}
		r.Add(a, e)
		for _, status := range []int{200, 404} {
			r.Add(r.Unknown(), &traffic.Exchange{Time: noon, Method: "GET", Path: fmt.Sprintf("/p%d\xff%s", i, strings.Repeat("x", 9000)), Status: status, Outcome: traffic.Refused})
		}
	}
	h := r.Hour(noon)
	if h.Counts.Total() != 3*many || len(h.Kinds) != 1 || h.Kinds[0].Requests != many || h.Kinds[0].Would != many {
		t.Errorf("%d requests, %+v", h.Counts.Total(), h.Kinds[0])
	}
	if places := len(h.Kinds[0].Places); places != 50 || h.Kinds[0].More != many-50 {
		t.Errorf("%d places and %d more", places, h.Kinds[0].More)
	}
	if len(h.Targets) != 200 || h.MoreTargets != 2*many-200 || len(h.Refused) != 100 || len(h.Would) != 100 {
		t.Errorf("%d paths, %d more, %d refusals, %d in the preview", len(h.Targets), h.MoreTargets, len(h.Refused), len(h.Would))
	}
	for _, target := range h.Targets {
		if len(target.Path) > 200 || !strings.Contains(target.Path, "\uFFFD") {
			t.Errorf("%d bytes: %.20q", len(target.Path), target.Path)
		}
	}
	if n := len(h.Would[0].Violations); n != 8 {
		t.Errorf("%d violations of one request", n)
	}
	r.Add(a, seen(noon.Add(2*time.Hour), "/later")) // reuses the room of the others
	if h := r.Hour(noon.Add(2 * time.Hour)); len(h.Kinds[0].Places) != 1 || len(h.Targets) != 0 {
		t.Errorf("%+v", h)
	}
}

// TestPlacesOfAll: all operations share the room for places, which is free again after an hour.
func TestPlacesOfAll(t *testing.T) {
	t.Parallel()
	r := traffic.New()
	for _, at := range []time.Time{noon, noon.Add(2 * time.Hour)} {
		for op := range 60 {
			for i := range 50 {
				e := seen(at, fmt.Sprintf("/n%dx", i))
				e.Violations[0].Operation = fmt.Sprint(op)
				r.Add(r.Unknown(), e)
			}
		}
		named, more := 0, 0
		for _, k := range r.Hour(at).Kinds {
			named += len(k.Places)
			more += k.More
		}
		if named != 2000 || more != 1000 {
			t.Errorf("at %s: %d places and %d more", at, named, more)
		}
	}
}

// TestPlaces: items of a list share one place.
func TestPlaces(t *testing.T) {
	t.Parallel()
	r := traffic.New()
	a := r.Use(contract("a"))[0]
	for _, name := range []string{"/items/0/name", "/items/17/name", "/items/x7/name"} {
		r.Add(a, seen(noon, name))
	}
	got := fmt.Sprint(r.Hour(noon).Kinds[0].Places)
	if !strings.Contains(got, "/items/*/name") || strings.Contains(got, "17") || !strings.Contains(got, "x7") {
		t.Errorf("got %s", got)
	}
}

// TestRefusals: the most recent refusals are kept, the latest first.
func TestRefusals(t *testing.T) {
	t.Parallel()
	r := traffic.New()
	for i := range 150 {
		r.Add(r.Unknown(), &traffic.Exchange{Time: noon, Path: fmt.Sprint("/", i), Outcome: traffic.Refused, Status: 404})
	}
	if h := r.Hour(noon); len(h.Refused) != 100 || h.Refused[0].Path != "/149" || h.Refused[99].Path != "/50" || len(h.Would) != 0 {
		t.Errorf("%d, from %s to %s", len(h.Refused), h.Refused[0].Path, h.Refused[99].Path)
	}
}

func TestConcurrently(t *testing.T) {
	t.Parallel()
	r := traffic.New()
	const each = 2000
	var all sync.WaitGroup
	for range 4 {
		a := r.Use(contract("a"))[0]
		all.Go(func() {
			for i := range each {
				a.Pass(noon.Add(time.Duration(i) * time.Second))
				if i%10 == 0 {
					r.Add(a, seen(noon, "/x"))
					r.Hour(noon)
				}
			}
		})
	}
	all.Wait()
	if h := r.Hour(noon.Add(each * time.Second)); h.Counts.Total() != 4*each*11/10 {
		t.Errorf("got %d", h.Counts.Total())
	}
}

// TestPassAllocatesNothing: Pass is called for every request.
func TestPassAllocatesNothing(t *testing.T) {
	a := traffic.New().Use(contract("a"))[0]
	if n := testing.AllocsPerRun(100, func() { a.Pass(noon) }); n > 0 {
		t.Errorf("%g allocations", n)
	}
}
