package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// application is a verifier that accepts any token as one application's.
type application struct{}

func (application) Verify(_ context.Context, authorization []string) (*auth.Principal, error) {
	if len(authorization) == 0 {
		return nil, &auth.Error{Reason: auth.Missing, Msg: "no token"}
	}
	return &auth.Principal{App: "app-1"}, nil
}

// requestLog is a log that announces each line of a request, which may be written after the response.
type requestLog struct {
	lockedBuffer
	told chan struct{}
}

func newRequestLog() *requestLog { return &requestLog{told: make(chan struct{}, 100)} }

func (l *requestLog) Write(p []byte) (int, error) {
	n, err := l.lockedBuffer.Write(p)
	if strings.Contains(string(p), `"msg":"request"`) {
		l.told <- struct{}{}
	}
	return n, err
}

// await returns the log with n lines of requests.
func (l *requestLog) await(n int) string {
	for range n {
		<-l.told
	}
	return l.String()
}

// accessLines returns the lines of requests in a log. It checks and removes the values that vary between runs.
func accessLines(t *testing.T, log string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(log) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if entry["msg"] != "request" {
			continue
		}
		took, ok := entry["duration_ms"].(float64)
		waited, passes := entry["upstream_ms"].(float64)
		if id, _ := entry["request-id"].(string); !ok || took <= 0 || waited > took || passes != (entry["upstream"] != nil) || len(id) != 36 || entry["level"] != "INFO" {
			t.Errorf("got %s", line)
		}
		for _, name := range []string{"time", "level", "msg", "duration_ms", "upstream_ms", "request-id"} {
			delete(entry, name)
		}
		all = append(all, entry)
	}
	return all
}

