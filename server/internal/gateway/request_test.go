package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

const (
	patchKey = "PATCH /beta/pfxRecryptionRequests/k\nContent-Type: application/json"
	done     = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
)

// violations break each kind of rule for requests, in each way that a check can find.
var violations = map[string]struct {
	head, body string
	status     int
	kind       string
	keyword    string
	where      string // the member of a log line with the place, and its value
}{
	"malformed":         {patchKey, `{"status":1`, 400, "malformed", "malformed", `"pointer":""`},
	"duplicate member":  {patchKey, `{"status":1,"status":1}`, 400, "malformed", "malformed", `"pointer":""`},
	"empty":             {patchKey + "\nContent-Length: 0", ``, 400, "malformed", "empty", `"pointer":""`},
	"not gzip":          {patchKey + "\nContent-Encoding: gzip", "\x1f\x8bxxxxxxxxxxxxx", 400, "malformed", "malformed", `"pointer":""`},
	"unknown member":    {patchKey, `{"strange":1}`, 400, "unknown-member", "additionalProperties", `"pointer":"/strange"`},
	"missing member":    {"POST /beta/pfxRecryptionRequests\nContent-Type: application/json", `{}`, 400, "required", "required", `"pointer":"/`},
	"type":              {patchKey, `{"status":"7"}`, 400, "type", "type", `"pointer":"/status"`},
	"null":              {patchKey, `{"status":null}`, 400, "type", "", `"pointer":"/status"`},
	"format":            {patchKey, `{"status":7.5}`, 400, "format", "", `"pointer":"/status"`},
	"guid":              {patchKey, `{"userId":"x"}`, 400, "format", "", `"pointer":"/userId"`},
	"long text":         {patchKey, `{"thumbprint":"` + strings.Repeat("x", 1025) + `"}`, 400, "size", "", `"pointer":"/thumbprint"`},
	"long body":         {patchKey, `{"thumbprint":"` + strings.Repeat("x", 64<<10) + `"}`, 413, "size", "size", `"pointer":""`},
	"bomb":              {patchKey + "\nContent-Encoding: gzip", zipped(`{"thumbprint":"` + strings.Repeat("x", 64<<10) + `"}`), 413, "size", "size", `"pointer":""`},
	"long header":       {patchKey + "\nX: " + strings.Repeat("x", 16<<10), `{}`, 431, "size", "maxLength", `"in":"header"`},
	"value":             {patchKey, `{"@odata.type":"#other"}`, 400, "value", "enum", `"pointer":"/@odata.type"`},
	"unknown option":    {"GET /beta/pfxRecryptionRequests?strange=1\nX: y", ``, 400, "parameter", "additionalProperties", `"name":"strange"`},
	"invalid option":    {"GET /beta/pfxRecryptionRequests?$top=0\nX: y", ``, 400, "parameter", "", `"name":"$top"`},
	"invalid key":       {"GET /beta/pfxRecryptionRequests/a%00b\nX: y", ``, 400, "parameter", "", `"name":"pfxRecryptionRequestsId"`},
	"invalid condition": {patchKey + "\nIf-Match: x", `{}`, 400, "parameter", "", `"name":"If-Match"`},
	"media type":        {"PATCH /beta/pfxRecryptionRequests/k\nContent-Type: text/plain", `{}`, 415, "media-type", "mediaType", `"keyword"`},
	"no media type":     {"PATCH /beta/pfxRecryptionRequests/k\nX: y", `{}`, 415, "media-type", "mediaType", `"keyword"`},
	"coding":            {patchKey + "\nContent-Encoding: br", `{}`, 415, "media-type", "mediaType", `"keyword"`},
	"not acceptable":    {patchKey + "\nAccept: text/html", `{}`, 406, "media-type", "mediaType", `"keyword"`},
	"duplicate token":   {patchKey + "\nAuthorization: Bearer a\nAuthorization: Bearer b", `{}`, 401, "header", "repeated", `"name":"Authorization"`},
	"Connection names":  {patchKey + "\nIf-Match: *\nConnection: if-match", `{}`, 400, "header", "connection", `"name":"Connection"`},
	"path":              {"GET /beta/other\nX: y", ``, 400, "path", "", `"in":"path"`},
	"path outside":      {"GET /other/../beta/pfxRecryptionRequests\nX: y", ``, 404, "path", "", `"in":"path"`},
	"method":            {"PUT /beta/pfxRecryptionRequests/k\nX: y", `{}`, 405, "method", "", `"in":"path"`},
}

