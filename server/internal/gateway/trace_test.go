package gateway_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// TestSpans: a request has a span in the client's trace, with a child span for its way to the upstream, which gets the
// context.
func TestSpans(t *testing.T) {
	t.Parallel()
	const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for name, tt := range map[string]struct {
		head   string
		spans  []string // name, kind, status and code, in the order in which they end
		passes bool
	}{
		"a request that passes":      {"GET /orders/1?top=1", []string{"GET /orders/{id} client Unset 200", "GET /orders/{id} server Unset 200"}, true},
		"a refused request":          {"GET /orders/x", []string{"GET /orders/{id} server Unset 400"}, false},
		"an unknown path":            {"GET /secret/1", []string{"GET server Unset 404"}, false},
		"an unknown method":          {"SECRET /orders/1", []string{"HTTP /orders/{id} server Unset 405"}, false},
		"an upstream that fails":     {"GET /orders/5", []string{"GET /orders/{id} client Error 504", "GET /orders/{id} server Error 504"}, true},
		"a response that breaks off": {"GET /orders/6", []string{"GET /orders/{id} client Error 0", "GET /orders/{id} server Error 502"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			protocols(t, func(t *testing.T, http2 bool) {
				spans := &ended{InMemoryExporter: tracetest.NewInMemoryExporter(), told: make(chan struct{}, 10)}
				provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
				var mu sync.Mutex
				got := ""
				upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					got = r.Header.Get("Traceparent")
					mu.Unlock()
					switch {
					case strings.HasSuffix(r.URL.Path, "/5"):
						gateway.Fail(w, gateway.LateAnswer())
					case strings.HasSuffix(r.URL.Path, "/6"):
						panic(http.ErrAbortHandler)
					default:
						w.Header().Set("Content-Type", "application/json")
						_, _ = io.WriteString(w, "{}")
					}
				})
				client, base := newServer(t, http2, orders, upstream, func(c *gateway.Config) {
					c.Tracer, c.Defaults.Responses = provider.Tracer("test"), policy.Enforce
				})
				do(t, client, base, tt.head+"\nTraceparent: "+caller, "")
				var names []string
				all := spans.await(len(tt.spans))
				for _, s := range all {
					code := "0"
					for _, a := range s.Attributes {
						if a.Key == "http.response.status_code" {
							code = a.Value.String()
						}
						if strings.Contains(strings.ToLower(a.Value.String()), "secret") {
							t.Errorf("%s has %s", s.Name, a.Value.String())
						}
					}
					status := "Unset"
					if s.Status.Code == codes.Error {
						status = "Error"
					}
					names = append(names, s.Name+" "+s.SpanKind.String()+" "+status+" "+code)
				}
				if diff := cmp.Diff(tt.spans, names); diff != "" {
					t.Fatal(diff)
				}
				server := all[len(all)-1]
				if server.SpanContext.TraceID().String() != caller[3:35] || server.Parent.SpanID().String() != caller[36:52] {
					t.Errorf("the span of the request is not in the client's trace: %v", server.Parent)
				}
				mu.Lock()
				defer mu.Unlock()
				want := ""
				if tt.passes {
					want = "00-" + caller[3:35] + "-" + all[0].SpanContext.SpanID().String() + "-01"
					if all[0].Parent.SpanID() != server.SpanContext.SpanID() {
						t.Error("the span of the upstream is not below that of the request")
					}
				}
				if got != want {
					t.Errorf("the upstream gets %q, want %q", got, want)
				}
			})
		})
	}
}

// ended announces each span that ends, which may be after the response.
type ended struct {
	*tracetest.InMemoryExporter
	told chan struct{}
}

func (e *ended) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.InMemoryExporter.ExportSpans(ctx, spans)
	e.told <- struct{}{}
	return err
}

func (e *ended) await(n int) tracetest.SpanStubs {
	for range n {
		<-e.told
	}
	return e.GetSpans()
}

// TestNothingIsTraced: without a tracer the client's context is forwarded unchanged.
func TestNothingIsTraced(t *testing.T) {
	t.Parallel()
	s := newStand(t, "", reply(204, ""), nil)
	s.send(getKey+"\nTraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "")
	if got := s.requests(); len(got) != 1 || !strings.Contains(got[0].head, "\r\nTraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n") {
		t.Errorf("got %v", got)
	}
}
