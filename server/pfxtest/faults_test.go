package pfxtest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// TestFaultsLookReal: an injected refusal looks like any other response with its status.
func TestFaultsLookReal(t *testing.T) {
	t.Parallel()
	for fault, want := range map[pfxtest.Fault]struct {
		status           int
		code, retryAfter string
	}{
		pfxtest.Throttled:   {http.StatusTooManyRequests, "TooManyRequests", "1"},
		pfxtest.Unavailable: {http.StatusServiceUnavailable, "ServiceUnavailable", "1"},
		pfxtest.Conflict:    {http.StatusPreconditionFailed, "PreconditionFailed", ""},
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			server := pfxtest.Start(t, pfxtest.Config{Faults: &pfxtest.Faults{Percent: 100, Kinds: []pfxtest.Fault{fault}}})
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, server.URL+"/pfxRecryptionRequests/sample", strings.NewReader(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Close = true
			r.Header = http.Header{"Authorization": {"Bearer " + server.Token(t, pfxtest.Grant{})}, "Content-Type": {"application/json"}, "If-Match": {`"1"`}}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var body struct {
				Error struct {
					Code, Message string
					InnerError    map[string]string
				}
			}
			if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != want.status || body.Error.Code != want.code || body.Error.Message == "" || resp.Header.Get("Retry-After") != want.retryAfter {
				t.Errorf("got %s with Retry-After %q and %+v, want %+v", resp.Status, resp.Header.Get("Retry-After"), body, want)
			}
			if id := resp.Header.Get("request-id"); id == "" || body.Error.InnerError["request-id"] != id || resp.Header.Get("OData-Version") != "4.0" {
				t.Errorf("the response lacks what every response has: %v %+v", resp.Header, body)
			}
		})
	}
}
