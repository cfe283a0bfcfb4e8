package pfxgate_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/shop/shopvalid"
	"github.com/pfxrecryption/pfxrecryption/server/pfxgate"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

func newGate(t *testing.T, c pfxgate.Config) *pfxgate.Gate {
	t.Helper()
	if c.Log == nil {
		c.Log = quiet
	}
	gate, err := pfxgate.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gate.Close)
	return gate
}

func example(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../../openapi/examples/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func patch(target string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPatch, target, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// routers have one route, whose parameter they add to the header.
var routers = map[string]func(http.HandlerFunc) http.Handler{
	"net/http": func(h http.HandlerFunc) http.Handler {
		mux := http.NewServeMux()
		mux.HandleFunc("PATCH /beta/pfxRecryptionRequests/{id}", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Routed", r.PathValue("id"))
			h(w, r)
		})
		return mux
	},
	"echo": func(h http.HandlerFunc) http.Handler {
		e := echo.New()
		e.PATCH("/beta/pfxRecryptionRequests/:id", func(c echo.Context) error {
			c.Response().Header().Set("Routed", c.Param("id"))
			h(c.Response(), c.Request())
			return nil
		})
		return e
	},
	"chi": func(h http.HandlerFunc) http.Handler {
		r := chi.NewRouter()
		r.Patch("/beta/pfxRecryptionRequests/{id}", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Routed", chi.URLParam(r, "id"))
			h(w, r)
		})
		return r
	},
}

// eachRouter runs a test with the gate in front of each of the routers.
func eachRouter(t *testing.T, c pfxgate.Config, h http.HandlerFunc, test func(t *testing.T, gated http.Handler)) {
	for name, router := range routers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newGate(t, c).Handler(router(h)))
		})
	}
}

// seen is what a handler can see of a request.
type seen struct {
	Path, RequestURI, Body string
	Encoding, Underscore   []string
	Length                 int64
}

func TestHandlerGetsWhatWasChecked(t *testing.T) {
	t.Parallel()
	body := example(t, "update-request")
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	if _, err := zw.Write(body); err != nil || zw.Close() != nil {
		t.Fatal("cannot compress")
	}
	const path = "/beta/pfxRecryptionRequests/sample"
	want := seen{Path: path, RequestURI: path, Body: string(body), Length: int64(len(body))}
	h := func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		got := seen{r.URL.Path, r.RequestURI, string(data), r.Header["Content-Encoding"], r.Header["If_match"], r.ContentLength}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(err, diff)
		}
		answer(w, http.StatusOK, example(t, "update-response"))
	}
	eachRouter(t, pfxgate.Config{Responses: pfxgate.Enforce}, h, func(t *testing.T, gated http.Handler) {
		for _, target := range []string{path, "/beta/pfxRecryptionRequests('sample')", "/beta/pfxRecryptionRequests/%73ample"} {
			r := patch(target, packed.Bytes())
			r.Header.Set("Content-Encoding", "gzip")
			r.Header["If_match"] = []string{"*"}
			w := httptest.NewRecorder()
			gated.ServeHTTP(w, r)
			if w.Code != http.StatusOK || w.Header().Get("Routed") != "sample" || !bytes.Equal(w.Body.Bytes(), example(t, "update-response")) {
				t.Errorf("%s: got %d, %v: %s", target, w.Code, w.Header(), w.Body)
			}
		}
	})
}

// isGraphError reports whether a response has the form of Graph's errors.
func isGraphError(w *httptest.ResponseRecorder) bool {
	var body struct {
		Error struct {
			Code, Message string
			InnerError    map[string]string
		}
	}
	return json.Unmarshal(w.Body.Bytes(), &body) == nil && body.Error.Code != "" && body.Error.Message != "" &&
		body.Error.InnerError["request-id"] != "" && w.Header().Get("Content-Type") == "application/json"
}

