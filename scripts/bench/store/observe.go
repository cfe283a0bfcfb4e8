//go:build linux

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/pfxrecryption/pfxrecryption/scripts/bench/load"
)

// setting selects what a server records about itself.
type setting struct {
	name  string
	flags []string
	env   []string
	quiet bool // it does not log its address
	seen  map[*kind][]sample
}

const (
	auditLeast = 0.85
	allLeast   = 0.8
)

// measureObservation measures updates with the audit trail, and with everything: audit trail, metrics, traces of one
// request in a hundred, and a log line for each. The ratios are medians over the rounds.
func (r *rig) measureObservation(t *table) error {
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the sender retries after an error
	}))
	defer collector.Close()
	nothing := &setting{name: "nothing", flags: []string{"--admin-listen=", "--audit=off", "--log-level=error"}, quiet: true}
	trail := &setting{name: "audit trail", flags: []string{"--admin-listen=", "--log-level=error"}, quiet: true}
	all := &setting{
		name: "everything", flags: []string{"--admin-listen=127.0.0.1:0"},
		env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.01"},
	}
	settings := []*setting{nothing, trail, all}
	defer func() { r.setting = nil }()
	for round := range *rounds {
		for _, k := range r.kinds {
			for _, s := range settings {
				r.setting = s
				got, err := rateOf(k.small)
				if err != nil {
					return fmt.Errorf("%s, telling %s: %w", k.name, s.name, err)
				}
				if s.seen == nil {
					s.seen = map[*kind][]sample{}
				}
				s.seen[k] = append(s.seen[k], got)
			}
		}
		progress("observation: round %d of %d", round+1, *rounds)
	}
	t.title("updates over HTTP, %d at a time, by what the server tells", *connections)
	for _, k := range r.kinds {
		for _, s := range settings {
			c := contender{name: k.name + ", " + s.name, seen: s.seen[k]}
			c.tell(t)
		}
		t.atLeast("  audit trail, of nothing", trail.share(nothing, k), auditLeast)
		t.atLeast("  everything, of nothing", all.share(nothing, k), allLeast)
	}
	return r.measureTrails(t)
}

// share returns the median over the rounds of the ratio of two settings.
func (s *setting) share(of *setting, k *kind) float64 {
	rounds := make([]int, len(s.seen[k]))
	for i := range rounds {
		rounds[i] = i
	}
	return load.Median(rounds, func(i int) float64 { return s.seen[k][i].perSecond / of.seen[k][i].perSecond })
}

// measureTrails measures the cost of the audit trail for the stores alone.
func (r *rig) measureTrails(t *table) error {
	benchmarks, err := r.buildBenchmarks("sqlite", "postgres")
	if err != nil {
		return err
	}
	for _, name := range []string{"sqlite", "postgres"} {
		ratio, err := benchmarks[name].figure("^BenchmarkAudit$", fmt.Sprintf("%dx", 20**rounds), membersOfOff)
		if err != nil {
			return err
		}
		t.atLeast("the store alone with its audit trail, "+name, ratio, auditLeast)
	}
	return nil
}
