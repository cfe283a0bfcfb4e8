package strict_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/go-chi/chi/v5"

	"github.com/pfxrecryption/pfxrecryption/server/strict"
	"github.com/pfxrecryption/pfxrecryption/server/strict/strictchi"
	"github.com/pfxrecryption/pfxrecryption/server/strict/strictecho"
	"github.com/pfxrecryption/pfxrecryption/server/strict/testdata/todo/todohandler"
)

// TestNoAuthorize: a document that requires credentials is not served without Authorize.
func TestNoAuthorize(t *testing.T) {
	t.Parallel()
	_, err := todohandler.New(todos{}, strict.Config{})
	if err == nil || !strings.Contains(err.Error(), `"token" for the operation createTodo`) || !strings.Contains(err.Error(), "Config.Authorize") {
		t.Errorf("got %v", err)
	}
}

func TestOperationWithoutCode(t *testing.T) {
	t.Parallel()
	operations := todohandler.Operations(todos{})
	operations[0].Serve = nil
	if _, err := strict.New(operations, strict.Config{Authorize: authorize}); err == nil {
		t.Error("a handler without code for an operation was accepted")
	}
}

// get sends a GET in process.
func get(t *testing.T, h http.Handler, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	return w
}

// TestHouseStyle: one function changes the form of problems, another the text of errors.
func TestHouseStyle(t *testing.T) {
	t.Parallel()
	h := newHandler(t, strict.Config{
		Form: func(buf []byte, x *strict.Exchange, p *strict.Problem) ([]byte, string) {
			return fmt.Appendf(buf, `{"code":%q,"message":%q,"faults":%d,"operation":%t}`, p.Code, p.Message, len(p.Faults), x.Operation != nil), "application/json"
		},
		Problem: func(err error) *strict.Problem {
			if _, ok := errors.AsType[*strict.NoRouteError](err); ok {
				return &strict.Problem{Status: http.StatusGone, Code: "Gone", Message: "Nothing is here.", Header: []strict.Field{{Name: "X-Reason", Value: "moved"}}}
			}
			return strict.ProblemOf(err)
		},
	})
	w := get(t, h, "/v1/other")
	if w.Code != http.StatusGone || w.Body.String() != `{"code":"Gone","message":"Nothing is here.","faults":0,"operation":false}` || w.Header().Get("X-Reason") != "moved" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	w = get(t, h, "/v1/todos?limit=x&tag=a&tag=b&tag=c")
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"faults":2,"operation":true`) || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestOther: another handler may serve paths without an operation, but not other methods of the document's paths.
func TestOther(t *testing.T) {
	t.Parallel()
	other := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h := newHandler(t, strict.Config{Other: other})
	if w := get(t, h, "/healthz"); w.Code != http.StatusTeapot {
		t.Errorf("got %d", w.Code)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/v1/todos", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("got %d", w.Code)
	}
}

// TestBasePath: the base path is that of the document's server, unless the configuration sets one.
func TestBasePath(t *testing.T) {
	t.Parallel()
	for base, want := range map[string][2]string{"": {"/v1", "/v1/todos"}, "/": {"", "/todos"}, "/a/b/": {"/a/b", "/a/b/todos"}, "c": {"/c", "/c/todos"}} {
		h := newHandler(t, strict.Config{BasePath: base})
		if w := get(t, h, want[1]); h.BasePath() != want[0] || w.Code != http.StatusOK {
			t.Errorf("BasePath %q: got %q, and %d for %s", base, h.BasePath(), w.Code, want[1])
		}
	}
}

// TestLog: each request has one line. Its only text from a client is the path, if no operation has it.
func TestLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := newHandler(t, strict.Config{
		Log:   slog.New(slog.NewJSONHandler(&log, nil)),
		Attrs: func(x *strict.Exchange) []slog.Attr { return []slog.Attr{slog.String("route", x.Pattern())} },
	})
	for _, target := range []string{"/v1/todos/c4n4ry?Limit=c4n4ry", "/v1/todos/broken", "/v1/nowhere?q=c4n4ry", "/v1/todos/a"} {
		get(t, h, target)
	}
	var got []string
	for line := range strings.Lines(log.String()) {
		var entry struct {
			Level, Operation, Path, Route, Code, Err string
			Status                                   int
			ID                                       string `json:"request-id"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.ID == "" {
			t.Fatal(line, err)
		}
		got = append(got, fmt.Sprint(entry.Level, " ", entry.Status, " ", entry.Operation, entry.Path, " ", entry.Route, " ", entry.Code, " ", entry.Err))
	}
	want := []string{
		"INFO 400 getTodo /v1/todos/{id} BadRequest ", "ERROR 500 getTodo /v1/todos/{id} InternalServerError password=secret",
		"INFO 404 /v1/nowhere  NotFound ", "INFO 200 getTodo /v1/todos/{id}  ",
	}
	if !slices.Equal(got, want) || strings.Contains(log.String(), "c4n4ry") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestObserve: a request is a span within the client's trace, and a measurement, by route and status.
func TestObserve(t *testing.T) {
	t.Parallel()
	spans, reader := tracetest.NewSpanRecorder(), sdkmetric.NewManualReader()
	h := newHandler(t, strict.Config{
		Tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test"),
		Meter:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("test"),
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/todos/broken", nil)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	h.ServeHTTP(httptest.NewRecorder(), r)
	ended := spans.Ended()
	if len(ended) != 1 || ended[0].Name() != "GET /v1/todos/{id}" || ended[0].Status().Code != codes.Error ||
		ended[0].SpanContext().TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("got %v", ended)
	}
	var metrics metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &metrics); err != nil {
		t.Fatal(err)
	}
	point := metrics.ScopeMetrics[0].Metrics[0].Data.(metricdata.Histogram[float64]).DataPoints[0]
	want := attribute.NewSet(attribute.String("http.request.method", "GET"), attribute.Int("http.response.status_code", 500), attribute.String("http.route", "/v1/todos/{id}"))
	if point.Count != 1 || !point.Attributes.Equals(&want) {
		t.Errorf("got %d of %v", point.Count, point.Attributes)
	}
}

// TestMiddleware: middleware in front of the handler finds the document's path, and the program's own routes take
// precedence.
func TestMiddleware(t *testing.T) {
	t.Parallel()
	const pattern = "/v1/todos/{id}"
	var got string
	e := echo.New()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			got = c.Path()
			return err
		}
	})
	strictecho.Mount(e, newHandler(t, strict.Config{}))
	e.GET("/v1/healthz", func(c echo.Context) error { return c.NoContent(http.StatusTeapot) })
	if get(t, e, "/v1/todos/a"); got != pattern {
		t.Errorf("echo: got %q", got)
	}
	got = ""
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			got = chi.RouteContext(r.Context()).RoutePattern()
		})
	})
	router.Get("/v1/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	strictchi.Mount(router, newHandler(t, strict.Config{}))
	if get(t, router, "/v1/todos/a"); got != pattern {
		t.Errorf("chi: got %q", got)
	}
	mux := http.NewServeMux()
	newHandler(t, strict.Config{}).Mount(mux)
	mux.HandleFunc("GET /v1/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/todos/a", nil)
	if mux.ServeHTTP(httptest.NewRecorder(), r); r.Pattern != "GET "+pattern {
		t.Errorf("net/http: got %q", r.Pattern)
	}
	for name, h := range map[string]http.Handler{"echo": e, "chi": router, "net/http": mux} {
		if w := get(t, h, "/v1/healthz"); w.Code != http.StatusTeapot {
			t.Errorf("%s: got %d for a route of the program's own", name, w.Code)
		}
	}
}