// TestViolations: an enforced violation does not reach the upstream. A watched one reaches it unchanged and is logged.
// One that is off is not logged.
func TestViolations(t *testing.T) {
	t.Parallel()
	for name, tt := range violations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, mode := range []string{"enforce", "monitor", "off"} {
				s := newStand(t, "requests: "+mode+"\nresponses: off\n", done, nil)
				got := s.send(tt.head, tt.body)
				text, counted := s.log.String(), s.metric(t, "pfxr_gateway_violations_total")
				if mode == "enforce" {
					if got.status != tt.status || len(s.requests()) > 0 || !strings.Contains(got.body, `"error"`) {
						t.Errorf("enforce: got %d %s, want %d; %d were forwarded", got.status, got.body, tt.status, len(s.requests()))
					}
				} else {
					s.wantForwarded(t, mode, tt.head, tt.body, got)
				}
				lines := strings.Count(text, `"msg":"violation"`)
				if mode == "off" {
					if lines > 0 || counted != "" {
						t.Errorf("off: logged %s, counted %s", text, counted)
					}
					continue
				}
				verdict := map[string]string{"enforce": "refused", "monitor": "watched"}[mode]
				for _, want := range []string{`"verdict":"` + verdict, `"violation":"` + tt.kind, `"keyword":"` + tt.keyword, `"direction":"requests"`, tt.where} {
					if !strings.Contains(text, want) {
						t.Errorf("%s: the log lacks %s: %s", mode, want, text)
					}
				}
				if lines == 0 || !strings.Contains(counted, verdict+" "+tt.kind+" ") {
					t.Errorf("%s: %d lines, counted %s", mode, lines, counted)
				}
			}
		})
	}
}

// wantForwarded checks that the upstream got one request with the original target and body.
func (s *stand) wantForwarded(t *testing.T, mode, head, body string, got answered) {
	t.Helper()
	requests := s.requests()
	if got.status != 204 || len(requests) != 1 {
		t.Errorf("%s: got %d; %d were forwarded", mode, got.status, len(requests))
		return
	}
	line, _, _ := strings.Cut(head, "\n")
	if requests[0].line() != line || requests[0].body != body {
		t.Errorf("%s: forwarded %q, %.200q", mode, requests[0].line(), requests[0].body)
	}
}

// metric returns the series of a counter, one per line, with sorted labels and the value.
func (s *stand) metric(t testing.TB, name string) string {
	t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() != name {
				continue
			}
			for _, l := range m.GetLabel() {
				text += l.GetValue() + " "
			}
			text += fmt.Sprintln(m.GetCounter().GetValue())
		}
	}
	return text
}