// isProblem reports whether a response has the form of RFC 9457.
func isProblem(w *httptest.ResponseRecorder) bool {
	var body struct {
		Title, Detail, Instance string
		Status                  int
	}
	var fields map[string][]string = w.Header() // with names sent in lower case
	return json.Unmarshal(w.Body.Bytes(), &body) == nil && body.Status == w.Code && body.Title != "" && body.Detail != "" &&
		slices.Equal(fields["request-id"], []string{strings.TrimPrefix(body.Instance, "urn:uuid:")}) && w.Header().Get("Content-Type") == "application/problem+json"
}

// TestErrorForms: the form of refusals is the contract's unless the Config names another.
func TestErrorForms(t *testing.T) {
	t.Parallel()
	pets := []byte(`{"openapi":"3.1.0","info":{"title":"Pets","version":"1"},"paths":{"/pets":{"get":{"responses":{"200":{"description":"All."}}}}}}`)
	house := []byte("Content-Type: application/vnd.house+json\n\n{\"house\":{{.Status}}}")
	for name, tt := range map[string]struct {
		config pfxgate.Config
		want   string
	}{
		"the built-in contract": {pfxgate.Config{}, "application/json"},
		"with problems":         {pfxgate.Config{Errors: pfxgate.ProblemErrors}, "application/problem+json"},
		"a document":            {pfxgate.Config{Spec: pets}, "application/problem+json"},
		"with Graph's errors":   {pfxgate.Config{Spec: pets, Errors: pfxgate.GraphErrors}, "application/json"},
		"with a template":       {pfxgate.Config{Spec: pets, ErrorTemplate: house}, "application/vnd.house+json"},
	} {
		w := httptest.NewRecorder()
		newGate(t, tt.config).Handler(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/nothing", http.NoBody))
		if got := w.Header().Get("Content-Type"); w.Code != http.StatusNotFound || got != tt.want {
			t.Errorf("%s: got %d %s %s, want %s", name, w.Code, got, w.Body, tt.want)
		}
	}
}

// TestLimits: the limits of the Config take precedence over those of the contract.
func TestLimits(t *testing.T) {
	t.Parallel()
	gated := newGate(t, pfxgate.Config{MaxHeader: 100, MaxRequest: 12}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for name, tt := range map[string]struct {
		field, body string
		status      int
	}{
		"within both":   {"1", `{"status":6}`, http.StatusNoContent},
		"a long header": {strings.Repeat("1", 100), `{"status":6}`, http.StatusRequestHeaderFieldsTooLarge},
		"a long body":   {"1", `{"status":6} `, http.StatusRequestEntityTooLarge},
	} {
		w, r := httptest.NewRecorder(), patch("/beta/pfxRecryptionRequests/sample", []byte(tt.body))
		r.Header.Set("X", tt.field)
		if gated.ServeHTTP(w, r); w.Code != tt.status {
			t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, tt.status)
		}
	}
}

// TestAccessLog: each request has a line or, with sampling, only some of those that passed.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	for sample, want := range map[int]int{0: 8, 4: 5} {
		var log strings.Builder
		gated := newGate(t, pfxgate.Config{AccessLog: slog.New(slog.NewJSONHandler(&log, nil)), AccessLogSample: sample}).
			Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
		for _, body := range slices.Repeat([]string{`{"status":6}`, `{"status":"6"}`}, 4) {
			gated.ServeHTTP(httptest.NewRecorder(), patch("/beta/pfxRecryptionRequests/sample", []byte(body)))
		}
		if got := strings.Count(log.String(), `"msg":"request"`); got != want {
			t.Errorf("one of %d: got %d lines, want %d: %s", sample, got, want, &log)
		}
	}
}

