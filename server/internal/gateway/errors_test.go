package gateway_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/form"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// orders is a document with each kind of rule.
const orders = `
openapi: 3.0.3
info: { title: Orders, version: '1' }
paths:
  /orders/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: integer } }
      - { name: top, in: query, schema: { type: integer } }
      - { name: session, in: cookie, schema: { type: integer } }
      - { name: X-Trace-Id, in: header, schema: { type: integer } }
    get:
      responses: { '200': { description: One., headers: { X-Total: { schema: { type: integer } } }, content: { application/json: { schema: { type: object } } } } }
    put:
      requestBody:
        required: true
        content:
          application/json:
            schema: { type: object, required: [price], properties: { price: { type: number, minimum: 1 }, a/b: { type: string } }, additionalProperties: false }
          application/xml: { schema: { type: object, properties: { a: { type: integer } } } }
      responses: { '204': { description: Kept. } }
`

// newServer serves a gate of a document over HTTP/1.1, or over HTTP/2 with TLS.
func newServer(t *testing.T, http2 bool, document string, next http.Handler, change func(*gateway.Config)) (*http.Client, string) {
	t.Helper()
	contract, _, err := gateway.Read(t.Context(), []byte(document), spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	config := gateway.Config{Contract: contract, Defaults: policy.Defaults{Responses: policy.Monitor}, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&config)
	}
	gate, err := gateway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(gate.Handler(next))
	server.EnableHTTP2 = http2
	if http2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.Client(), server.URL
}

// protocols runs a test over HTTP/1.1 and HTTP/2.
func protocols(t *testing.T, test func(t *testing.T, http2 bool)) {
	t.Helper()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, http2)
		})
	}
}

// do sends a request and returns the response with its body. The lines of head are method and target, then header
// fields.
func do(t *testing.T, client *http.Client, base, head, body string) (*http.Response, string) {
	t.Helper()
	line, fields, _ := strings.Cut(head, "\n")
	method, target, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, base+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for f := range strings.SplitSeq(fields, "\n") {
		if name, value, ok := strings.Cut(f, ": "); ok {
			r.Header.Add(name, value)
		}
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// refusals are requests that the gateway refuses, with the status and the places of the faults.
var refusals = map[string]struct {
	head, body string
	status     int
	want       []string
}{
	"an unknown path":              {"GET /other", "", 404, nil},
	"an unknown method":            {"DELETE /orders/1", "", 405, nil},
	"a path value":                 {"GET /orders/x", "", 400, []string{"path id type"}},
	"a query value":                {"GET /orders/1?top=x", "", 400, []string{"query top type"}},
	"an unknown option":            {"GET /orders/1?%22%3C=1", "", 400, []string{`query "< additionalProperties`}},
	"an option not in UTF-8":       {"GET /orders/1?%FF=1", "", 400, []string{"query %FF encoding"}},
	"a header field":               {"GET /orders/1\nX-Trace-Id: x", "", 400, []string{"header X-Trace-Id type"}},
	"a cookie":                     {"GET /orders/1\nCookie: session=x", "", 400, []string{"cookie session type"}},
	"two parameters":               {"GET /orders/x?top=x", "", 400, []string{"path id type", "query top type"}},
	"the Connection field":         {"GET /orders/1\nConnection: authorization", "", 400, []string{"header Connection connection"}},
	"header fields too large":      {"GET /orders/1\nX: " + strings.Repeat("x", 17<<10), "", 431, nil},
	"two members":                  {"PUT /orders/1\nContent-Type: application/json", `{"price":0,"a/b":1}`, 400, []string{"#/price minimum", "#/a~1b type"}},
	"a missing member":             {"PUT /orders/1\nContent-Type: application/json", `{}`, 400, []string{"#/price required"}},
	"an unknown member":            {"PUT /orders/1\nContent-Type: application/json", `{"price":1,"<é>":1}`, 400, []string{"#/%3C%C3%A9%3E additionalProperties"}},
	"another type":                 {"PUT /orders/1\nContent-Type: application/json", `[]`, 400, []string{"# type"}},
	"a malformed body":             {"PUT /orders/1\nContent-Type: application/json", `{`, 400, []string{"# malformed"}},
	"an empty body":                {"PUT /orders/1\nContent-Type: application/json", ` `, 400, []string{"# empty"}},
	"a body that is not gzip":      {"PUT /orders/1\nContent-Type: application/json\nContent-Encoding: gzip", "\x1f\x8b", 400, []string{"# malformed"}},
	"another media type":           {"PUT /orders/1\nContent-Type: text/plain", `{}`, 415, []string{"header Content-Type mediaType"}},
	"two media types":              {"PUT /orders/1\nContent-Type: text/plain\nContent-Type: text/html", `{}`, 400, []string{"header Content-Type repeated"}},
	"another coding":               {"PUT /orders/1\nContent-Type: application/json\nContent-Encoding: br", `{}`, 415, []string{"header Content-Encoding encoding"}},
	"a long body":                  {"PUT /orders/1\nContent-Type: application/json", strings.Repeat(" ", 1<<20+1), 413, nil},
	"a body that cannot be judged": {"PUT /orders/1\nContent-Type: application/xml", `<a/>`, 501, nil},
	"a late upstream":              {"GET /orders/504", "", 504, nil},
	"a busy upstream":              {"GET /orders/503", "", 503, nil},
	"an upstream that fails":       {"GET /orders/502", "", 502, nil},
	"an invalid response":          {"GET /orders/418", "", 502, nil},
	"a refused HEAD":               {"HEAD /orders/x", "", 400, nil},
}

// failing is an upstream that fails with the status in the last segment.
func failing(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "504"):
		gateway.Fail(w, gateway.LateAnswer())
	case strings.HasSuffix(r.URL.Path, "503"):
		gateway.Fail(w, graph.Unavailable(nil))
	case strings.HasSuffix(r.URL.Path, "502"):
		gateway.Fail(w, gateway.BadAnswer())
	default:
		w.Header().Set("Secret", "hunter2")
		w.WriteHeader(http.StatusTeapot)
	}
}

