package strict

import (
	"fmt"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// observe records a finished exchange: metric, span, Done and log line.
func (x *Exchange) observe() {
	x.duration = x.handler.config.Now().Sub(x.Start)
	if x.handler.duration != nil {
		x.handler.duration.Record(x.Context, x.duration.Seconds(), metric.WithAttributes(x.attributes()...))
	}
	x.endSpan()
	if x.handler.config.Done != nil {
		x.handler.config.Done(x)
	}
	log, level := x.handler.config.Log, slog.LevelInfo
	if x.failed() {
		level = slog.LevelError
	}
	if !log.Enabled(x, level) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 20), // on the stack
		slog.String("method", message.Method(x.Request.Method)), slog.Int("status", x.Status()), slog.Int64("bytes", x.size),
		slog.Float64("duration_ms", float64(x.duration.Microseconds())/1000), slog.String("request-id", x.RequestID))
	if x.Operation != nil {
		attrs = append(attrs, slog.String("operation", x.Operation.ID))
	} else {
		attrs = append(attrs, slog.String("path", message.Cut(x.Request.URL.EscapedPath())))
	}
	if x.span != nil {
		span := x.span.SpanContext()
		attrs = append(attrs, slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	if x.handler.config.Attrs != nil {
		attrs = append(attrs, x.handler.config.Attrs(x)...)
	}
	if p := x.problem; p != nil {
		attrs = append(attrs, slog.String("code", p.Code))
		if p.Cause != nil && level == slog.LevelError {
			attrs = append(attrs, slog.String("err", p.Cause.Error()))
		}
	}
	log.LogAttrs(x, level, "request", attrs...)
}

// failed reports whether the server failed or the response broke off.
func (x *Exchange) failed() bool {
	return x.late && !x.gone || x.status >= http.StatusInternalServerError
}

// measure creates the histogram of the handler.
func (h *Handler) measure() error {
	if h.config.Meter == nil {
		return nil
	}
	var err error
	h.duration, err = h.config.Meter.Float64Histogram("http.server.request.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of HTTP server requests."),
		metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10))
	if err != nil {
		return fmt.Errorf("building the handler: making the histogram: %w", err)
	}
	return nil
}

// attributes returns the attributes of the semantic conventions for HTTP. They contain no value from a client.
func (x *Exchange) attributes() []attribute.KeyValue {
	all := []attribute.KeyValue{attribute.String("http.request.method", x.method()), attribute.Int("http.response.status_code", x.Status())}
	if x.resource != nil {
		all = append(all, attribute.String("http.route", x.resource.pattern))
	}
	return all
}

// method returns the method as in the semantic conventions.
func (x *Exchange) method() string {
	if m := message.Method(x.Request.Method); m != "other" {
		return m
	}
	return "_OTHER"
}

// traceContext reads traceparent and tracestate (W3C Trace Context).
var traceContext propagation.TraceContext

// beginSpan starts the span of a request within the client's trace.
func (x *Exchange) beginSpan() {
	if x.handler.config.Tracer == nil {
		return
	}
	ctx := traceContext.Extract(x.Context, propagation.HeaderCarrier(x.Request.Header))
	x.Context, x.span = x.handler.config.Tracer.Start(ctx, x.spanName(), trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(x.Start))
}

// spanName returns the method and the route. An unknown method is HTTP (semantic conventions for HTTP).
func (x *Exchange) spanName() string {
	method := x.method()
	if method == "_OTHER" {
		method = "HTTP"
	}
	if x.resource == nil {
		return method
	}
	return method + " " + x.resource.pattern
}

func (x *Exchange) endSpan() {
	if x.span == nil || !x.span.IsRecording() {
		return
	}
	x.span.SetName(x.spanName())
	x.span.SetAttributes(x.attributes()...)
	if x.Operation != nil {
		x.span.SetAttributes(attribute.String("openapi.operation.id", x.Operation.ID))
	}
	if x.failed() {
		x.span.SetStatus(codes.Error, "")
	}
	x.span.End()
}