func TestInvalidNeverReachesTheHandler(t *testing.T) {
	t.Parallel()
	h := func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s %s reached the handler", r.Method, r.URL) }
	eachRouter(t, pfxgate.Config{}, h, func(t *testing.T, gated http.Handler) {
		const path = "/beta/pfxRecryptionRequests/sample"
		for name, tt := range map[string]struct {
			method, target, body string
			status               int
		}{
			"an unknown member":    {http.MethodPatch, path, `{"tenantID":"x"}`, http.StatusBadRequest},
			"a duplicate member":   {http.MethodPatch, path, `{"status":6,"status":7}`, http.StatusBadRequest},
			"a wrong type":         {http.MethodPatch, path, `{"status":"6"}`, http.StatusBadRequest},
			"not JSON":             {http.MethodPatch, path, `{`, http.StatusBadRequest},
			"an unknown option":    {http.MethodPatch, path + "?$top=1", `{}`, http.StatusBadRequest},
			"an unknown path":      {http.MethodPatch, "/beta/pfxRecryptionRequest/sample", `{}`, http.StatusBadRequest},
			"a path that is split": {http.MethodPatch, "/beta/pfxRecryptionRequests/a%2Fb", `{}`, http.StatusBadRequest},
			"an unknown method":    {http.MethodPut, path, `{}`, http.StatusMethodNotAllowed},
		} {
			r := patch(tt.target, []byte(tt.body))
			r.Method = tt.method
			w := httptest.NewRecorder()
			gated.ServeHTTP(w, r)
			if w.Code != tt.status || !isGraphError(w) {
				t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, tt.status)
			}
		}
	})
}

func TestMonitorLeavesBothUntouched(t *testing.T) {
	t.Parallel()
	const body, wrong = `{"tenantID":"x"}`, `{"secret":"hunter2"}`
	h := func(w http.ResponseWriter, r *http.Request) {
		if data, err := io.ReadAll(r.Body); string(data) != body || err != nil || r.URL.RawQuery != "$top=1" {
			t.Errorf("got %s and %q, %v", r.URL, data, err)
		}
		answer(w, http.StatusTeapot, []byte(wrong))
	}
	eachRouter(t, pfxgate.Config{Requests: pfxgate.Monitor}, h, func(t *testing.T, gated http.Handler) {
		w := httptest.NewRecorder()
		gated.ServeHTTP(w, patch("/beta/pfxRecryptionRequests/sample?$top=1", []byte(body)))
		if w.Code != http.StatusTeapot || w.Body.String() != wrong {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

func TestWrongAnswersAreNotPassedOn(t *testing.T) {
	t.Parallel()
	handlers := map[string]http.HandlerFunc{
		"an unknown member": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Hunter2", "1")
			answer(w, http.StatusOK, []byte(`{"id":"sample","hunter2":1}`))
		},
		"an unknown status":  func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusTeapot, []byte("hunter2")) },
		"another media type": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "hunter2", http.StatusOK) },
		"nothing":            func(http.ResponseWriter, *http.Request) {},
		"a response that breaks off": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "hunter2")
			panic(http.ErrAbortHandler)
		},
		"a response above the limit": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, bytes.Repeat([]byte("hunter2 "), 64))
		},
	}
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachRouter(t, pfxgate.Config{Responses: pfxgate.Enforce, MaxResponse: 256}, h, func(t *testing.T, gated http.Handler) {
				w := httptest.NewRecorder()
				gated.ServeHTTP(w, patch("/beta/pfxRecryptionRequests/sample", []byte(`{"status":6}`)))
				if w.Code != http.StatusBadGateway || !isGraphError(w) || strings.Contains(w.Body.String(), "hunter2") || w.Header().Get("Hunter2") != "" {
					t.Errorf("got %d, %v: %s", w.Code, w.Header(), w.Body)
				}
			})
		})
	}
}

func TestPanicReachesTheRecovererInFront(t *testing.T) {
	t.Parallel()
	h := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		panic("hunter2")
	}
	for _, mode := range []pfxgate.Mode{pfxgate.Enforce, pfxgate.Monitor, pfxgate.Off} {
		gated := newGate(t, pfxgate.Config{Responses: mode}).Handler(http.HandlerFunc(h))
		w := httptest.NewRecorder()
		func() {
			defer func() {
				if v := recover(); v != "hunter2" {
					t.Errorf("%s: recovered %v", mode, v)
				}
			}()
			gated.ServeHTTP(w, patch("/beta/pfxRecryptionRequests/sample", []byte(`{"status":6}`)))
		}()
		if w.Body.Len() > 0 {
			t.Errorf("%s: got %s", mode, w.Body)
		}
	}
}

