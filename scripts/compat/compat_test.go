// Package compat runs foreign clients against the server: Microsoft's for Go and JavaScript, unmodified, and curl. The
// same tables test our clients.
package compat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// emptyTime is an invalid time.
var emptyTime = edm.Value(edm.DateTimeOffset{})

// seed returns objects with these keys.
func seed(t *testing.T, keys ...string) []byte {
	t.Helper()
	var objects []map[string]any
	for _, key := range keys {
		objects = append(objects, map[string]any{
			"@odata.type": "#microsoft.graph.pfxRecryptionRequest", "id": key, "tenantId": "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9", "userId": "a991071c-071c-a991-1c07-91a91c0791a9",
			"deviceId": "b30de46d-e46d-b30d-6de4-0db36de40db3", "profileId": "19ecf6e8-f6e8-19ec-e8f6-ec19e8f6ec19",
			"thumbprint": "Thumbprint value", "deviceKeyThumbprint": "Device Key Thumbprint value", "status": 6, "sourceType": 10,
			"createdTime": "2017-01-01T00:03:18.9597073-08:00", "lastModifiedTime": "2017-01-01T00:03:18.5958204-08:00",
			"isDeleted": true, "eTag": "ETag value",
		})
	}
	text, err := json.Marshal(objects)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestBehaviours: every client shows its users what the contract promises.
func TestBehaviours(t *testing.T) {
	t.Parallel()
	var keys []string
	for name := range clients {
		keys = append(keys, name)
	}
	for _, way := range []string{"server", "gateway"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			server := pfxtest.Start(t, pfxtest.Config{Seed: seed(t, keys...)})
			url := server.URL
			if way == "gateway" {
				url = startGateway(t, server)
			}
			testBehaviours(t, url, server.Token(t, pfxtest.Grant{}))
		})
	}
}

func testBehaviours(t *testing.T, url, token string) {
	for name, connect := range clients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, url)
			u := &user{caller: connect(t, p.URL+"/beta", token), proxy: p, key: name}
			for row, wrong := range u.violations(t.Context()) {
				t.Errorf("%s: %s", row, wrong)
			}
		})
	}
}

// startGateway starts the gateway in front of a server and returns its URL. It enforces both directions and allows
// pages of all origins.
func startGateway(t *testing.T, server *pfxtest.Server) string {
	t.Helper()
	issuer := strings.Replace(server.Credentials.TokenURL, pfxtest.Tenant.String()+"/oauth2/v2.0/token", "{tenantid}/v2.0", 1)
	return programtest.Serve(t, programtest.Pfxrd(t, "gateway", "--admin-listen", "", "--upstream", strings.TrimSuffix(server.URL, "/beta"),
		"--responses", "enforce", "--issuer", issuer, "--audience", "api://pfxrecryption", "--cors-origin", "*")).URL + "/beta"
}

// inBrowsers are the faults that a page can detect. Chromium itself resends a request of any method if a reused
// connection breaks before the response: a page cannot distinguish a 412 to the resent update from any other.
var inBrowsers = []pfxtest.Fault{pfxtest.Throttled, pfxtest.Unavailable, pfxtest.Conflict, pfxtest.Slow, pfxtest.DroppedBefore}

