package app

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/client/command"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// metrics are the metrics of a server. No label has a value from a client: operations come from the contract, reasons are
// error codes, issuers are configured.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	tokens   *prometheus.CounterVec
	fetches  *prometheus.CounterVec
	store    *prometheus.HistogramVec
	failures *prometheus.CounterVec
	batch    prometheus.Histogram
	waited   prometheus.Histogram
	commit   prometheus.Histogram
}

const metricsNamespace = "pfxr"

// seconds are the buckets of durations, for consumers that do not read native histograms.
var seconds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// histogram returns the options of a histogram that is both native and classic.
func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Namespace: metricsNamespace, Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
	}
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: metricsNamespace, Name: name, Help: help}, labels)
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		requests: counters("requests_total", "Requests by operation (empty if no route matches), status and reason: the error code, or Overload beyond --max-in-flight.", "operation", "status", "reason"),
		duration: prometheus.NewHistogramVec(histogram("request_duration_seconds", "Time from the header of a request to the end of its response.", seconds), []string{"operation"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: metricsNamespace, Name: "requests_in_flight", Help: "Requests without a complete response."}),
		tokens:   counters("token_checks_total", "Token checks by outcome: accepted, missing, invalid, expired, audience, unavailable.", "outcome"),
		fetches:  counters("key_fetches_total", "Fetches of an issuer's keys by result.", "issuer", "result"),
		store:    prometheus.NewHistogramVec(histogram("store_duration_seconds", "Duration of a call of the store, including waiting.", seconds), []string{"call"}),
		failures: counters("store_failures_total", "Calls of the store that failed or were abandoned, by kind.", "call", "kind"),
		batch:    prometheus.NewHistogram(histogram("store_batch_size", "Updates that shared a commit.", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256})),
		waited:   prometheus.NewHistogram(histogram("store_queue_duration_seconds", "How long the first update of a batch waited for a writer.", seconds)),
		commit:   prometheus.NewHistogram(histogram("store_commit_duration_seconds", "How long a writer worked on a batch, including the commit.", seconds)),
	}
	registry.MustRegister(m.requests, m.duration, m.inFlight, m.tokens, m.fetches, m.store, m.failures, m.batch, m.waited, m.commit)
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: metricsNamespace, Name: "build_info", Help: "Always 1, labeled with the version of the program."}, []string{"version"})
	build.WithLabelValues(command.ReadBuild().Version).Set(1)
	registry.MustRegister(build)
	return m
}

// done counts a request.
func (m *metrics) done(operation string, status int, reason string, took time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status), reason).Inc()
	m.duration.WithLabelValues(operation).Observe(took.Seconds())
}

// count counts the requests in flight.
func (m *metrics) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.inFlight.Inc()
		defer m.inFlight.Dec()
		next.ServeHTTP(w, r)
	})
}

func (m *metrics) checked(outcome string) { m.tokens.WithLabelValues(outcome).Inc() }

func (m *metrics) fetched(issuer string, err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.fetches.WithLabelValues(issuer, result).Inc()
}

func (m *metrics) wrote(b pfx.Batch) {
	m.batch.Observe(float64(b.Size))
	m.waited.Observe(b.Waited.Seconds())
	m.commit.Observe(b.Took.Seconds())
}

// watchStore registers the metrics of one kind of store.
func (m *metrics) watchStore(s store, registry prometheus.Registerer, tracer *storeTracer) {
	gauge := func(name, help string, value func() int64) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: metricsNamespace, Name: name, Help: help}, func() float64 { return float64(value()) }))
	}
	if s, ok := s.(interface{ Observe(fn func(pfx.Batch)) }); ok {
		s.Observe(func(b pfx.Batch) {
			m.wrote(b)
			tracer.batch(&b)
		})
	}
	if s, ok := s.(interface{ LogSize() int64 }); ok {
		gauge("store_log_bytes", "Length of the write-ahead log next to the file.", s.LogSize)
	}
	if s, ok := s.(interface{ Connections() (open, used, most int) }); ok {
		gauge("store_connections", "Open connections to the database.", func() int64 { open, _, _ := s.Connections(); return int64(open) })
		gauge("store_connections_used", "Connections to the database that are in use.", func() int64 { _, used, _ := s.Connections(); return int64(used) })
		gauge("store_connections_max", "The highest number of connections to the database.", func() int64 { _, _, most := s.Connections(); return int64(most) })
	}
}

// measuredStore measures and traces the calls of a store.
type measuredStore struct {
	pfx.Store
	metrics *metrics
	tracer  *storeTracer
}

// storeCall is a call in flight.
type storeCall struct {
	store *measuredStore
	name  string
	begun time.Time
	span  trace.Span // nil if not traced
}

func (s *measuredStore) begin(ctx context.Context, name string) (context.Context, storeCall) {
	ctx, span := s.tracer.call(ctx, name)
	return ctx, storeCall{s, name, time.Now(), span}
}

// kinds are the errors that the store causes, not the client.
var kinds = map[pfx.Kind]string{pfx.Internal: "internal", pfx.Unavailable: "unavailable"}

// end records the end of a call and its error.
func (c *storeCall) end(err error) {
	c.store.metrics.store.WithLabelValues(c.name).Observe(time.Since(c.begun).Seconds())
	kind := ""
	if err != nil {
		e, ok := errors.AsType[*pfx.Error](err)
		if !ok {
			e = &pfx.Error{}
		}
		if kind = kinds[e.Kind]; kind != "" {
			c.store.metrics.failures.WithLabelValues(c.name, kind).Inc()
		}
	}
	endSpan(c.span, kind)
}

func (s *measuredStore) Update(ctx context.Context, tenant edm.Guid, id string, fn func(*pfx.Request) error) (*pfx.Request, error) {
	ctx, call := s.begin(ctx, "update")
	r, err := s.Store.Update(ctx, tenant, id, fn)
	call.end(err)
	return r, err
}

func (s *measuredStore) Insert(ctx context.Context, r pfx.Request) (*pfx.Request, error) {
	ctx, call := s.begin(ctx, "insert")
	stored, err := s.Store.Insert(ctx, r)
	call.end(err)
	return stored, err
}

func (s *measuredStore) Delete(ctx context.Context, tenant edm.Guid, id string, check func(*pfx.Request) error) error {
	ctx, call := s.begin(ctx, "delete")
	err := s.Store.Delete(ctx, tenant, id, check)
	call.end(err)
	return err
}

func (s *measuredStore) Get(ctx context.Context, tenant edm.Guid, id string) (*pfx.Request, error) {
	ctx, call := s.begin(ctx, "get")
	r, err := s.Store.Get(ctx, tenant, id)
	call.end(err)
	return r, err
}

func (s *measuredStore) List(ctx context.Context, tenant edm.Guid, q pfx.Query) ([]pfx.Request, error) {
	ctx, call := s.begin(ctx, "list")
	list, err := s.Store.List(ctx, tenant, q)
	call.end(err)
	return list, err
}

func (s *measuredStore) Count(ctx context.Context, tenant edm.Guid, filter pfx.Filter) (int64, error) {
	ctx, call := s.begin(ctx, "count")
	n, err := s.Store.Count(ctx, tenant, filter)
	call.end(err)
	return n, err
}
