package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// violation is a broken rule of the contract. It holds no value of a message; its log line names the method or the media
// type if that is the rule.
type violation struct {
	direction policy.Direction
	kind      policy.Kind
	in        string // "" for a body, otherwise path, query or header
	pointer   string // of the member
	name      string // of the member, the parameter, or the status
	keyword   string
	reason    string // why the part cannot be judged
	refused   bool
	would     bool   // enforcing would refuse it
	operation string // whose rules apply; "" before the operation is known
}

func (v *violation) verdict() string {
	if v.refused {
		return "refused"
	}
	return "watched"
}

// record counts and logs a violation.
func (g *Gate) record(x *exchange, v *violation) {
	g.config.Metrics.violations.WithLabelValues(x.operation(), v.direction.String(), v.kind.String(), v.verdict()).Inc()
	if !g.config.Log.Enabled(x.request.Context(), slog.LevelWarn) {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", x.operation()), slog.String("method", graph.Method(x.request.Method)), slog.String("direction", v.direction.String()),
		slog.String("violation", v.kind.String()), slog.String("verdict", v.verdict()), slog.String("keyword", v.keyword),
	}
	switch {
	case v.in != "":
		attrs = append(attrs, slog.String("in", v.in), slog.String("name", cut(v.name)))
	case v.kind == policy.Status:
		attrs = append(attrs, slog.Int("status", x.status))
	default:
		attrs = append(attrs, slog.String("pointer", cut(v.pointer)))
	}
	if seen, ok := x.seen(v); ok {
		attrs = append(attrs, slog.String("seen", cut(seen)))
	}
	if v.reason != "" {
		attrs = append(attrs, slog.String("reason", v.reason))
	}
	id := x.named()
	attrs = append(attrs, slog.String("request-id", id.RequestID.String()), slog.String("client-request-id", id.ClientRequestID.String()))
	g.config.Log.LogAttrs(x.request.Context(), slog.LevelWarn, "violation", attrs...)
}

// seen returns the method or media type that the contract does not have.
func (x *exchange) seen(v *violation) (string, bool) {
	switch v.kind {
	case policy.Method:
		return x.request.Method, true
	case policy.MediaType:
		h := x.request.Header
		if v.direction == policy.Responses {
			h = x.Header()
		}
		return strings.Join(h[cmp.Or(v.name, "Content-Type")], ", "), true
	}
	return "", false
}

// cut shortens a name that a client or an upstream chose.
func cut(s string) string { return message.Cut(s) }

// Metrics are the gateway's metrics. Their labels take only words of the contract and at most maxDrift other names.
type Metrics struct {
	requests     *prometheus.CounterVec
	duration     *prometheus.HistogramVec
	violations   *prometheus.CounterVec
	undocumented *prometheus.CounterVec
	unchecked    *prometheus.CounterVec
	reloads      *prometheus.CounterVec
	reloaded     prometheus.Gauge

	mu   sync.Mutex
	seen map[driftName]bool
	kept map[string]int // the number of names of each kind
}

type driftName struct{ operation, kind, name string }

// maxDrift bounds the names of each kind that are counted individually. The others are counted together.
const maxDrift = 100

// NewMetrics returns metrics registered with registry, or unregistered ones if it is nil. Gates that share a registry share
// the metrics.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	const namespace = "pfxr_gateway"
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "requests_total", Help: "Requests by operation (empty if none matches) and status of the response.",
		}, []string{"operation", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "request_duration_seconds", Help: "Time from the header of a request to the end of its response.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"operation"}),
		violations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "violations_total", Help: "Violations of the contract, refused or watched.",
		}, []string{"operation", "direction", "violation", "verdict"}),
		undocumented: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "undocumented_total",
			Help: "Differences from the contract: statuses and members of the upstream's responses; paths, methods and members that it accepted.",
		}, []string{"operation", "kind", "name"}),
		unchecked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "unchecked_total", Help: "Messages whose body was forwarded unchecked: stream, upgrade, or memory (see --max-held).",
		}, []string{"operation", "direction", "reason"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "reloads_total", Help: "Attempts to reload contract and policy.",
		}, []string{"result"}),
		reloaded: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "last_reload_successful", Help: "1 if the last attempt to reload the files succeeded, else 0.",
		}),
		seen: map[driftName]bool{}, kept: map[string]int{},
	}
	if registry != nil {
		err := errors.Join(show(registry, &m.requests), show(registry, &m.duration), show(registry, &m.violations),
			show(registry, &m.undocumented), show(registry, &m.unchecked), show(registry, &m.reloads), show(registry, &m.reloaded))
		if err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	m.reloaded.Set(1)
	return m, nil
}

// show registers a collector, or replaces *c by the one that is already registered.
func show[C prometheus.Collector](registry prometheus.Registerer, c *C) error {
	err := registry.Register(*c)
	if there, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if same, ok := there.ExistingCollector.(C); ok {
			*c, err = same, nil
		}
	}
	return err
}

// Reloaded counts an attempt to reload contract and policy.
func (m *Metrics) Reloaded(err error) {
	if err != nil {
		m.reloads.WithLabelValues("failed").Inc()
		m.reloaded.Set(0)
		return
	}
	m.reloads.WithLabelValues("ok").Inc()
	m.reloaded.Set(1)
}

// Reasons why the body of a message was not checked.
const (
	skippedStream  = "stream"
	skippedUpgrade = "upgrade"
	skippedMemory  = "memory"
)

// skipped counts a message whose body was not checked.
func (m *Metrics) skipped(x *exchange, d policy.Direction, reason string) {
	m.unchecked.WithLabelValues(x.operation(), d.String(), reason).Inc()
}

func (m *Metrics) done(x *exchange) {
	operation := x.operation()
	m.requests.WithLabelValues(operation, strconv.Itoa(x.status)).Inc()
	m.duration.WithLabelValues(operation).Observe(time.Since(x.start).Seconds())
	for i := range x.found {
		m.drift(x, &x.found[i])
	}
}

// drift counts what the upstream has but the contract lacks. What a client sends counts only if the upstream accepted it:
// otherwise any client could exhaust the names.
func (m *Metrics) drift(x *exchange, v *violation) {
	name := v.name
	switch {
	case v.kind == policy.Status:
	case v.kind == policy.UnknownMember && v.direction == policy.Responses:
	case x.status >= 400 || x.status == 0:
		return
	case v.kind == policy.UnknownMember:
	case v.kind == policy.Path:
		name = x.request.URL.EscapedPath()
	case v.kind == policy.Method:
		name = x.request.Method
	default:
		return
	}
	d := driftName{x.operation(), v.kind.String(), cut(name)}
	if !m.keep(d) {
		d.name = "(other)"
	}
	m.undocumented.WithLabelValues(d.operation, d.kind, d.name).Inc()
}

// keep reports whether a name is counted individually.
func (m *Metrics) keep(d driftName) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen[d] {
		return true
	}
	if m.kept[d.kind] == maxDrift {
		return false
	}
	m.kept[d.kind]++
	m.seen[d] = true
	return true
}
