//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/pfxrecryption/pfxrecryption/scripts/bench/load"
)

const (
	usualLoad  = 0.7
	longestP99 = 50 * time.Millisecond
)

// quantiles are those of one measurement.
type quantiles struct{ p50, p99, p999 float64 }

// measureLatency measures how long an update takes at a share of the measured rate.
func (r *rig) measureLatency(t *table) error {
	seen := map[*kind][]quantiles{}
	for round := range *rounds {
		for _, k := range r.kinds {
			q, err := latencyOf(k.small, usualLoad*k.capacity)
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			seen[k] = append(seen[k], q)
		}
		progress("latency: round %d of %d", round+1, *rounds)
	}
	t.title("updates at %.0f %% of that rate, from when each is due", usualLoad*100)
	for _, k := range r.kinds {
		p99 := load.Median(seen[k], func(q quantiles) float64 { return q.p99 })
		figure := fmt.Sprintf("at %.0f/s: p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms", usualLoad*k.capacity,
			load.Median(seen[k], func(q quantiles) float64 { return q.p50 }), p99, load.Median(seen[k], func(q quantiles) float64 { return q.p999 }))
		t.judge(k.name, figure, fmt.Sprintf("p99 < %s", longestP99), p99 < milliseconds(longestP99))
	}
	return nil
}

func latencyOf(d database, rate float64) (quantiles, error) {
	var q quantiles
	err := served(d, func(s *server) error {
		if _, _, err := s.send(*connections, rate, *duration/4, s.updates(hotObjects, pageUpdate)); err != nil { // warms up
			return err
		}
		seen, _, err := s.send(*connections, rate, *duration, s.updates(hotObjects, pageUpdate))
		if err == nil {
			q = quantiles{milliseconds(seen.Quantile(0.5)), milliseconds(seen.Quantile(0.99)), milliseconds(seen.Quantile(0.999))}
		}
		return err
	})
	return q, err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