// TestAccessLog: each request has one line with its outcome and no secrets.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.HasSuffix(r.URL.Path, "/5"):
			gateway.Fail(w, gateway.LateAnswer())
		case strings.HasSuffix(r.URL.Path, "/6"):
			panic(http.ErrAbortHandler)
		case strings.HasSuffix(r.URL.Path, "/7"):
			w.WriteHeader(http.StatusTeapot)
		case r.Method == http.MethodGet:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"a":1}`)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
		_ = body
	})
	long := strings.Repeat("p", 300)
	for name, tt := range map[string]struct {
		head, body string
		requests   policy.Mode
		responses  policy.Mode
		want       string
	}{
		"a request that passes": {"GET /orders/1?top=5", "", policy.Enforce, policy.Enforce,
			`method:GET operation:/orders/{id} GET path:/orders/{id} status:200 verdict:passed violations:0 bytes_in:0 bytes_out:7 upstream:up:1 client:`},
		"a body": {"PUT /orders/1\nContent-Type: application/json", `{"price":1}`, policy.Enforce, policy.Enforce,
			`method:PUT path:/orders/{id} status:204 verdict:passed violations:0 bytes_in:11 bytes_out:0 upstream:up:1`},
		"a body that the gate does not read": {"PUT /orders/1\nContent-Type: application/json", `{"price":1}`, policy.Off, policy.Enforce,
			`method:PUT path:/orders/{id} status:204 verdict:passed violations:0 bytes_in:11 bytes_out:0 upstream:up:1`},
		"a watched request": {"GET /orders/x?y=1", "", policy.Monitor, policy.Monitor,
			`method:GET path:/orders/{id} status:200 verdict:watched violations:2 bytes_in:0 bytes_out:7 upstream:up:1`},
		"a refused request": {"GET /orders/x?y=1", "", policy.Enforce, policy.Monitor,
			`method:GET path:/orders/{id} status:400 verdict:refused violations:2 bytes_in:0`},
		"a refused response": {"GET /orders/7", "", policy.Enforce, policy.Enforce,
			`method:GET path:/orders/{id} status:502 verdict:refused violations:1 bytes_in:0 upstream:up:1`},
		"an upstream that fails": {"GET /orders/5", "", policy.Enforce, policy.Monitor,
			`method:GET path:/orders/{id} status:504 verdict:failed violations:0 bytes_in:0 upstream:up:1`},
		"an upstream that breaks off": {"GET /orders/6", "", policy.Enforce, policy.Enforce,
			`method:GET path:/orders/{id} status:502 verdict:failed violations:0 bytes_in:0 upstream:up:1`},
		"an unknown path": {"GET /n%6Fne/" + long + "?secret=1", "", policy.Enforce, policy.Monitor,
			`method:GET path:/n%6Fne/` + long[:200-len("/n%6Fne/")] + `… status:404 verdict:refused violations:1 bytes_in:0`},
		"an unknown path that passes": {"GET /none?secret=1", "", policy.Monitor, policy.Monitor,
			`method:GET path:/none status:200 verdict:watched violations:1 bytes_in:0 bytes_out:7 upstream:up:1`},
		"an unknown method": {"PURGE /orders/1", "", policy.Enforce, policy.Monitor, `method:PURGE path:/orders/{id} status:405 verdict:refused violations:1 bytes_in:0`},
		"OPTIONS":           {"OPTIONS /orders/1", "", policy.Enforce, policy.Monitor, `method:OPTIONS path:/orders/{id} status:204 verdict:answered violations:0 bytes_in:0 bytes_out:0`},
		"HEAD":              {"HEAD /orders/x", "", policy.Enforce, policy.Monitor, `method:HEAD path:/orders/{id} status:400 verdict:refused violations:1 bytes_in:0 bytes_out:0`},
		"a body that is too long": {"PUT /orders/1\nContent-Type: application/json", strings.Repeat(" ", 2<<20), policy.Enforce, policy.Monitor,
			`method:PUT path:/orders/{id} status:413 verdict:refused violations:1 bytes_in:0`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			protocols(t, func(t *testing.T, http2 bool) {
				log := newRequestLog()
				client, base := newServer(t, http2, orders, upstream, func(c *gateway.Config) {
					handler := slog.NewJSONHandler(log, nil)
					c.Access, c.Upstream, c.Log = handler, "up:1", slog.New(handler)
					c.Defaults.ForceRequests, c.Defaults.ForceResponses = &tt.requests, &tt.responses
				})
				do(t, client, base, tt.head+"\nAuthorization: Bearer hunter2\nCookie: session=7", tt.body)
				got := accessLines(t, log.await(1))
				if len(got) != 1 {
					t.Fatalf("got %d lines: %s", len(got), log)
				}
				for pair := range strings.SplitSeq(tt.want, " ") {
					member, want, ok := strings.Cut(pair, ":")
					if !ok || member == "operation" || member == "client" {
						continue
					}
					value := got[0][member]
					if n, isNumber := value.(float64); isNumber {
						value = strconv.FormatFloat(n, 'f', -1, 64)
					}
					if value != want {
						t.Errorf("%s: got %v, want %s", member, value, want)
					}
				}
				if got[0]["caller"] != "127.0.0.1" || strings.Contains(log.String(), "hunter2") || strings.Contains(log.String(), "secret") ||
					strings.Contains(tt.want, "upstream:") != (got[0]["upstream"] != nil) {
					t.Errorf("got %s", log)
				}
			})
		})
	}
}

// TestAccessLogNamesTheClient: a line has the application of a verified token, and the client's id of the request.
func TestAccessLogNamesTheClient(t *testing.T) {
	t.Parallel()
	log := newRequestLog()
	s := newStand(t, "", reply(204, ""), func(c *gateway.Config) {
		c.Access, c.Verifier = slog.NewJSONHandler(log, nil), application{}
	})
	for range 2 {
		s.send("GET /beta/pfxRecryptionRequests/k\nAuthorization: Bearer hunter2\nClient-Request-Id: 00000000-0000-4000-8000-000000000001", "")
	}
	s.send("GET /beta/pfxRecryptionRequests/k\nX: y", "")
	got := accessLines(t, log.await(3))
	if len(got) != 3 {
		t.Fatalf("got %s", log)
	}
	want := map[string]any{
		"method": "GET", "operation": "getPfxRecryptionRequest", "path": "/pfxRecryptionRequests/{pfxRecryptionRequestsId}", "status": 403.0, "verdict": "refused", "violations": 0.0,
		"bytes_in": 0.0, "bytes_out": got[0]["bytes_out"], "caller": "127.0.0.1", "client": "app-1", "client-request-id": "00000000-0000-4000-8000-000000000001",
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	if got[2]["client"] != nil || got[2]["client-request-id"] != nil || got[2]["status"] != 401.0 || strings.Contains(log.String(), "hunter2") {
		t.Errorf("got %s", log)
	}
}

// TestAccessLogSample: one of N requests that passed is logged, and all others.
func TestAccessLogSample(t *testing.T) {
	t.Parallel()
	for sample, want := range map[int]int{0: 10, 1: 10, 3: 4, 100: 1} {
		log := newRequestLog()
		client, base := newServer(t, false, orders, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/500") {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}), func(c *gateway.Config) { c.Access, c.AccessSample = slog.NewJSONHandler(log, nil), sample })
		for range 10 {
			do(t, client, base, "GET /orders/1", "")
			do(t, client, base, "GET /orders/x", "")
			do(t, client, base, "GET /orders/500", "")
		}
		counts := map[string]int{}
		for _, line := range accessLines(t, log.await(want+20)) {
			counts[line["verdict"].(string)+" "+strconv.FormatFloat(line["status"].(float64), 'f', -1, 64)]++
		}
		if diff := cmp.Diff(map[string]int{"watched 200": want, "refused 400": 10, "watched 500": 10}, counts); diff != "" {
			t.Errorf("one of %d: %s", sample, diff)
		}
	}
}

// TestViolationsNameWhatWasSeen: a line has the media type or the method, cut to 200 bytes.
func TestViolationsNameWhatWasSeen(t *testing.T) {
	t.Parallel()
	long := "text/" + strings.Repeat("x", 300)
	for head, want := range map[string]string{
		"PUT /orders/1\nContent-Type: text/plain":                               `"name":"Content-Type","seen":"text/plain"`,
		"PUT /orders/1\nContent-Type: " + long:                                  `"name":"Content-Type","seen":"` + long[:200] + `…"`,
		"PUT /orders/1\nContent-Type: application/json\nContent-Encoding: zstd": `"name":"Content-Encoding","seen":"zstd"`,
		"GET /orders/1\nContent-Type: text/plain":                               `"seen":"text/plain"`,
		"PURGE /orders/1":                       `"method":"other","direction":"requests","violation":"method","verdict":"refused","keyword":"","in":"path","name":"","seen":"PURGE"`,
		strings.Repeat("M", 300) + " /orders/1": `"seen":"` + strings.Repeat("M", 200) + `…"`,
		"GET /orders/2":                         `"direction":"responses","violation":"media-type","verdict":"watched","keyword":"mediaType","in":"header","name":"Content-Type","seen":"text/html"`,
	} {
		log := newRequestLog()
		client, base := newServer(t, false, orders, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<p>")
		}), func(c *gateway.Config) {
			c.Access = slog.NewJSONHandler(log, nil)
			c.Log = slog.New(c.Access)
		})
		body := ""
		if strings.Contains(head, "\n") {
			body = "{}"
		}
		do(t, client, base, head, body)
		if !strings.Contains(log.await(1), want) {
			t.Errorf("%.40s: got %s, want %s", head, log, want)
		}
	}
}

// BenchmarkAccessLog measures an exchange with and without the line.
func BenchmarkAccessLog(b *testing.B) {
	contract, _, err := gateway.Read(b.Context(), []byte(orders), spec.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for name, access := range map[string]slog.Handler{"off": nil, "on": slog.NewJSONHandler(io.Discard, nil)} {
		b.Run(name, func(b *testing.B) {
			gate, err := gateway.New(gateway.Config{Contract: contract, Access: access, Upstream: "127.0.0.1:1", Defaults: policy.Defaults{Responses: policy.Off}})
			if err != nil {
				b.Fatal(err)
			}
			next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
			r := httptest.NewRequest(http.MethodGet, "/orders/1", http.NoBody)
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				clear(w.Header())
				gate.Serve(w, r, next)
			}
		})
	}
}
