package stricttest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const document = `
openapi: 3.0.3
info: {title: t, version: '1'}
servers: [{url: /v1}]
paths:
  /things/{id}:
    put:
      operationId: put
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer}, example: 7}
        - {name: dry, in: query, schema: {type: boolean}}
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}, example: {size: 3}}}}
      responses:
        '200':
          description: done
          headers: {ETag: {required: true, schema: {type: string, minLength: 2}}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}
        4XX: {description: refused, content: {text/plain: {schema: {type: string}}}}
components:
  schemas: {Thing: {type: object, required: [size], additionalProperties: false, properties: {size: {type: integer}}}}
`

// recorder is a test whose failures are recorded.
type recorder struct {
	*testing.T

	errors []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// faithful serves the document.
func faithful(o *validate.Operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		id, ok := strings.CutPrefix(r.URL.EscapedPath(), "/v1/things/")
		content := o.RequestBody(r.Header.Get("Content-Type"))
		if err != nil || !ok || content == nil || o.CheckParameters(r.Context(), []string{id}, r.URL.RawQuery, r.Header) != nil ||
			content.CheckContent(r.Context(), r.Header.Get("Content-Type"), body) != nil {
			http.Error(w, "refused", http.StatusBadRequest)
			return
		}
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}
}

// TestRun: a handler that violates the document in one place fails.
func TestRun(t *testing.T) {
	t.Parallel()
	d, err := spec.Load(t.Context(), []byte(document), spec.Options{Examples: true})
	if err != nil {
		t.Fatal(err)
	}
	good := faithful(d.Operations[0])
	answers := func(status int, contentType, etag, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("ETag", etag)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	valid := func(r *http.Request) bool {
		return r.URL.EscapedPath() == "/v1/things/7" && r.URL.RawQuery == "" && r.Header.Get("Content-Type") == "application/json" && r.ContentLength == int64(len(`{"size":3}`))
	}
	onlyValid := func(other http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if valid(r) {
				other.ServeHTTP(w, r)
			} else {
				good.ServeHTTP(w, r)
			}
		})
	}
	tests := []struct {
		name    string
		handler http.Handler
		says    string // "" for no error
	}{
		{"a valid handler", good, ""},
		{"a handler that is not implemented", onlyValid(answers(501, "application/problem+json", "", "{}")), ""},
		{"another status", onlyValid(answers(201, "application/json", `"1"`, `{"size":3}`)), "status 201"},
		{"another body", onlyValid(answers(200, "application/json", `"1"`, `{}`)), "breaks the document"},
		{"another type", onlyValid(answers(200, "text/html", `"1"`, `{"size":3}`)), "text/html"},
		{"another header", onlyValid(answers(200, "application/json", "1", `{"size":3}`)), "header fields"},
		{"501 in another form", onlyValid(answers(501, "text/plain", "", "")), "status 501"},
		{"a handler without checks", answers(200, "application/json", `"1"`, `{"size":3}`), "want 4xx"},
		{"a handler that ignores the query", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { r.URL.RawQuery = ""; good.ServeHTTP(w, r) }), "query dry"},
		{"a handler that aborts", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), "EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.handler)
			t.Cleanup(server.Close)
			report := &recorder{T: t}
			newRunner(report, d, d.Operations[0], server).run()
			if found := slices.ContainsFunc(report.errors, func(e string) bool { return strings.Contains(e, tt.says) }); tt.says == "" && len(report.errors) > 0 || tt.says != "" && !found {
				t.Errorf("got %q, want %q", report.errors, tt.says)
			}
		})
	}
}

// TestWire: values are written in each style as the document says.
func TestWire(t *testing.T) {
	t.Parallel()
	const list, object = `["a b","c,d"]`, `{"k":"v w","x":"1"}`
	tests := []struct{ style, value, want string }{
		{"in: path, style: simple", list, "a%20b,c%2Cd"},
		{"in: path, style: simple, explode: true", object, "k=v%20w,x=1"},
		{"in: path, style: label, explode: true", list, ".a%20b.c%2Cd"},
		{"in: path, style: label", `"a"`, ".a"},
		{"in: path, style: matrix", list, ";p=a%20b,c%2Cd"},
		{"in: path, style: matrix, explode: true", list, ";p=a%20b;p=c%2Cd"},
		{"in: path, style: matrix, explode: true", object, ";k=v%20w;x=1"},
		{"in: query, style: form", list, "p=a%20b&p=c%2Cd"},
		{"in: query, style: form, explode: false", object, "p=k,v%20w,x,1"},
		{"in: query, style: form, explode: true", object, "k=v%20w&x=1"},
		{"in: query, style: pipeDelimited, explode: false", list, "p=a%20b%7Cc%2Cd"},
		{"in: query, style: spaceDelimited, explode: false", `["a","b"]`, "p=a%20b"},
		{"in: query, style: deepObject, explode: true", object, "p%5Bk%5D=v%20w&p%5Bx%5D=1"},
		{"in: query", `12.50`, "p=12.50"},
		{"in: header", list, "a b,c,d"},
		{"in: cookie, explode: false", `"a"`, "p=a"},
	}
	for _, tt := range tests {
		t.Run(tt.style, func(t *testing.T) {
			t.Parallel()
			path := "/a"
			if strings.HasPrefix(tt.style, "in: path") {
				path = "/a/{p}"
			}
			text := fmt.Sprintf("openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {'%s': {get: {parameters: [{name: p, required: true, %s, schema: {}}], responses: {'204': {description: done}}}}}", path, tt.style)
			d, err := spec.Load(t.Context(), []byte(text), spec.Options{})
			if err != nil {
				t.Fatal(err)
			}
			v, err := decode(tt.value)
			q := &request{header: http.Header{}}
			if err == nil {
				err = q.add(d.Operations[0].Parameters[0], v)
			}
			got := strings.Join(slices.Concat(q.path, q.query, q.header["P"], q.header["Cookie"]), "&")
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}
