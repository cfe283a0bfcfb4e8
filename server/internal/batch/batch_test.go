package batch

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func requests(depends ...string) []pfxapi.BatchRequest {
	var list []pfxapi.BatchRequest
	for _, d := range depends {
		id, on, _ := strings.Cut(d, "<")
		r := pfxapi.BatchRequest{ID: id, Method: "GET", URL: "/" + id}
		if on != "" {
			r.DependsOn = strings.Split(on, "")
		}
		list = append(list, r)
	}
	return list
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		requests []string // id<ids of its dependencies
		want     string   // the ids, or the place of the fault
	}{
		"unchanged":            {[]string{"b", "a", "c"}, "bac"},
		"backwards":            {[]string{"a<b", "b<c", "c"}, "cba"},
		"as early as possible": {[]string{"a<c", "b", "c", "d"}, "bcad"},
		"several":              {[]string{"a", "b<ac", "c<d", "d<a"}, "adcb"},
		"ids in another case":  {[]string{"a<B", "b"}, "ba"},
		"twice":                {[]string{"a", "b<aa"}, "ab"},
		"a duplicate id":       {[]string{"a", "b", "a"}, "/requests/2/id"},
		"an unknown id":        {[]string{"a<x"}, "/requests/0/dependsOn"},
		"itself":               {[]string{"a", "b<b"}, "/requests/1/dependsOn"},
		"a circle":             {[]string{"a", "b<c", "c<d", "d<b"}, "/requests/1/dependsOn"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			plan, err := New(requests(tt.requests...))
			if p, ok := errors.AsType[*graph.Problem](err); ok {
				got = p.Faults[0].Pointer
			} else {
				for _, s := range plan.steps {
					got += s.ID
				}
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// handler serves with a function, and rejects with the status of a problem.
type handler func(w http.ResponseWriter, r *http.Request)

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h(w, r) }

func (h handler) Reject(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusBadGateway
	if p, ok := errors.AsType[*graph.Problem](err); ok {
		status = p.Status
	}
	w.WriteHeader(status)
}

func carryOut(t *testing.T, list []pfxapi.BatchRequest, h handler) *pfxapi.BatchResult {
	t.Helper()
	plan, err := New(list)
	if err != nil {
		t.Fatal(err)
	}
	whole := httptest.NewRequest(http.MethodPost, "/beta/$batch?x", nil)
	whole.Header.Set("Authorization", "Bearer t")
	whole.Header.Set("If-Match", "*")
	text := plan.Append(t.Context(), nil, whole, h)
	var got pfxapi.BatchResult
	if faults := pfxvalid.DecodeBatchResult(text, &got); faults != nil {
		t.Fatalf("%v: %s", faults, text)
	}
	return &got
}

// TestRequest: a handler gets the request as if sent alone, with the sender of the batch.
func TestRequest(t *testing.T) {
	t.Parallel()
	list := []pfxapi.BatchRequest{{
		ID: "1", Method: "patch", URL: "a b/é?c=d e", Body: json.RawMessage(`{}`),
		Headers: map[string]string{"content-type": " application/json ", "AUTHORIZATION": "x", "Host": "x", "x-forwarded-for": "x", "Content-Length": "9", "A": "1", "a": "2"},
	}}
	carryOut(t, list, func(_ http.ResponseWriter, r *http.Request) {
		if got, want := r.Method+" "+r.RequestURI+" "+r.URL.String(), "PATCH /beta/a%20b/%C3%A9?c=d%20e /beta/a%20b/%C3%A9?c=d%20e"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		got, err := json.Marshal(r.Header)
		if want := `{"A":["1","2"],"Authorization":["Bearer t"],"Content-Type":["application/json"]}`; err != nil || string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if r.Host != "example.com" || r.ContentLength != 2 || !IsPart(r.Context()) {
			t.Errorf("got the host %s and %d bytes", r.Host, r.ContentLength)
		}
	})
}

func TestResponse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ mediaType, body, want string }{
		"JSON":                   {"application/json; charset=utf-8", `{"a": 1}`, `{"a": 1}`},
		"malformed JSON":         {"application/json", `{"a":1}}`, `"eyJhIjoxfX0"`},
		"text":                   {"text/plain", `{"a":1}`, `"eyJhIjoxfQ"`},
		"nothing":                {"application/json", ``, ``},
		"not UTF-8":              {"application/octet-stream", "\xfb\xff", `"-_8"`},
		"JSON with another type": {"Application/Problem+JSON", `1`, `1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := carryOut(t, requests("a"), func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.mediaType)
				w.Header()["x"] = []string{"1", "\xff2"}
				w.Header()["Connection"] = []string{"close"}
				w.WriteHeader(http.StatusEarlyHints)
				if tt.body != "" {
					_, _ = w.Write([]byte(tt.body))
				}
			}).Responses[0]
			if got.Status != http.StatusOK || string(got.Body) != tt.want || got.Headers["x"] != "1, \uFFFD2" || got.Headers["Connection"] != "" {
				t.Errorf("got %d %v %s, want %s", got.Status, got.Headers, got.Body, tt.want)
			}
		})
	}
}

// TestFailures: after a failed request its dependents are not executed, but all others are.
func TestFailures(t *testing.T) {
	t.Parallel()
	carried := ""
	got := carryOut(t, requests("a", "b<a", "c<b", "d", "e<d"), func(w http.ResponseWriter, r *http.Request) {
		carried += r.URL.Path[len("/beta/"):]
		if r.URL.Path == "/beta/a" {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusNotModified)
	})
	var statuses []int32
	for _, r := range got.Responses {
		statuses = append(statuses, r.Status)
	}
	if want := [5]int32{502, 424, 424, 304, 304}; [5]int32(statuses) != want || carried != "ade" {
		t.Errorf("got %v, want %v, and %s was executed", statuses, want, carried)
	}
}

// TestLargeResponses: above the bound no request is executed.
func TestLargeResponses(t *testing.T) {
	t.Parallel()
	carried, half := 0, []byte(`"`+strings.Repeat("x", MaxResponses/2)+`"`)
	got := carryOut(t, requests("a", "b", "c", "d"), func(w http.ResponseWriter, _ *http.Request) {
		carried++
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(half)
	})
	if carried != 2 || got.Responses[1].Status != http.StatusOK || got.Responses[2].Status != http.StatusServiceUnavailable {
		t.Errorf("%d were executed", carried)
	}
}
