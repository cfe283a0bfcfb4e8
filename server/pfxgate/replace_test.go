package pfxgate_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/pfxgate"
)

// TestReplaceUnderLoad: a request meets one gate or the other, never half of each, and a bad Config changes nothing.
func TestReplaceUnderLoad(t *testing.T) {
	t.Parallel()
	// What is an error for the one is watched by the other, for the request and for the response.
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
					t.Error("an empty document is a contract")
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
		t.Errorf("the last one is not in effect: %v", err)
	}
	if err := gate.Replace(pfxgate.Config{Requests: "block"}); err == nil || send() != http.StatusBadGateway {
		t.Errorf("an invalid one is in effect: %v", err)
	}
}
