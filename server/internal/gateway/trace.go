package gateway

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// traceContext reads and writes traceparent and tracestate (W3C Trace Context).
var traceContext propagation.TraceContext

// beginSpan starts the span of a request within the client's trace. Without a tracer it does nothing.
func (x *exchange) beginSpan() {
	tracer := x.gate.config.Tracer
	if tracer == nil {
		return
	}
	ctx := traceContext.Extract(x.request.Context(), propagation.HeaderCarrier(x.request.Header))
	ctx, x.span = tracer.Start(ctx, x.spanName(), trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(x.start))
	x.request = x.request.WithContext(ctx)
}

// spanName returns the method and the path template, as the semantic conventions for HTTP spans require. A name contains no
// value from a client.
func (x *exchange) spanName() string {
	method := graph.Method(x.request.Method)
	if method == "other" {
		method = "HTTP"
	}
	if x.resource == nil {
		return method
	}
	return method + " " + x.resource.path
}

func (x *exchange) endSpan() {
	if x.span == nil {
		return
	}
	x.span.SetName(x.spanName())
	x.span.SetAttributes(x.spanAttributes()...)
	x.span.SetAttributes(attribute.String("client.address", x.gate.config.Caller(x.request)), attribute.String("pfxr.verdict", x.verdict()),
		attribute.String("pfxr.operation", x.operation()))
	if x.status >= http.StatusInternalServerError || x.verdict() == failed {
		x.span.SetStatus(codes.Error, "")
	}
	x.span.End()
}

func (x *exchange) spanAttributes() []attribute.KeyValue {
	all := []attribute.KeyValue{attribute.String("http.request.method", graph.Method(x.request.Method)), attribute.Int("http.response.status_code", x.status)}
	if x.resource != nil {
		all = append(all, attribute.String("http.route", x.resource.path))
	}
	return all
}

// handOver gives the request to the next handler in its own span and passes the span's context on.
func (x *exchange) handOver(next http.Handler, r *http.Request) {
	if x.span == nil {
		next.ServeHTTP(x, r)
		return
	}
	ctx, span := x.gate.config.Tracer.Start(r.Context(), x.spanName(),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("server.address", x.gate.config.Upstream)))
	defer func() {
		span.SetAttributes(x.spanAttributes()...)
		if x.failed || !x.returned || x.status >= http.StatusBadRequest {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}()
	out := r.WithContext(ctx)
	out.Header = r.Header.Clone()
	traceContext.Inject(ctx, propagation.HeaderCarrier(out.Header))
	next.ServeHTTP(x, out)
	x.returned = true
}
