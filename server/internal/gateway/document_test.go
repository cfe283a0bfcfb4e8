package gateway_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// parts is a document with a part that cannot be judged.
const parts = `
openapi: 3.0.3
info: { title: Parts, version: '1' }
paths:
  /parts:
    get:
      responses: { '200': { description: All., content: { application/json: { schema: { type: array, items: { type: string } } } } } }
    post:
      requestBody:
        required: true
        content:
          application/json: { schema: { type: object, required: [a], properties: { a: { type: integer } } } }
          application/xml: { schema: { type: object, properties: { a: { type: integer } } } }
      responses: { default: { description: Any. } }
  /parts/{id}:
    put:
      parameters:
        - { name: id, in: path, required: true, schema: { type: string, enum: [a/b, c] } }
        - { name: tenant_id, in: header, schema: { type: integer } }
      requestBody: { content: { application/json: { schema: { type: object } } } }
      responses: { default: { description: Any. } }
`

// TestDocument checks, for a foreign document, which requests are refused and what the upstream gets of the others.
func TestDocument(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, target, contentType, body string
		change                                  func(r *http.Request)
		enforce, monitor                        int
		seen                                    string // the forwarded target and body
	}{
		{"a valid body", "POST", "/parts", "application/json", `{"a":1}`, nil, 200, 200, `/parts {"a":1}`},
		{"an invalid body", "POST", "/parts", "application/json", `{}`, nil, 400, 200, `/parts {}`},
		{"a body that cannot be judged", "POST", "/parts", "application/xml", "<p/>", nil, 501, 200, "/parts <p/>"},
		{"another media type", "POST", "/parts", "text/plain", "x", nil, 415, 200, "/parts x"},
		{"an undescribed body", "GET", "/parts", "application/json", "{}", nil, 400, 200, "/parts {}"},
		{"an escaped slash in a value", "PUT", "/parts/a%2Fb", "", "", nil, 200, 200, "/parts/a%2Fb "},
		{"an optional body that is chunked and empty", "PUT", "/parts/c", "application/json", "", func(r *http.Request) {
			r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(strings.NewReader("")), -1, []string{"chunked"}
		}, 200, 200, "/parts/c "},
		{"a declared field with an underscore", "PUT", "/parts/c", "", "", func(r *http.Request) { r.Header["Tenant_id"] = []string{"7"} }, 200, 200, "/parts/c  tenant 7"},
		{"its value", "PUT", "/parts/c", "", "", func(r *http.Request) { r.Header["Tenant_id"] = []string{"x"} }, 400, 200, "/parts/c  tenant x"},
	}
	for _, mode := range []policy.Mode{policy.Enforce, policy.Monitor} {
		contract, document, err := gateway.Read(t.Context(), []byte(parts), spec.Options{})
		if err != nil || len(document.Spots) != 1 {
			t.Fatalf("got %v and %v, want one place that cannot be judged", document, err)
		}
		gate, err := gateway.New(gateway.Config{Contract: contract, Defaults: policy.Defaults{Responses: policy.Monitor, ForceRequests: &mode}, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range tests {
			t.Run(mode.String()+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				seen := ""
				h := gate.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					seen = r.RequestURI + " " + string(body)
					if v := r.Header["Tenant_id"]; v != nil {
						seen += " tenant " + v[0]
					}
					w.Header().Set("Content-Type", "application/json")
					_, _ = io.WriteString(w, "[]")
				}))
				r := httptest.NewRequest(tt.method, tt.target, strings.NewReader(tt.body))
				if tt.contentType != "" {
					r.Header.Set("Content-Type", tt.contentType)
				}
				if tt.body == "" {
					r.Body, r.ContentLength = http.NoBody, 0
				}
				if tt.change != nil {
					tt.change(r)
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				want, arrives := tt.enforce, tt.seen
				if mode == policy.Monitor {
					want = tt.monitor
				}
				if want != http.StatusOK {
					arrives = ""
				}
				if w.Code != want || seen != arrives {
					t.Errorf("got %d and %q, want %d and %q\n%s", w.Code, seen, want, arrives, w.Body)
				}
			})
		}
	}
}

// TestStatusesOfHTTP: statuses that HTTP defines for every retrieval are not violations.
func TestStatusesOfHTTP(t *testing.T) {
	t.Parallel()
	contract, _, err := gateway.Read(t.Context(), []byte(parts), spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	gate, err := gateway.New(gateway.Config{Contract: contract, Defaults: policy.Defaults{Responses: policy.Enforce}})
	if err != nil {
		t.Fatal(err)
	}
	for status, want := range map[int]int{304: 304, 206: 206, 412: 412, 416: 416, 404: 502} {
		w := httptest.NewRecorder()
		gate.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })).
			ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/parts", http.NoBody))
		if w.Code != want {
			t.Errorf("%d: got %d, want %d", status, w.Code, want)
		}
	}
}
