//go:build linux

package main

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/url"
	"time"

	"github.com/pfxrecryption/pfxrecryption/scripts/bench/load"
)

// longer is the allowed ratio of times with many and few objects. longerTogether is that for concurrent updates, which
// share pages of the table and the log if there are few objects.
const (
	longer         = 1.5
	longerTogether = 2.0
)

// call is a request whose time must not depend on the number of objects.
type call struct {
	name        string
	connections int
	requests    func(s *server, objects int) (source, error)
	within      float64 // the allowed ratio; 0 means longer
	told        bool    // not checked: a file has no index on members, so a search reads all objects of the tenant
}

// calls has the updates last, because they change the results of some lists.
func calls() []call {
	page := func(path string) func(*server, int) (source, error) {
		return func(s *server, _ int) (source, error) { return load.Same(s.get(path)), nil }
	}
	update := func(s *server, objects int) (source, error) {
		return s.updates(inPageTenant(objects), statusUpdate), nil
	}
	return []call{
		{name: "first page", connections: 1, requests: page(objectsPath)},
		{name: "a page in the middle, by nextLink", connections: 1, requests: func(s *server, objects int) (source, error) {
			path, err := s.next(objectsPath + "?$skiptoken=" + base64.RawURLEncoding.EncodeToString([]byte(key(inPageTenant(objects)/2))))
			return load.Same(s.get(path)), err
		}},
		{name: "a page of those with a value, one in twenty", connections: 1, requests: page(objectsPath + "?$filter=" + url.QueryEscape("profileId eq 00000000-0000-0000-0000-000000000007"))},
		{name: "a search for a value that none has", connections: 1, requests: page(objectsPath + "?$filter=" + url.QueryEscape("thumbprint eq 'none'")), told: true},
		{name: "PATCH, one at a time", connections: 1, requests: update},
		{name: fmt.Sprintf("PATCH, %d at a time", *connections), connections: *connections, requests: update, within: longerTogether},
	}
}

// state is a database of some size with its results.
type state struct {
	objects        int
	database       database
	took           [][]float64 // milliseconds, by call
	disk           int64
	server, beside int64 // memory of the server, and of PostgreSQL
}

// measureSizes compares the small databases with large ones.
func (r *rig) measureSizes(t *table) error {
	for _, k := range r.kinds {
		if err := r.measureSize(t, k); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	return nil
}

func (r *rig) measureSize(t *table, k *kind) error {
	begun := time.Now()
	large, err := k.create(r, *objects)
	if err != nil {
		return err
	}
	progress("%s: %d objects in %s", k.name, *objects, time.Since(begun).Round(time.Second))
	all := calls()
	states := []*state{{objects: smallObjects, database: k.small}, {objects: *objects, database: large}}
	for round := range *rounds {
		for _, s := range states {
			if err := s.measure(all); err != nil {
				return err
			}
		}
		progress("%s: round %d of %d", k.name, round+1, *rounds)
	}
	few, many := states[0], states[1]
	t.title("%s with %d objects and with %d", k.name, few.objects, many.objects)
	for i, c := range all {
		before, after := few.median(i), many.median(i)
		figure := fmt.Sprintf("%.2f ms, %.2f ms: %.2f times", before, after, after/before)
		if c.told {
			t.tell(c.name, "%s", figure)
			continue
		}
		within := cmp.Or(c.within, longer)
		t.judge(c.name, figure, fmt.Sprintf("<= %.1f times", within), after/before <= within)
	}
	t.tell("on disk", "%s, %s: %d bytes an object", mebibytes(few.disk), mebibytes(many.disk), many.disk/int64(many.objects))
	t.tell("memory of pfxrd", "%s, %s", mebibytes(few.server), mebibytes(many.server))
	if many.beside > 0 {
		t.tell("memory of PostgreSQL", "%s, %s", mebibytes(few.beside), mebibytes(many.beside))
	}
	return nil
}

// measure runs one round.
func (s *state) measure(all []call) error {
	s.took = append(s.took, make([]float64, len(all)))
	return served(s.database, func(to *server) error {
		for i, c := range all {
			requests, err := c.requests(to, s.objects)
			if err != nil {
				return err
			}
			if _, _, err := to.send(c.connections, 0, *duration/4, requests); err != nil { // warms up
				return err
			}
			seen, _, err := to.send(c.connections, 0, *duration, requests)
			if err != nil {
				return err
			}
			s.took[len(s.took)-1][i] = milliseconds(seen.Quantile(0.5))
		}
		s.server, s.beside = to.Memory(), to.database.Memory()
		var err error
		s.disk, err = s.database.size()
		return err
	})
}

// median returns the median time of a call in milliseconds.
func (s *state) median(call int) float64 {
	return load.Median(s.took, func(round []float64) float64 { return round[call] })
}

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
