package pfxgate_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/pfxgate"
)

// TestReplaceUnderLoad: each request is checked by exactly one gate, and an invalid Config changes nothing.
func TestReplaceUnderLoad(t *testing.T) {
	t.Parallel()
	// The request violates a rule that one gate enforces and the other watches; for the response it is the reverse.
	strict := pfxgate.Config{Log: quiet, Requests: pfxgate.Enforce, Responses: pfxgate.Monitor}
	lax := pfxgate.Config{Log: quiet, Requests: pfxgate.Monitor, Responses: pfxgate.Enforce}
	gate := newGate(t, strict)
	gated := gate.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, []byte(`{"hunter2":1}`))
	}))
	send := func() int {
		w := httptest.NewRecorder()
		gated.ServeHTTP(w, patch("/beta/pfxRecryptionRequests/sample", []byte(`{"hunter2":1}`)))
		return w.Code
	}
	var callers, replacers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		replacers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := gate.Replace(lax); err != nil {
					t.Error(err)
				}
				if err := gate.Replace(pfxgate.Config{Spec: []byte("{}")}); err == nil {
					t.Error("an empty document was accepted")
				}
				if err := gate.Replace(strict); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 8 {
		callers.Go(func() {
			for range 250 {
				if status := send(); status != http.StatusBadRequest && status != http.StatusBadGateway {
					t.Errorf("got %d, want 400 from the one or 502 from the other", status)
				}
			}
		})
	}
	callers.Wait()
	close(stop)
	replacers.Wait()
	if err := gate.Replace(lax); err != nil || send() != http.StatusBadGateway {
		t.Errorf("the last Config is not in effect: %v", err)
	}
	if err := gate.Replace(pfxgate.Config{Requests: "block"}); err == nil || send() != http.StatusBadGateway {
		t.Errorf("an invalid Config is in effect: %v", err)
	}
}