func TestNothingWritten(t *testing.T) {
	t.Parallel()
	for _, mode := range []pfxgate.Mode{pfxgate.Monitor, pfxgate.Off} {
		eachRouter(t, pfxgate.Config{Responses: mode}, func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, gated http.Handler) {
			w := httptest.NewRecorder()
			gated.ServeHTTP(w, patch("/beta/pfxRecryptionRequests/sample", []byte(`{"status":6}`)))
			if w.Code != http.StatusOK || w.Body.Len() > 0 {
				t.Errorf("%s: got %d %s", mode, w.Code, w.Body)
			}
		})
	}
}

const events = `
openapi: 3.1.0
info: { title: Events, version: '1' }
paths:
  /events:
    get:
      operationId: listEvents
      responses: { '200': { description: Events., content: { text/event-stream: {} } } }
`

// TestStream: each event reaches the client before the handler continues.
func TestStream(t *testing.T) {
	t.Parallel()
	for _, mode := range []pfxgate.Mode{"", pfxgate.Monitor, pfxgate.Off} {
		t.Run("responses "+string(mode), func(t *testing.T) {
			t.Parallel()
			received := make(chan struct{})
			gate := newGate(t, pfxgate.Config{Spec: []byte(events), Responses: mode})
			server := httptest.NewServer(gate.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				for range 3 {
					_, _ = io.WriteString(w, "data: 1\n\n")
					if err := http.NewResponseController(w).Flush(); err != nil {
						t.Error(err)
					}
					select {
					case <-received:
					case <-r.Context().Done():
					}
				}
			})))
			defer server.Close()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events", nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			event := make([]byte, len("data: 1\n\n"))
			for range 3 {
				if _, err := io.ReadFull(response.Body, event); err != nil {
					t.Fatal(err)
				}
				received <- struct{}{}
			}
			if n, err := response.Body.Read(event); n > 0 || !errors.Is(err, io.EOF) {
				t.Errorf("got %d bytes more, %v", n, err)
			}
		})
	}
}

// TestOwnContract follows the package comment, with the contract of a shop.
func TestOwnContract(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	gate := newGate(t, pfxgate.Config{
		Contract:  &pfxgate.Contract{Operations: shopvalid.Operations, BasePath: "/v1", MaxBody: 100},
		Policy:    []byte("operations: {createOrder: {responses: {mode: enforce, violations: {status: monitor}}}}"),
		Responses: pfxgate.Off, Registry: registry,
	})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/orders", func(w http.ResponseWriter, r *http.Request) {
		order, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		status := http.StatusCreated
		switch {
		case bytes.Contains(order, []byte("book")):
			order = append([]byte(`{"id":1,`), order[1:]...)
		case bytes.Contains(order, []byte("closed")):
			status = http.StatusAccepted
		}
		answer(w, status, order) // without an id it is not a valid order
	})
	gated := gate.Handler(mux)
	for name, tt := range map[string]struct {
		target, body string
		status       int
	}{
		"an order":            {"/v1/orders", `{"price":9.99,"kind":"book"}`, http.StatusCreated},
		"an invalid response": {"/v1/orders", `{"price":9.99,"kind":"été"}`, http.StatusBadGateway},
		"a watched status":    {"/v1/orders", `{"price":9.99,"kind":"été","state":"closed"}`, http.StatusAccepted},
		"a read-only member":  {"/v1/orders", `{"id":1,"price":9.99,"kind":"book"}`, http.StatusBadRequest},
		"a wrong price":       {"/v1/orders", `{"price":9.999,"kind":"book"}`, http.StatusBadRequest},
		"another base path":   {"/orders", `{"price":9.99,"kind":"book"}`, http.StatusNotFound},
		"a long body":         {"/v1/orders", `{"price":9.99,"kind":"book"` + strings.Repeat(" ", 100) + `}`, http.StatusRequestEntityTooLarge},
	} {
		w, r := httptest.NewRecorder(), patch(tt.target, []byte(tt.body))
		r.Method = http.MethodPost
		gated.ServeHTTP(w, r)
		if w.Code != tt.status || w.Code >= 400 && !isProblem(w) {
			t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, tt.status)
		}
	}
	families, err := registry.Gather()
	if err != nil || len(families) == 0 || !strings.HasPrefix(families[0].GetName(), "pfxr_gateway_") {
		t.Errorf("got the metrics %v, %v", families, err)
	}
}

