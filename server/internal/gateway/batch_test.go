package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// batchOf returns a batch of updates with these bodies.
func batchOf(bodies ...string) string {
	var requests []string
	for i, body := range bodies {
		requests = append(requests, fmt.Sprintf(`{"id":"%d","method":"PATCH","url":"/pfxRecryptionRequests/k","headers":{"Content-Type":"application/json"},"body":%s}`, i, body))
	}
	return `{"requests":[` + strings.Join(requests, ",") + `]}`
}

// TestNothingPassesInABatch: with any policy, each request of a batch is forwarded as if sent alone, or refused.
func TestNothingPassesInABatch(t *testing.T) {
	t.Parallel()
	const good, bad = `{"status":7}`, `{"nope":7}`
	for name, tt := range map[string]struct {
		rules, body string
		status      int   // of the batch
		statuses    []int // of its requests
		forwarded   []string
	}{
		"enforced":                {``, batchOf(good, bad), 200, []int{204, 400}, []string{good}},
		"batches are watched":     {`operations: {sendBatch: {requests: monitor}}`, batchOf(bad, good), 200, []int{400, 204}, []string{good}},
		"batches are not checked": {`operations: {sendBatch: {requests: off, responses: off}}`, batchOf(bad, good), 200, []int{400, 204}, []string{good}},
		"all is watched":          {`requests: monitor`, batchOf(bad), 200, []int{204}, []string{bad}},
		"updates are watched":     {`operations: {updatePfxRecryptionRequest: {requests: monitor}}`, batchOf(bad), 200, []int{204}, []string{bad}},
		"malformed, watched":      {`requests: monitor`, batchOf(good) + "x", 400, nil, nil},
		"malformed, not checked":  {`requests: off`, `{"requests":[],"requests":` + batchOf(good)[len(`{"requests":`):], 400, nil, nil},
		"duplicate id, watched":   {`requests: monitor`, strings.ReplaceAll(batchOf(good, good), `"id":"1"`, `"id":"0"`), 400, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, forwarded := throughGate(t, tt.rules, "/beta/$batch", tt.body)
			if got.Code != tt.status {
				t.Fatalf("got %d %s, want %d", got.Code, got.Body, tt.status)
			}
			var result struct{ Responses []struct{ Status int } }
			_ = json.Unmarshal(got.Body.Bytes(), &result) // a refusal has none
			var statuses []int
			for _, r := range result.Responses {
				statuses = append(statuses, r.Status)
			}
			if !slices.Equal(statuses, tt.statuses) {
				t.Errorf("got %v, want %v: %s", statuses, tt.statuses, got.Body)
			}
			var want []string
			for _, body := range tt.forwarded {
				want = append(want, "PATCH /beta/pfxRecryptionRequests/k "+body)
			}
			if !slices.Equal(forwarded, want) {
				t.Errorf("forwarded %q, want %q", forwarded, want)
			}
		})
	}
}

// TestBatchByAnotherName: other spellings of the address of batches are refused, even if unknown paths pass.
func TestBatchByAnotherName(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/beta/$BATCH", "/beta/%2524batch", "/beta/$batch/", "/beta//$batch", "/beta/./$batch", "/v1.0/$batch", "/$batch", "/beta/$batch;x", "/x/%5c$batch",
		"/beta/%24%62atch%20", "/beta/users/$batch",
	} {
		got, forwarded := throughGate(t, `requests: {violations: {path: off}}`, path, batchOf(`{"nope":1}`))
		if got.Code < 400 || len(forwarded) > 0 {
			t.Errorf("%s: got %d, forwarded %q", path, got.Code, forwarded)
		}
	}
}

// throughGate sends a batch to a gate of the built-in contract and returns the forwarded bodies.
func throughGate(t *testing.T, rules, path, body string) (*httptest.ResponseRecorder, []string) {
	t.Helper()
	gate, err := gateway.New(gateway.Config{Contract: gateway.Builtin(), Policy: mustParse(t, rules)})
	if err != nil {
		t.Fatal(err)
	}
	return sendTo(t, gate, path, body)
}

func sendTo(t *testing.T, gate *gateway.Gate, path, body string) (*httptest.ResponseRecorder, []string) {
	t.Helper()
	var forwarded []string
	next := func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		forwarded = append(forwarded, fmt.Sprintf("%s %s %s", r.Method, r.RequestURI, bytes.TrimSpace(b)))
		w.WriteHeader(http.StatusNoContent)
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	gate.Serve(w, r, http.HandlerFunc(next))
	return w, forwarded
}

// TestBatchOfADocument: the requests of a batch cannot be checked against a document, so a batch is refused unless the
// policy lets it pass.
func TestBatchOfADocument(t *testing.T) {
	t.Parallel()
	contract, document, err := gateway.Read(t.Context(), openapi.Document, spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(document.Spots) != 1 || document.Spots[0].Pointer != "/paths/~1$batch/post" {
		t.Errorf("the spots are %v", document.Spots)
	}
	for rules, want := range map[string]int{
		``: http.StatusNotImplemented,
		`operations: {sendBatch: {requests: {violations: {not-judged: monitor}}, responses: off}}`: http.StatusNoContent,
	} {
		gate, err := gateway.New(gateway.Config{Contract: contract, Policy: mustParse(t, rules)})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := sendTo(t, gate, "/beta/$batch", batchOf(`{}`)); got.Code != want {
			t.Errorf("%q: got %d %s, want %d", rules, got.Code, got.Body, want)
		}
	}
}

// TestBatchThatBreaksOff: a response that breaks off becomes 502 only for its own request.
func TestBatchThatBreaksOff(t *testing.T) {
	t.Parallel()
	watch := policy.Monitor
	gate, err := gateway.New(gateway.Config{Contract: gateway.Builtin(), Defaults: policy.Defaults{ForceResponses: &watch}})
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls == 1 {
			_, _ = io.WriteString(w, `{"cut`)
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<p>")
	})
	r := httptest.NewRequest(http.MethodPost, "/beta/$batch", strings.NewReader(batchOf(`{}`, `{}`)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	gate.Serve(w, r, next)
	var got struct {
		Responses []struct {
			Status int
			Body   any
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if len(got.Responses) != 2 || got.Responses[0].Status != http.StatusBadGateway || got.Responses[1].Body != "PHA-" {
		t.Errorf("got %s", w.Body)
	}
}