// TestBelievedState: each client makes PFXR_TEST_UPDATES valid and invalid updates, while one call in twenty fails. The
// object always has the state that the client reports. make test-long makes 1,000 updates.
func TestBelievedState(t *testing.T) {
	t.Parallel()
	updates := spectest.Setting("PFXR_TEST_UPDATES", 400)
	var keys []string
	for name := range clients {
		keys = append(keys, name)
	}
	for name, connect := range clients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := &pfxtest.Faults{Percent: 5, Seed: 1}
			if name == "chromium" {
				faults.Kinds = inBrowsers
			}
			server := pfxtest.Start(t, pfxtest.Config{Seed: seed(t, keys...), Faults: faults})
			c := connect(t, server.URL, server.Token(t, pfxtest.Grant{}))
			read := func() outcome {
				for range 10 { // a get may fail, too
					if got := c.get(t.Context(), name); got.Status == http.StatusOK {
						return got
					}
				}
				t.Fatal("the object cannot be read")
				return outcome{}
			}
			believed := read()
			counts := map[string]int{}
			for i := range updates {
				after := map[string]any{}
				for member, value := range believed.Body {
					after[member] = value
				}
				status := float64(1000 + i)
				body, ifMatch := fmt.Sprintf(`{"status":%d,"eTag":null}`, 1000+i), believed.Tag
				after["status"], after["eTag"] = status, nil
				switch i % 10 {
				case 3, 4, 5:
					ifMatch = ""
				case 6:
					body, after = `{"createdTime":""}`, believed.Body
				case 7:
					ifMatch, after = `"stale"`, believed.Body
				}
				got := c.patch(t.Context(), name, body, ifMatch)
				switch {
				case got.Unknown:
					counts["unknown"]++
					now := read()
					if !cmp.Equal(now.Body, after) && !cmp.Equal(now.Body, believed.Body) {
						t.Fatalf("update %d: neither the old nor the new object: %+v", i, now)
					}
					believed = now
				case got.Status == http.StatusOK:
					counts["applied"]++
					if diff := cmp.Diff(after, got.Body); diff != "" {
						t.Fatalf("update %d (-want +got):\n%s", i, diff)
					}
					believed = got
				default: // a refused update changes nothing, even if an earlier try was lost
					counts[fmt.Sprint(got.Status)]++
					if now := read(); now.Tag != believed.Tag || !cmp.Equal(now.Body, believed.Body) {
						t.Fatalf("update %d was refused with %+v: the object is %+v, want %+v", i, got, now, believed)
					}
				}
			}
			if now := read(); now.Tag != believed.Tag || !cmp.Equal(now.Body, believed.Body) {
				t.Errorf("the object is %+v, want %+v", now, believed)
			}
			if counts["unknown"] == 0 && faults.Kinds == nil || counts["400"] == 0 || counts["412"] == 0 || counts["applied"] < updates/2 {
				t.Errorf("some faults or refusals did not occur: %v", counts)
			}
			t.Logf("%s: %v", name, counts)
		})
	}
}

// TestUpdatesLoseNone: with each client that has read-modify-write updates, 32 workers make PFXR_TEST_TIMES updates each to
// one object, and none is lost. make test-long makes 100.
func TestUpdatesLoseNone(t *testing.T) {
	t.Parallel()
	const workers = 32
	times := spectest.Setting("PFXR_TEST_TIMES", 5)
	for name, connect := range clients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := pfxtest.Start(t, pfxtest.Config{Seed: seed(t, name)})
			c, ok := connect(t, server.URL, server.Token(t, pfxtest.Grant{})).(maker)
			if !ok {
				return // a foreign client has no such update
			}
			got := c.make(t.Context(), call{Op: "update", ID: name, Times: times, Workers: workers})
			if got.Kind != "ok" || got.Body["status"] != float64(6+workers*times) {
				t.Errorf("got %+v, want the status %d", got, 6+workers*times)
			}
		})
	}
}

// TestLists: each of our clients lists all objects, page by page, and those that match a filter.
func TestLists(t *testing.T) {
	t.Parallel()
	server := pfxtest.Start(t, pfxtest.Config{Seed: seed(t, "a", "b", "c", "d", "e")})
	for name, connect := range clients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, ok := connect(t, server.URL, server.Token(t, pfxtest.Grant{})).(maker)
			if !ok {
				return
			}
			for _, tt := range []struct {
				call call
				want int
			}{
				{call{Top: 2}, 5}, {call{Filter: "status eq 6", Select: []string{"id", "eTag"}}, 5}, {call{Filter: "thumbprint eq 'none'"}, 0},
			} {
				tt.call.Op = "list"
				if got := c.make(t.Context(), tt.call); got.Kind != "ok" || len(got.List) != tt.want {
					t.Errorf("%+v: got %+v, want %d objects", tt.call, got, tt.want)
				}
			}
		})
	}
}