// TestTokens: with Issuers, a client needs a token from one of them for this API.
func TestTokens(t *testing.T) {
	t.Parallel()
	server := pfxtest.Start(t, pfxtest.Config{})
	issuer := strings.TrimSuffix(server.URL, "/beta") + "/dev/{tenantid}/v2.0"
	gate := newGate(t, pfxgate.Config{Issuers: []string{issuer}, Audiences: []string{"api://pfxrecryption"}})
	gated := gate.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, []byte(`{}`)) }))
	for name, tt := range map[string]struct {
		authorization string
		status        int
	}{
		"none":            {"", http.StatusUnauthorized},
		"good":            {"Bearer " + server.Token(t, pfxtest.Grant{}), http.StatusOK},
		"for another API": {"Bearer " + server.Token(t, pfxtest.Grant{Audience: "api://other"}), http.StatusUnauthorized},
		"without scope":   {"Bearer " + server.Token(t, pfxtest.Grant{Permissions: []string{"Other.Read"}}), http.StatusForbidden},
	} {
		w, r := httptest.NewRecorder(), patch("/beta/pfxRecryptionRequests/sample", []byte(`{"status":6}`))
		if tt.authorization != "" {
			r.Header.Set("Authorization", tt.authorization)
		}
		gated.ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, tt.status)
		}
	}
	if err := gate.Replace(pfxgate.Config{}); err == nil || !strings.Contains(err.Error(), "Issuers") {
		t.Errorf("issuers were replaced by none: %v", err)
	}
}

func TestWrongConfig(t *testing.T) {
	t.Parallel()
	operations := shopvalid.Operations
	taken := prometheus.NewRegistry()
	taken.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "pfxr_gateway_requests_total"}))
	for want, c := range map[string]pfxgate.Config{
		`Requests is "block"`:                 {Requests: "block"},
		`Responses is "Monitor"`:              {Responses: "Monitor"},
		`Unknown is "pass"`:                   {Unknown: "pass"},
		"Issuers and Audiences go together":   {Issuers: []string{"https://login.example"}},
		"MaxResponse is -1":                   {MaxResponse: -1},
		"MaxHeader is -1":                     {MaxHeader: -1},
		"MaxRequest is -1":                    {MaxRequest: -1},
		`Errors is "json"`:                    {Errors: "json"},
		"Errors and ErrorTemplate":            {Errors: pfxgate.GraphErrors, ErrorTemplate: []byte{}},
		"ErrorTemplate:1: want":               {ErrorTemplate: []byte{}},
		"set one":                             {Spec: []byte(events), Contract: &pfxgate.Contract{Operations: operations}},
		"Operations is empty":                 {Contract: &pfxgate.Contract{BasePath: "/v1"}},
		`BasePath is "v1"`:                    {Contract: &pfxgate.Contract{Operations: operations, BasePath: "v1"}},
		"MaxBody is -1":                       {Contract: &pfxgate.Contract{Operations: operations, MaxBody: -1}},
		"two operations called":               {Contract: &pfxgate.Contract{Operations: append(operations, operations...)}},
		"reading Spec":                        {Spec: []byte{}},
		"line 1":                              {Policy: []byte("requests: block")},
		`names the operation "createOrder"`:   {Policy: []byte("operations: {createOrder: {requests: off}}")},
		`Issuers[0] is "http://login.example`: {Issuers: []string{"http://login.example"}, Audiences: []string{"api://x"}},
		"registering metrics":                 {Registry: taken, Issuers: []string{"https://login.example"}, Audiences: []string{"api://x"}},
	} {
		if gate, err := pfxgate.New(c); err == nil || gate != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