// odd are valid requests in unusual forms, which enforcing normalizes.
var odd = map[string]struct{ head, body, line, forwarded string }{
	"escapes":            {"PATCH /beta/%70fxRecryptionRequests/%6B%2d\nContent-Type: application/json", `{}`, "PATCH /beta/pfxRecryptionRequests/k-", `{}`},
	"parentheses":        {"PATCH /beta/pfxRecryptionRequests('k')\nContent-Type: application/json", `{}`, "PATCH /beta/pfxRecryptionRequests/k", `{}`},
	"bare parentheses":   {"PATCH /beta/pfxRecryptionRequests(%27k%27)\nContent-Type: application/json", `{}`, "PATCH /beta/pfxRecryptionRequests/k", `{}`},
	"options":            {"GET /beta/pfxRecryptionRequests?TOP=5&&%24Count=true&$filter=status+eq%206\nX: y", ``, "GET /beta/pfxRecryptionRequests?$top=5&$count=true&$filter=status%20eq%206", ``},
	"no options":         {"GET /beta/pfxRecryptionRequests?\nX: y", ``, "GET /beta/pfxRecryptionRequests", ``},
	"gzip":               {patchKey + "\nContent-Encoding: gzip", zipped(`{"status": 1}`), "PATCH /beta/pfxRecryptionRequests/k", `{"status": 1}`},
	"gzip on plain":      {patchKey + "\nContent-Encoding: GZIP", `{"status":1}`, "PATCH /beta/pfxRecryptionRequests/k", `{"status":1}`},
	"chunks":             {patchKey + "\nTransfer-Encoding: chunked", "2;x=y\r\n{}\r\n0\r\nAuthorization: x\r\n\r\n", "PATCH /beta/pfxRecryptionRequests/k", `{}`},
	"annotations, space": {patchKey, " {\"@x\" : [1 , 2]}\r\n", "PATCH /beta/pfxRecryptionRequests/k", " {\"@x\" : [1 , 2]}\r\n"},
	"absolute form":      {"GET http://elsewhere.test/beta/pfxRecryptionRequests\nX: y", ``, "GET /beta/pfxRecryptionRequests", ``},
}

// TestRebuilt: an enforcing gate forwards what it has checked, in normal form.
func TestRebuilt(t *testing.T) {
	t.Parallel()
	for name, tt := range odd {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, "requests: enforce\nresponses: off\n", done, nil)
			got := s.send(tt.head+"\nX_Under: a\nIf_Match: b\nX-HTTP-Method-Override: DELETE\nX-HTTP-Method: DELETE\nX-Method-Override: DELETE\nX-Original-URL: /other\nX-Rewrite-URL: /other\nExpect: 100-continue", tt.body)
			requests := s.waitFor(t, 1)
			m := requests[0]
			if got.status != 204 || m.line() != tt.line || m.body != tt.forwarded {
				t.Errorf("got %d, forwarded %q %q, want %q %q", got.status, m.line(), m.body, tt.line, tt.forwarded)
			}
			for _, name := range []string{
				"X_Under", "If_Match", "Content-Encoding", "Transfer-Encoding", "Trailer", "Expect", "Connection", "X-HTTP-Method-Override", "X-HTTP-Method",
				"X-Method-Override", "X-Original-URL", "X-Rewrite-URL",
			} {
				if m.has(name) {
					t.Errorf("%s was forwarded", name)
				}
			}
		})
	}
}

// waitFor returns the n requests that the upstream got.
func (s *stand) waitFor(t *testing.T, n int) []message {
	t.Helper()
	requests := s.requests()
	if len(requests) != n {
		t.Fatalf("%d were forwarded, want %d", len(requests), n)
	}
	return requests
}

// TestWatchedAsItCame: a gate that only watches forwards requests unchanged, valid or not.
func TestWatchedAsItCame(t *testing.T) {
	t.Parallel()
	for name, tt := range odd {
		for _, mode := range []string{"monitor", "off"} {
			t.Run(mode+" "+name, func(t *testing.T) {
				t.Parallel()
				s := newStand(t, "requests: "+mode+"\nresponses: off\n", done, nil)
				got := s.send(tt.head+"\nX_Under: a\nX-HTTP-Method-Override: DELETE", tt.body)
				line, _, _ := strings.Cut(tt.head, "\n")
				body := tt.body
				if name == "chunks" {
					body = tt.forwarded // chunks belong to the connection
				}
				if name == "absolute form" {
					line = tt.line
				}
				m := s.waitFor(t, 1)[0]
				if got.status != 204 || m.line() != line || m.body != body {
					t.Errorf("got %d, forwarded %q %q", got.status, m.line(), m.body)
				}
				if strings.Contains(tt.head, "Content-Encoding") != m.has("Content-Encoding") || !m.has("X_Under") || !m.has("X-HTTP-Method-Override") {
					t.Errorf("the header was changed: %s", m.head)
				}
				if strings.Contains(s.log.String(), "violation") {
					t.Errorf("logged %s", s.log.String())
				}
			})
		}
	}
}

