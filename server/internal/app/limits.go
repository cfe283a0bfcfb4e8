package app

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pfxrecryption/pfxrecryption/server/internal/conns"
)

// ConnectionLimits bound the connections of callers.
type ConnectionLimits struct {
	MaxConnections           int `default:"0" help:"How many connections callers may have together; a further one ends the one that has waited for a request for the longest time. While more than three quarters are open, those that stand still end after 15 s instead of 60. The default, 0, is three quarters of the files that the process may open, at most 16384." placeholder:"N"`
	MaxConnectionsPerAddress int `default:"0" help:"How many of them one address may have (of IPv6: a /64); a further one is closed. The default, 0, is without a bound of its own: behind a balancer all callers have the same address." placeholder:"N"`
}

func (l *ConnectionLimits) check() error {
	if l.MaxConnections < 0 || l.MaxConnectionsPerAddress < 0 {
		return errors.New("--max-connections and --max-connections-per-address must not be below 0")
	}
	return nil
}

func (l *ConnectionLimits) config() conns.Config {
	c := conns.Config{Max: l.MaxConnections, PerAddress: l.MaxConnectionsPerAddress, Stall: stallTimeout}
	if c.Max == 0 {
		c.Max = defaultMaxConnections()
	}
	return c
}

// maxMaxConnections keeps idle connections from taking more than some hundreds of MB.
const maxMaxConnections = 16 << 10

// showConnections registers what a listener counts.
func (h *host) showConnections(l *conns.Listener) {
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: metricsNamespace, Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	counter := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: metricsNamespace, Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	h.metrics.MustRegister(
		gauge("connections", "Connections of callers that are open.", func() int { open, _, _ := l.Counts(); return open }),
		counter("connections_refused_total", "Connections that were closed at once: see --max-connections.", func() int { _, refused, _ := l.Counts(); return refused }),
		counter("connections_ended_total", "Connections that were ended for others because they stood still.", func() int { _, _, ended := l.Counts(); return ended }),
	)
}
