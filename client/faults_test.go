package client_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// hurried removes the whole seconds from each Retry-After: TestRetryWaits tests them in a bubble.
type hurried struct{ http.RoundTripper }

func (h hurried) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := h.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Header.Del("Retry-After")
	}
	return resp, err
}

// TestBelievedState checks what an update reports under network faults. A success means that the change was applied. Any
// error but ErrUnknownOutcome means that nothing changed.
func TestBelievedState(t *testing.T) {
	t.Parallel()
	const calls = 300
	server := pfxtest.Start(t, pfxtest.Config{Faults: &pfxtest.Faults{Percent: 20, Seed: 1, Kinds: []pfxtest.Fault{
		pfxtest.Throttled, pfxtest.Conflict, pfxtest.DroppedBefore, pfxtest.DroppedAfter, pfxtest.DroppedAfter,
	}}})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New(server.URL, client.WithToken(server.Token(t, pfxtest.Grant{})), client.WithHTTPClient(&http.Client{Transport: hurried{transport}}))
	if err != nil {
		t.Fatal(err)
	}
	read := func() *client.Versioned {
		v, err := c.Get(t.Context(), "sample")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	believed, unknown := read(), 0
	for i := range int32(calls) {
		u := client.Update{Status: edm.Value(1000 + i)}
		var conditions []client.Condition
		if i%2 == 0 {
			conditions = append(conditions, client.IfMatch(believed.Tag))
		}
		if i%5 == 0 {
			u.CreatedTime = edm.Value(edm.DateTimeOffset{}) // the server refuses this
		}
		got, err := c.Patch(t.Context(), "sample", u, conditions...)
		switch {
		case err == nil:
			if got.Status != 1000+i {
				t.Fatalf("call %d: got the status %d", i, got.Status)
			}
			believed = got
		case errors.Is(err, client.ErrUnknownOutcome):
			unknown++
			if now := read(); *now != *believed && (now.Status != 1000+i || i%5 == 0) {
				t.Fatalf("call %d: neither the old nor the new object: %+v", i, now)
			} else {
				believed = now
			}
		case !errors.Is(err, client.ErrInvalid) && !errors.Is(err, client.ErrPreconditionFailed) && !errors.Is(err, client.ErrThrottled):
			t.Fatalf("call %d: %v", i, err)
		}
		if i%10 == 0 || err != nil {
			if now := read(); *now != *believed {
				t.Fatalf("call %d ended with %v: the object is %+v, want %+v", i, err, now, believed)
			}
		}
	}
	if now := read(); *now != *believed || unknown == 0 {
		t.Errorf("the object is %+v, want %+v, after %d unknown outcomes", now, believed, unknown)
	}
}