// TestMixed: a request that breaks only watched rules passes unchanged, except for fields that others could confuse
// with checked ones.
func TestMixed(t *testing.T) {
	t.Parallel()
	s := newStand(t, "requests: {mode: enforce, violations: {unknown-member: monitor}}\nresponses: off\n", done, nil)
	body := ` {"strange":1}`
	if got := s.send("PATCH /beta/pfxRecryptionRequests('k')\nContent-Type: application/json\nIf_Match: x", body); got.status != 204 {
		t.Errorf("got %d %s", got.status, got.body)
	}
	m := s.waitFor(t, 1)[0]
	if m.body != body || m.has("If_Match") {
		t.Errorf("forwarded %q with %s", m.body, m.head)
	}
	for _, refused := range []string{`{"strange":1,"status":"x"}`, `{"strange":1,"strange":1}`} {
		if got := s.send(patchKey, refused); got.status != 400 {
			t.Errorf("%s: got %d", refused, got.status)
		}
	}
	s.waitFor(t, 1)
}

// TestUnknown: requests without a route are refused or passed by the policy's modes for paths and methods.
func TestUnknown(t *testing.T) {
	t.Parallel()
	s := newStand(t, "requests: {mode: enforce, violations: {path: monitor, method: monitor}}\nresponses: enforce\n", reply(299, "any", "X-Any: 1"), nil)
	for _, head := range []string{"GET /any/%2e%2e?x=y\nX: y", "PURGE /beta/pfxRecryptionRequests/k\nX: y", "OPTIONS /beta/pfxRecryptionRequests\nX: y"} {
		if got := s.send(head, ""); got.status != 299 || got.body != "any" || got.header.Get("X-Any") != "1" {
			t.Errorf("%s: got %+v", head, got)
		}
	}
	for _, head := range []string{"TRACE /any\nX: y", "TRACE /beta/pfxRecryptionRequests\nX: y"} {
		if got := s.send(head, ""); got.status != 404 && got.status != 405 {
			t.Errorf("%s: got %+v", head, got)
		}
	}
	s.waitFor(t, 3)
}

