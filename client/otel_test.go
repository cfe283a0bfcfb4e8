package client_test

import (
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/client"
)

// TestOpenTelemetry: each call is part of the caller's trace.
func TestOpenTelemetry(t *testing.T) {
	t.Parallel()
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	n := &network{replies: []reply{responds(200, entity)}}
	c := connectTo(t, n, client.WithOpenTelemetry(otelhttp.WithPropagators(propagation.TraceContext{})))
	if err := get(trace.ContextWithSpanContext(t.Context(), parent), c); err != nil {
		t.Fatal(err)
	}
	if got := n.tries[0].Header.Get("Traceparent"); !strings.Contains(got, parent.TraceID().String()) {
		t.Errorf("sent the trace %q, want %s", got, parent.TraceID())
	}

	n = &network{replies: []reply{responds(200, entity)}}
	if err := get(trace.ContextWithSpanContext(t.Context(), parent), connectTo(t, n)); err != nil || n.tries[0].Header.Get("Traceparent") != "" {
		t.Errorf("%v; without the option a trace was sent", err)
	}
}
