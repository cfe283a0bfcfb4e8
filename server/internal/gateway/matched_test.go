package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

const drawer = `
openapi: 3.1.0
info: {title: Notes, version: '1'}
paths:
  /{user}/notes/{id}:
    get: {operationId: read, security: [{bearer: []}, {oauth: [read]}, {undefined: [], basic: []}], responses: {'200': {description: ok}}}
    delete: {operationId: remove, security: [{undefined: []}], responses: {'200': {description: ok}}}
components:
  securitySchemes:
    bearer: {type: http, scheme: bearer}
    oauth: {type: oauth2, flows: {}}
    basic: {type: http, scheme: basic}
`

func drawerGate(t *testing.T, c gateway.Config) *gateway.Gate {
	t.Helper()
	var err error
	if c.Contract, _, err = gateway.Read(t.Context(), []byte(drawer), spec.Options{}); err != nil {
		t.Fatal(err)
	}
	gate, err := gateway.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return gate
}

// wrapped is a middleware's writer around a gate's.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// TestMatched: the next handler can get the operation of a request, and refuse the request in the gate's form.
func TestMatched(t *testing.T) {
	t.Parallel()
	h := drawerGate(t, gateway.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		op, values := gateway.Matched(wrapped{w})
		if op == nil || op.ID != "remove" || !slices.Equal(values, []string{"ann", "a%2Fb"}) {
			t.Errorf("got %v, %q", op, values)
		}
		gateway.Refuse(w, &graph.Problem{Status: http.StatusConflict, Code: "Conflict", Message: "No."})
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, "/ann/notes/a%2Fb", http.NoBody))
	if w.Code != http.StatusConflict || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), `"detail":"No."`) {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
	if op, _ := gateway.Matched(httptest.NewRecorder()); op != nil {
		t.Errorf("without a gate: got %v", op)
	}
}

// TestRequireTokens: a token that the contract requires must be present, but is not verified. Undefined schemes require
// nothing.
func TestRequireTokens(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		requires              bool
		method, authorization string
		status                int
	}{
		"none":       {true, http.MethodGet, "", 401},
		"any":        {true, http.MethodGet, "Bearer x", 200},
		"other":      {true, http.MethodGet, "Digest x", 401},
		"basic":      {true, http.MethodGet, "Basic eDp5", 200},
		"undefined":  {true, http.MethodDelete, "", 200},
		"notAsked":   {false, http.MethodGet, "", 200},
		"notAskedBy": {false, http.MethodDelete, "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := drawerGate(t, gateway.Config{RequireTokens: tt.requires}).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			r, w := httptest.NewRequest(tt.method, "/ann/notes/1", http.NoBody), httptest.NewRecorder()
			if tt.authorization != "" {
				r.Header.Set("Authorization", tt.authorization)
			}
			if h.ServeHTTP(w, r); w.Code != tt.status || strings.Contains(fmt.Sprint(w.Header()), "WWW-Authenticate") != (tt.status == 401) {
				t.Errorf("got %d %v, want %d", w.Code, w.Header(), tt.status)
			}
		})
	}
}