// TestProblemDetails: each of the gateway's own responses is application/problem+json, with one member of errors for
// each fault.
func TestProblemDetails(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, http2 bool) {
		client, base := newServer(t, http2, orders, http.HandlerFunc(failing), func(c *gateway.Config) { c.Defaults.Responses = policy.Enforce })
		for name, tt := range refusals {
			if http2 && strings.Contains(tt.head, "\nConnection:") {
				continue // RFC 9113 §8.2.2: HTTP/2 has none
			}
			resp, body := do(t, client, base, tt.head, tt.body)
			if resp.StatusCode != tt.status || resp.Header.Get("Content-Type") != "application/problem+json" || resp.Header.Get("Secret") != "" {
				t.Errorf("%s: got %d %v %s, want %d", name, resp.StatusCode, resp.Header, body, tt.status)
				continue
			}
			if strings.HasPrefix(tt.head, "HEAD ") {
				if body != "" || resp.ContentLength < 1 {
					t.Errorf("%s: got %q of %d bytes, want none", name, body, resp.ContentLength)
				}
				continue
			}
			checkDetails(t, name, resp, body, tt.want)
		}
	})
}

// checkDetails checks the members of a problem.
func checkDetails(t *testing.T, name string, resp *http.Response, body string, want []string) {
	t.Helper()
	var p struct {
		Type, Title, Detail, Instance string
		Status                        int
		Errors                        []form.Fault
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Errorf("%s: %v: %s", name, err, body)
	}
	if p.Type != "about:blank" || p.Title != http.StatusText(resp.StatusCode) || p.Status != resp.StatusCode || p.Detail == "" ||
		p.Instance != "urn:uuid:"+resp.Header.Get("request-id") || strings.ContainsAny(body, "<>") {
		t.Errorf("%s: got %s", name, body)
	}
	var got []string
	for _, e := range p.Errors {
		at := e.Pointer
		if e.In != "" {
			at = e.In + " " + e.Parameter
		}
		got = append(got, at+" "+e.Keyword)
		if e.Detail == "" {
			t.Errorf("%s: a fault without detail: %s", name, body)
		}
	}
	if diff := cmp.Diff(want, got); want != nil && diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// TestErrorForms: each of the gateway's own responses has the chosen form.
func TestErrorForms(t *testing.T) {
	t.Parallel()
	house, err := form.Parse("house.tmpl", []byte("Content-Type: application/vnd.house+json\n\n"+
		`{"house":{{.Status}},"where":[{{range $i, $e := .Errors}}{{if $i}},{{end}}{{$e.Parameter}}{{end}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	protocols(t, func(t *testing.T, http2 bool) {
		for mediaType, chosen := range map[string]*form.Form{
			"application/json": form.Graph(), "application/vnd.house+json": house, "application/problem+json": form.Problem(),
		} {
			client, base := newServer(t, http2, orders, http.HandlerFunc(failing), func(c *gateway.Config) {
				c.Defaults.Responses, c.Errors = policy.Enforce, chosen
			})
			member := map[string]string{"application/json": "error", "application/vnd.house+json": "house", "application/problem+json": "type"}[mediaType]
			for name, tt := range refusals {
				if http2 && strings.Contains(tt.head, "\nConnection:") || strings.HasPrefix(tt.head, "HEAD ") {
					continue
				}
				resp, body := do(t, client, base, tt.head, tt.body)
				var got map[string]any
				if err := json.Unmarshal([]byte(body), &got); err != nil || got[member] == nil || resp.Header.Get("Content-Type") != mediaType {
					t.Errorf("%s: got %s %s, %v, want %s", name, resp.Header.Get("Content-Type"), body, err, mediaType)
				}
			}
		}
	})
}

// TestFailingForm: if a template fails for a request, although it did not for the samples, status and text stay.
func TestFailingForm(t *testing.T) {
	t.Parallel()
	odd, err := form.Parse("odd.tmpl", []byte("Content-Type: application/json\n\n"+
		`{"a":{{range .Errors}}{{if eq .Parameter "id"}}{{slice .Parameter 0 9}}{{end}}{{end}}{{.Status}}}`))
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	client, base := newServer(t, false, orders, http.HandlerFunc(failing), func(c *gateway.Config) {
		c.Errors, c.Log = odd, slog.New(slog.NewJSONHandler(log, nil))
	})
	resp, body := do(t, client, base, "GET /orders/x", "")
	if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	checkDetails(t, "a failing form", resp, body, []string{"path id type"})
	if !strings.Contains(log.String(), "odd.tmpl:3:") {
		t.Errorf("logged %s", log)
	}
}
