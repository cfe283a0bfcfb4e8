package app

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// collector receives spans by OTLP over HTTP.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans map[string][]*tracepb.Span // by service
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{spans: map[string][]*tracepb.Span{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var got collectorpb.ExportTraceServiceRequest
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &got) != nil {
			t.Errorf("got %s %s %v, %v", r.Method, r.URL, r.Header, err)
		}
		c.take(&got)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) take(got *collectorpb.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range got.ResourceSpans {
		service := ""
		for _, a := range r.Resource.Attributes {
			if a.Key == "service.name" {
				service = a.Value.GetStringValue()
			}
		}
		for _, s := range r.ScopeSpans {
			c.spans[service] = append(c.spans[service], s.Spans...)
		}
	}
}

// named returns the spans of a service that have a name.
func (c *collector) named(service, name string) []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.spans[service]), func(s *tracepb.Span) bool { return s.Name != name })
}

// below returns the spans whose parent is parent.
func below(parent *tracepb.Span, spans []*tracepb.Span) []*tracepb.Span {
	return slices.DeleteFunc(slices.Clone(spans), func(s *tracepb.Span) bool {
		return string(s.ParentSpanId) != string(parent.SpanId) || string(s.TraceId) != string(parent.TraceId)
	})
}

// TestServerTraces: the spans of client, server and store form one trace. Each update is in one batch, which has a queue and
// a commit span, and the log has the trace of each request.
func TestServerTraces(t *testing.T) {
	c := startCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	log := &lines{told: make(chan string, 1000)}
	const n = 32
	traced(t, c, log, func(t *testing.T, s *Server, traces *sdktrace.TracerProvider) {
		calls, err := client.New(s.URL+"/beta", client.WithToken(s.token(t, auth.Grant{})),
			client.WithOpenTelemetry(otelhttp.WithTracerProvider(traces), otelhttp.WithPropagators(propagation.TraceContext{})))
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				if _, err := calls.Patch(t.Context(), "sample", client.Update{Status: edm.Value(int32(i + 100))}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
	const route = "/beta/pfxRecryptionRequests/{pfxRecryptionRequestsId}"
	ofClient, ofServer, ofStore := c.named("caller", "HTTP PATCH"), c.named("pfxrd", "PATCH "+route), c.named("pfxrd", "store update")
	if len(ofClient) != n || len(ofServer) != n || len(ofStore) != n {
		t.Fatalf("got %d, %d and %d spans of client, server and store, want %d each", len(ofClient), len(ofServer), len(ofStore), n)
	}
	batches, linked := c.named("pfxrd", "store batch"), map[string]int{}
	for _, span := range ofClient {
		received := below(span, ofServer)
		if len(received) != 1 || len(below(received[0], ofStore)) != 1 {
			t.Fatalf("the span of a client has no spans of server and store: %v", received)
		}
		wantAttributes(t, received[0], "http.route="+route, "http.response.status_code=200", "openapi.operation.id=updatePfxRecryptionRequest")
		if id := hex.EncodeToString(span.TraceId); log.count(`"trace_id":"`+id+`"`) != 1 || log.count(`"span_id":"`+hex.EncodeToString(received[0].SpanId)+`"`) != 1 {
			t.Errorf("no line of the log has the trace %s", id)
		}
	}
	for _, batch := range batches {
		linked[string(batch.ParentSpanId)]++
		for _, l := range batch.Links {
			linked[string(l.SpanId)]++
		}
		wantAttributes(t, batch, fmt.Sprint("db.operation.batch.size=", len(batch.Links)+1), "db.system.name=sqlite")
		for _, part := range []string{"queue", "commit"} {
			if got := below(batch, c.named("pfxrd", part)); len(got) != 1 || got[0].StartTimeUnixNano < batch.StartTimeUnixNano || got[0].EndTimeUnixNano > batch.EndTimeUnixNano {
				t.Errorf("got %v as the %s of a batch", got, part)
			}
		}
	}
	for _, span := range ofStore {
		if linked[string(span.SpanId)] != 1 {
			t.Errorf("the update %x is in %d batches", span.SpanId, linked[string(span.SpanId)])
		}
	}
}

// TestUnsampled: a request whose client does not sample its trace has no spans, but the log has its trace.
func TestUnsampled(t *testing.T) {
	c := startCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", c.URL+"/v1/traces")
	log := &lines{told: make(chan string, 1000)}
	traced(t, c, log, func(t *testing.T, s *Server, _ *sdktrace.TracerProvider) {
		s.send(t, getSample(t, s, "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\n"))
	})
	if len(c.spans) > 0 || log.count(`"trace_id":"0af7651916cd43dd8448eb211c80319c"`) != 1 {
		t.Errorf("got spans %v", c.spans)
	}
}

// TestNoTraces: without the variables, or if they turn tracing off, there are no spans.
func TestNoTraces(t *testing.T) {
	c := startCollector(t)
	for name, variables := range map[string]map[string]string{
		"unset":      {},
		"disabled":   {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": c.URL},
		"noExporter": {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": c.URL},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range variables {
				t.Setenv(k, v)
			}
			log := &lines{told: make(chan string, 1000)}
			traced(t, c, log, func(t *testing.T, s *Server, _ *sdktrace.TracerProvider) {
				s.send(t, getSample(t, s, "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"))
			})
			if len(c.spans) > 0 || log.count("trace_id") > 0 {
				t.Errorf("got spans %v", c.spans)
			}
		})
	}
}

// TestTracingOffIsFree: without a tracer or for an unsampled request, tracing allocates nothing.
func TestTracingOffIsFree(t *testing.T) {
	provider := sdktrace.NewTracerProvider()
	unsampled := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	for name, tracer := range map[string]*storeTracer{"off": newStoreTracer(tracerOf(nil), "sqlite:x"), "unsampled": newStoreTracer(tracerOf(provider), "sqlite:x")} {
		got := testing.AllocsPerRun(100, func() {
			ctx, span := tracer.call(unsampled, "update")
			b := pfx.Batch{Size: 1}
			b.Link(trace.SpanContextFromContext(ctx))
			tracer.batch(&b)
			endSpan(span, "")
		})
		if got > 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

// traced runs a server, lets use call it, and ends it. All spans are then sent.
func traced(t *testing.T, c *collector, log io.Writer, use func(*testing.T, *Server, *sdktrace.TracerProvider)) {
	t.Helper()
	exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(c.URL+"/v1/traces"))
	if err != nil {
		t.Fatal(err)
	}
	callers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "caller"))))
	t.Run("serve", func(t *testing.T) { use(t, startServer(t, log, nil), callers) })
	if err := callers.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func getSample(t *testing.T, s *Server, fields string) string {
	t.Helper()
	return "GET /beta/pfxRecryptionRequests/sample HTTP/1.1\r\nHost: " + strings.TrimPrefix(s.URL, "http://") + "\r\nAuthorization: Bearer " +
		s.token(t, auth.Grant{}) + "\r\nConnection: close\r\n" + fields + "\r\n"
}

