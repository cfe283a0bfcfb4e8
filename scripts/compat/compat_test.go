// Package compat runs foreign clients against the server: Microsoft's for Go and JavaScript, unmodified, and curl. The
// same tables test our clients.
package compat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
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
			ctx := t.Context()
			proxy := newThrottle(t, url)
			c := connect(t, proxy.URL+"/beta", token)
			before := c.get(ctx, name)
			if before.Status != http.StatusOK || before.Tag == "" || before.Body["status"] != 6.0 {
				t.Fatalf("get: %+v", before)
			}
			// expect makes an update and compares its result and the stored object with the wanted one.
			expect := func(what, body, ifMatch string, want map[string]any) outcome {
				t.Helper()
				wanted := map[string]any{}
				for member, value := range before.Body {
					wanted[member] = value
				}
				for member, value := range want {
					wanted[member] = value
				}
				got := c.patch(ctx, name, body, ifMatch)
				if diff := cmp.Diff(wanted, got.Body); got.Status != http.StatusOK || diff != "" {
					t.Errorf("%s: %+v (-want +got):\n%s", what, got, diff)
				}
				now := c.get(ctx, name)
				if diff := cmp.Diff(wanted, now.Body); diff != "" || now.Tag != got.Tag {
					t.Errorf("%s: a following get has the tag %s, want %s (-want +got):\n%s", what, now.Tag, got.Tag, diff)
				}
				before = now
				return got
			}
			first := before.Tag
			if got := expect("absent", `{}`, "", nil); got.Tag != first {
				t.Errorf("absent: the tag changed")
			}
			if got := expect("value", `{"status":7,"thumbprint":"Ünï\u0041😀"}`, "", map[string]any{"status": 7.0, "thumbprint": "ÜnïA😀"}); got.Tag == first {
				t.Errorf("value: the tag did not change")
			}
			expect("null", `{"eTag":null}`, "", map[string]any{"eTag": nil})
			expect("ETag", `{"status":8}`, before.Tag, map[string]any{"status": 8.0})

			refused := func(what string, got outcome, status int, code string, targets ...string) {
				t.Helper()
				if got.Status != status || got.Code != code || got.Message == "" || !slices.Equal(got.Targets, targets) {
					t.Errorf("%s: %+v, want %d %s with the targets %q", what, got, status, code, targets)
				}
				if now := c.get(ctx, name); !cmp.Equal(now, before) {
					t.Errorf("%s changed the object: %s", what, cmp.Diff(before, now))
				}
			}
			refused("412", c.patch(ctx, name, `{"status":9}`, first), http.StatusPreconditionFailed, "PreconditionFailed")
			refused("details", c.patch(ctx, name, `{"createdTime":""}`, ""), http.StatusBadRequest, "ModelValidationFailure", "/createdTime")

			proxy.throttleNext()
			expect("429", `{"status":10}`, before.Tag, map[string]any{"status": 10.0})
			if !proxy.throttled() {
				t.Error("429: no request was throttled")
			}
			if got := c.get(ctx, "nothing"); got.Status != http.StatusNotFound || got.Code != "ResourceNotFound" {
				t.Errorf("404: %+v", got)
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

// throttle is a proxy that responds to the next request with 429 on demand.
type throttle struct {
	*httptest.Server
	mu    sync.Mutex
	next  bool
	count int
}

func newThrottle(t *testing.T, upstream string) *throttle {
	u, err := url.Parse(strings.TrimSuffix(upstream, "/beta"))
	if err != nil {
		t.Fatal(err)
	}
	p := &throttle{}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.take() {
			forward.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"error":{"code":"TooManyRequests","message":"Too many requests.","innerError":{}}}`)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *throttle) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.next
	if p.next = false; taken {
		p.count++
	}
	return taken
}

func (p *throttle) throttleNext() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = true
}

func (p *throttle) throttled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count == 1
}

// inBrowsers are the faults that a page can detect. Chromium itself resends a request of any method if a reused
// connection breaks before the response: a page cannot distinguish a 412 to the resent update from any other.
var inBrowsers = []pfxtest.Fault{pfxtest.Throttled, pfxtest.Unavailable, pfxtest.Conflict, pfxtest.Slow, pfxtest.DroppedBefore}

// TestBelievedState: each client makes 1,000 valid and invalid updates, while one call in twenty fails. The object
// always has the state that the client reports.
func TestBelievedState(t *testing.T) {
	t.Parallel()
	const updates = 1000
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

// TestUpdatesLoseNone: with each client that has read-modify-write updates, 32 workers make 100 updates each to one
// object, and none is lost.
func TestUpdatesLoseNone(t *testing.T) {
	t.Parallel()
	const workers, times = 32, 100
	for name, connect := range clients {
		if name == "chromium" {
			continue // the page uses the same package as Node
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := pfxtest.Start(t, pfxtest.Config{Seed: seed(t, name)})
			c, ok := connect(t, server.URL, server.Token(t, pfxtest.Grant{})).(maker)
			if !ok {
				return // a foreign client has no such update
			}
			got := c.make(t.Context(), call{Op: "update", ID: name, Times: times, Workers: workers})
			if got.Kind != "ok" || got.Body["status"] != 6.0+workers*times {
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
