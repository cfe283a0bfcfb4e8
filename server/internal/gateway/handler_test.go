package gateway_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/openapi"
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
	contract, err := openapi.Load([]byte(notes))
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

// TestBodyEndsWithTheExchange: its bytes are another request's soon.
func TestBodyEndsWithTheExchange(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"title=a", "title=a&more=b"} {
		gate := newGate(t, policy.Enforce)
		if strings.Contains(form, "more") { // passes as it came
			contract, err := openapi.Load([]byte(notes))
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

// TestFormIsTheCheckedOne: what somebody in front has parsed is no longer there.
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
