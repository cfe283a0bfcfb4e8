package app

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pfxrecryption/pfxrecryption/server/internal/conns"
)

// ConnectionLimits bound the connections of clients.
type ConnectionLimits struct {
	MaxConnections           int `default:"0" help:"The highest number of client connections. A further one ends the connection that has been idle for the longest time. While more than three quarters are open, idle connections end after 15 s instead of 60. The default, 0, is three quarters of the files that the process may open, at most 16384." placeholder:"N"`
	MaxConnectionsPerAddress int `default:"0" help:"The highest number of connections from one address (IPv6: one /64); a further one is closed. The default, 0, sets no such limit: behind a load balancer all clients share an address." placeholder:"N"`
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

// maxMaxConnections keeps the memory of idle connections within some hundreds of MB.
const maxMaxConnections = 16 << 10

// showConnections registers the metrics of a listener.
func (h *host) showConnections(l *conns.Listener) {
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: metricsNamespace, Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	counter := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: metricsNamespace, Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	h.metrics.MustRegister(
		gauge("connections", "Open client connections.", func() int { open, _, _ := l.Counts(); return open }),
		counter("connections_refused_total", "Connections that were closed at once, see --max-connections.", func() int { _, refused, _ := l.Counts(); return refused }),
		counter("connections_ended_total", "Idle connections that were closed to make room for others.", func() int { _, _, ended := l.Counts(); return ended }),
	)
}