func wantAttributes(t *testing.T, span *tracepb.Span, want ...string) {
	t.Helper()
	got := map[string]bool{}
	for _, a := range span.Attributes {
		got[a.Key+"="+cmp.Or(a.Value.GetStringValue(), fmt.Sprint(a.Value.GetIntValue()))] = true
	}
	for _, w := range want {
		if !got[w] {
			t.Errorf("the span %q has %v, want %s", span.Name, got, w)
		}
	}
}

// TestGatewayTraces: spans reach the collector, and the last ones when the gateway ends.
func TestGatewayTraces(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(upstream.Close)
	c := startCollector(t)
	log := &lines{told: make(chan string, 100)}
	g, err := OpenGateway(t.Context(), GatewayConfig{
		Listen: "127.0.0.1:0", Upstream: upstream.URL, MaxConns: 1, MaxResponse: 1, Timeout: time.Hour, OTLPEndpoint: c.URL + "/",
	}, slog.New(slog.NewJSONHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{}}
	resp, err := client.Get(g.URL + "/beta/pfxRecryptionRequests/k")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	client.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := c.named("pfxrd-gateway", "GET /pfxRecryptionRequests/{pfxRecryptionRequestsId}"); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}
func TestOTLPEndpoint(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]bool{
		"": true, "http://127.0.0.1:4318": true, "https://collector.example/": true, "127.0.0.1:4318": false, "grpc://127.0.0.1:4317": false, "http://127.0.0.1:4318/v1/traces": false,
	} {
		c := GatewayConfig{Upstream: "http://127.0.0.1:1", MaxConns: 1, MaxResponse: 1, Timeout: time.Hour, OTLPEndpoint: endpoint}
		if err := c.Validate(); (err == nil) != want {
			t.Errorf("%q: got %v", endpoint, err)
		}
	}
}
