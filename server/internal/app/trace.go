package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// traceFlush is the timeout for sending the last spans.
const traceFlush = 5 * time.Second

// openTracing returns a provider that sends the spans of a service by OTLP over HTTP. It sends them to endpoint, or to the
// address in OpenTelemetry's own variables. It returns nil if neither is set or the variables turn tracing off. The
// variables also set the sampler, header fields and the name.
func openTracing(ctx context.Context, service, endpoint string, log *slog.Logger) (*sdktrace.TracerProvider, error) {
	var options []otlptracehttp.Option
	switch {
	case strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none":
		return nil, nil //nolint:nilnil // no tracing is a valid setting
	case endpoint != "":
		options = append(options, otlptracehttp.WithEndpointURL(strings.TrimSuffix(endpoint, "/")+"/v1/traces"))
	case os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "":
		return nil, nil //nolint:nilnil // as above
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("opening the exporter of traces: %w", err)
	}
	self, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", service)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	// The library has one error handler for the whole process, and by default it bypasses the log.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("spans were not sent", "err", err) }))
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(self)), nil
}

// tracerOf returns the tracer of a provider, or an untyped nil: an interface that holds a nil pointer would be used.
func tracerOf(p *sdktrace.TracerProvider) trace.Tracer {
	if p == nil {
		return nil
	}
	return p.Tracer("pfxrd")
}

// closeTracing sends the last spans. A missing collector is logged, not an error.
func closeTracing(p *sdktrace.TracerProvider, log *slog.Logger) {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), traceFlush)
	defer cancel()
	if err := p.Shutdown(ctx); err != nil {
		log.Warn("the last spans were not sent", "err", err)
	}
}

// storeTracer traces the calls of a store for sampled requests.
type storeTracer struct {
	tracer trace.Tracer // nil if tracing is off
	system attribute.KeyValue
}

func newStoreTracer(tracer trace.Tracer, dsn string) *storeTracer {
	if isPostgres(dsn) {
		return &storeTracer{tracer, semconv.DBSystemNamePostgreSQL}
	}
	return &storeTracer{tracer, semconv.DBSystemNameSQLite}
}

// call starts the span of a call, or returns nil if the request is not sampled.
func (t *storeTracer) call(ctx context.Context, name string) (context.Context, trace.Span) {
	if t.tracer == nil || !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, nil
	}
	return t.tracer.Start(ctx, "store "+name, trace.WithAttributes(t.system, semconv.DBOperationName(name)))
}

// endSpan ends a span, if there is one. kind is the kind of error, or "".
func endSpan(span trace.Span, kind string) {
	if span == nil {
		return
	}
	if kind != "" {
		span.SetStatus(codes.Error, kind)
	}
	span.End()
}

// batch records the span of a batch of updates that has ended. It belongs to the trace of the first update and links to the
// others. Its children are the wait for the writer and the commit.
func (t *storeTracer) batch(b *pfx.Batch) {
	if t.tracer == nil || len(b.Spans) == 0 {
		return
	}
	ended := time.Now()
	begun := ended.Add(-b.Took)
	links := make([]trace.Link, len(b.Spans)-1)
	for i, span := range b.Spans[1:] {
		links[i].SpanContext = span
	}
	ctx := trace.ContextWithSpanContext(context.Background(), b.Spans[0])
	ctx, span := t.tracer.Start(ctx, "store batch", trace.WithTimestamp(begun.Add(-b.Waited)), trace.WithLinks(links...),
		trace.WithAttributes(t.system, semconv.DBOperationBatchSize(b.Size)))
	part := func(name string, from, to time.Time) {
		_, span := t.tracer.Start(ctx, name, trace.WithTimestamp(from))
		span.End(trace.WithTimestamp(to))
	}
	part("queue", begun.Add(-b.Waited), begun)
	part("commit", ended.Add(-b.Commit), ended)
	span.End(trace.WithTimestamp(ended))
}
