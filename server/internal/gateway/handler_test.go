package gateway_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// notes has a form and a text.
const notes = `
openapi: 3.0.3
info: { title: Notes, version: '1' }
paths:
  /notes:
    post:
      operationId: createNote
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema: { type: object, required: [title], properties: { title: { type: string } }, additionalProperties: false }
      responses:
        '201': { description: Made., content: { text/plain: { schema: { type: string, maxLength: 8 } } } }
`

func newGate(t *testing.T, responses policy.Mode) *gateway.Gate {
	t.Helper()
	contract, _, err := gateway.Read(t.Context(), []byte(notes), spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	gate, err := gateway.New(gateway.Config{Contract: contract, Defaults: policy.Defaults{Responses: responses}, MaxResponse: 64})
	if err != nil {
		t.Fatal(err)
	}
	return gate
}

func createNote(form string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/notes", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func created(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, text)
}

// TestBodyEndsWithTheExchange: its bytes are reused for other requests.
func TestBodyEndsWithTheExchange(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"title=a", "title=a&more=b"} {
		gate := newGate(t, policy.Enforce)
		if strings.Contains(form, "more") { // passes unchanged
			contract, _, err := gateway.Read(t.Context(), []byte(notes), spec.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if gate, err = gateway.New(gateway.Config{Contract: contract, Defaults: policy.Defaults{Requests: policy.Monitor}}); err != nil {
				t.Fatal(err)
			}
		}
		var kept io.Reader
		gate.Serve(httptest.NewRecorder(), createNote(form), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			kept = r.Body
			if _, err := io.ReadFull(r.Body, make([]byte, 3)); err != nil {
				t.Error(err)
			}
			created(w, "made")
		}))
		if kept == nil {
			t.Fatalf("%s: the request did not pass", form)
		}
		if got, err := io.ReadAll(kept); len(got) > 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("%s: got %q, %v, want nothing and http.ErrBodyReadAfterClose", form, got, err)
		}
	}
}

// TestFormIsTheCheckedOne: a form that a handler in front has parsed is dropped.
func TestFormIsTheCheckedOne(t *testing.T) {
	t.Parallel()
	r := createNote("title=checked")
	r.Form = map[string][]string{"title": {"unchecked"}}
	r.PostForm = r.Form
	w := httptest.NewRecorder()
	newGate(t, policy.Enforce).Serve(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.FormValue("title") + r.PostFormValue("title"); got != "checkedchecked" {
			t.Errorf("got %s", got)
		}
		created(w, "made")
	}))
	if w.Code != http.StatusCreated {
		t.Errorf("got %d: %s", w.Code, w.Body)
	}
}

// watched is a response that the test can read while it is in flight.
type watched struct {
	*httptest.ResponseRecorder
	flushed chan string
}

func (w *watched) Flush() {
	w.ResponseRecorder.Flush()
	w.flushed <- w.Body.String()
}

// TestMonitorLetsResponsesStream: a response that cannot be refused is not held.
func TestMonitorLetsResponsesStream(t *testing.T) {
	t.Parallel()
	for _, mode := range []policy.Mode{policy.Monitor, policy.Off} {
		w := &watched{httptest.NewRecorder(), make(chan string, 3)}
		newGate(t, mode).Serve(w, createNote("title=a"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusCreated)
			for range 3 {
				_, _ = io.WriteString(w, strings.Repeat("a", 30)) // the third exceeds the limit
				w.(http.Flusher).Flush()
			}
		}))
		close(w.flushed)
		length := 0
		for text := range w.flushed {
			if length += 30; len(text) != length {
				t.Errorf("%s: a flush sent %d bytes, want %d", mode, len(text), length)
			}
		}
		if w.Code != http.StatusCreated || length != 90 || w.Header().Get("Content-Length") != "" {
			t.Errorf("%s: got %d with %d flushed bytes, %v", mode, w.Code, length, w.Header())
		}
	}
}

// TestMonitorSees: a watched response has the same log lines as a held one.
func TestMonitorSees(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer http.HandlerFunc
		want   string // in the log; "" for nothing
	}{
		"a valid response":  {func(w http.ResponseWriter, _ *http.Request) { created(w, "made") }, ""},
		"a long value":      {func(w http.ResponseWriter, _ *http.Request) { created(w, "123456789") }, `violation=size`},
		"above the limit":   {func(w http.ResponseWriter, _ *http.Request) { created(w, strings.Repeat("a", 65)) }, `keyword=maxLength`},
		"a length above it": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "65"); created(w, "") }, `keyword=maxLength`},
		"nothing":           {func(http.ResponseWriter, *http.Request) {}, `violation=status`},
		"only a flush":      {func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }, `violation=status`},
		"another media type": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusCreated)
		}, `violation=media-type`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			contract, _, err := gateway.Read(t.Context(), []byte(notes), spec.Options{})
			if err != nil {
				t.Fatal(err)
			}
			gate, err := gateway.New(gateway.Config{
				Contract: contract, Defaults: policy.Defaults{Responses: policy.Monitor}, MaxResponse: 64,
				Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			gated, plain := httptest.NewRecorder(), httptest.NewRecorder()
			gate.Serve(gated, createNote("title=a"), tt.answer)
			tt.answer(plain, createNote("title=a"))
			if diff := cmp.Diff(plain.Result().Header, gated.Result().Header); diff != "" || gated.Code != plain.Code || gated.Body.String() != plain.Body.String() {
				t.Errorf("got %d %q, want %d %q %s", gated.Code, gated.Body, plain.Code, plain.Body, diff)
			}
			if got := log.String(); tt.want == "" && got != "" || !strings.Contains(got, tt.want) || strings.Count(got, "\n") > 1 {
				t.Errorf("logged %q, want %s", got, tt.want)
			}
		})
	}
}

// TestFlushBeginsTheResponse: a status after a flush is too late and has no effect.
func TestFlushBeginsTheResponse(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	newGate(t, policy.Monitor).Serve(w, createNote("title=a"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		w.WriteHeader(http.StatusCreated)
	}))
	if w.Code != http.StatusOK || !w.Flushed {
		t.Errorf("got %d, flushed: %t", w.Code, w.Flushed)
	}
}

// TestGatesShareARegistry: two gates in one process share their metrics, and a name that is already in use is an error,
// not a panic.
func TestGatesShareARegistry(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	contract, _, err := gateway.Read(t.Context(), []byte(notes), spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		metrics, err := gateway.NewMetrics(registry)
		if err != nil {
			t.Fatal(err)
		}
		gate, err := gateway.New(gateway.Config{Contract: contract, Metrics: metrics})
		if err != nil {
			t.Fatal(err)
		}
		gate.Serve(httptest.NewRecorder(), createNote("title=a"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { created(w, "made") }))
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := 0.0
	for _, f := range families {
		if f.GetName() == "pfxr_gateway_requests_total" {
			got = f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	if got != 2 {
		t.Errorf("got %v requests, want 2", got)
	}
	taken := prometheus.NewRegistry()
	taken.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "pfxr_gateway_requests_total"}))
	if _, err := gateway.NewMetrics(taken); err == nil {
		t.Error("a name in use is not an error")
	}
}