// TestCanaries: no log line, metric or refusal repeats a value from a client or the upstream.
func TestCanaries(t *testing.T) {
	t.Parallel()
	const canary = "c4n4ry"
	for _, mode := range []string{"enforce", "monitor"} {
		answer := reply(418, `{"x":"`+canary+`"}`, "Content-Type: other", "Content-Encoding: other", "X-Any: "+canary)
		s := newStand(t, "requests: "+mode+"\nresponses: "+mode+"\n", answer, nil)
		good := newStand(t, "responses: "+mode+"\n", reply(200, `{"status":"`+canary+`","id":7,"userId":"`+canary+`"}`, "Content-Type: application/json", "X-Any: "+canary), nil)
		values := "\nAuthorization: Bearer " + canary + "\nAuthorization: Basic " + canary + "\nCookie: " + canary + "\nUser-Agent: " + canary + "\nX-Any: " + canary +
			"\nReferer: " + canary + "\nClient-Request-Id: " + canary
		requests := 0
		for _, head := range []string{
			"PATCH /beta/pfxRecryptionRequests/" + canary + "!\nContent-Type: application/json", "PATCH /beta/pfxRecryptionRequests/k?$top=" + canary + "\nContent-Type: application/json",
			patchKey + "\nIf-Match: " + canary, patchKey + "\nPrefer: " + canary, "PATCH /beta/pfxRecryptionRequests/k\nContent-Type: text/other", patchKey + "\nContent-Encoding: other",
			patchKey + "\nAccept: text/other", patchKey, "GET /beta/pfxRecryptionRequests?$filter=" + canary + "&$top=" + canary + "&$count=" + canary + "\nX: y",
			"GET /beta/" + canary + "\nX: y", "PUT /beta/pfxRecryptionRequests/" + canary + "\nX: y",
		} {
			for _, body := range []string{`{"status":"` + canary + `","userId":"` + canary + `","createdTime":"` + canary + `","isDeleted":"` + canary + `","@odata.type":"` + canary + `"}`, canary, zipped(canary)} {
				for _, extra := range []string{"", values} {
					got := s.send(head+extra, body)
					got.body = strings.ReplaceAll(got.body, "the segment '"+canary+"'", "") // Graph's text names the segment
					requests++
					if mode == "enforce" && (strings.Contains(got.body, canary) || strings.Contains(fmt.Sprint(got.header), canary)) {
						t.Errorf("%s: the response repeats the value: %+v", head, got)
					}
				}
			}
		}
		if got := good.send("GET /beta/pfxRecryptionRequests/k\nX: y", ""); mode == "enforce" && (got.status != 502 || strings.Contains(fmt.Sprint(got), canary)) {
			t.Errorf("got %+v", got)
		}
		text := s.log.String() + good.log.String()
		if strings.Contains(text, canary) {
			t.Errorf("%s: the log repeats the value:\n%s", mode, text)
		}
		for line := range strings.Lines(text) {
			var entry map[string]any
			if err := json.Unmarshal([]byte(line), &entry); err != nil || entry["msg"] != "violation" {
				t.Errorf("not one JSON object of a violation: %s", line)
			}
		}
		if strings.Count(text, "\n") < requests/2 {
			t.Errorf("%d lines for %d requests", strings.Count(text, "\n"), requests)
		}
		for _, name := range []string{"pfxr_gateway_violations_total", "pfxr_gateway_requests_total"} {
			if strings.Contains(s.metric(t, name)+good.metric(t, name), canary) {
				t.Errorf("%s repeats the value", name)
			}
		}
	}
}

// TestNamesAreBounded: no client can fill a metrics collector's memory with names.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	s := &stand{registry: prometheus.NewRegistry()}
	gate, err := gateway.New(gateway.Config{
		Contract: gateway.Builtin(), Policy: mustParse(t, "{requests: monitor, responses: off}"), Metrics: newMetrics(t, s.registry),
	})
	if err != nil {
		t.Fatal(err)
	}
	handler := gate.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	send := func(method, path, body string) {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	for i := range 10_000 {
		send("PATCH", "/beta/pfxRecryptionRequests/k", fmt.Sprintf(`{"m%d":1,"n%d":1}`, i, i))
		send("GET", fmt.Sprintf("/any/%d", i), "")
		send(fmt.Sprintf("M%d", i), "/beta/pfxRecryptionRequests", "")
	}
	series := map[string]int{}
	for line := range strings.Lines(s.metric(t, "pfxr_gateway_undocumented_total")) {
		for kind := range strings.FieldsSeq("path method unknown-member") {
			if strings.HasPrefix(line, kind+" ") {
				series[kind]++
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"path": 101, "method": 101, "unknown-member": 101}, series); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := strings.Count(s.metric(t, "pfxr_gateway_violations_total"), "\n"); n > 10 {
		t.Errorf("%d series of violations", n)
	}
}

// TestPolicyOfUnknownOperation: a policy for an operation that the contract does not have is an error.
func TestPolicyOfUnknownOperation(t *testing.T) {
	t.Parallel()
	if _, err := gateway.New(gateway.Config{Contract: gateway.Builtin(), Policy: mustParse(t, "operations: {other: {requests: off}}")}); err == nil {
		t.Error("no error")
	}
}
