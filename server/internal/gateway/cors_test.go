package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// open is an upstream that has its own CORS policy and keeps its requests.
type open struct {
	mu  sync.Mutex
	got []*http.Request
}

func (o *open) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, r)
	h := w.Header()
	h["access-control-allow-origin"] = []string{"https://upstream.test"}
	h.Set("Access-Control-Allow-Methods", "PURGE")
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Vary", "Accept")
	h.Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("{}"))
}

// take returns the requests since the last call.
func (o *open) take() []*http.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	got := o.got
	o.got = nil
	return got
}

const preflight = "\nOrigin: https://app.test\nAccess-Control-Request-Method: PUT\nAccess-Control-Request-Headers: authorization,content-type"

// refusing is a verifier that accepts no token.
type refusing struct{}

func (refusing) Verify(context.Context, []string) (*auth.Principal, error) {
	return nil, &auth.Error{Reason: auth.Missing, Msg: "no token"}
}

// TestPreflightsGoToTheUpstream: preflights for methods of the document are forwarded, with only the checked parts.
func TestPreflightsGoToTheUpstream(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, http2 bool) {
		for name, tt := range map[string]struct {
			head     string
			body     string
			requests policy.Mode
			status   int
			arrives  string // the forwarded target; "" if none
		}{
			"a declared method":         {"OPTIONS /orders/1?top=2" + preflight, "", policy.Enforce, 200, "/orders/1?top=2"},
			"in monitor mode":           {"OPTIONS /orders/x?other=2" + preflight, "", policy.Monitor, 200, "/orders/x?other=2"},
			"in mode off":               {"OPTIONS /orders/x?other=2" + preflight, "", policy.Off, 200, "/orders/x?other=2"},
			"HEAD, which GET declares":  {"OPTIONS /orders/1" + strings.Replace(preflight, "PUT", "HEAD", 1), "", policy.Enforce, 200, "/orders/1"},
			"an escaped path":           {"OPTIONS /order%73/1" + preflight, "", policy.Enforce, 200, "/orders/1"},
			"an undeclared method":      {"OPTIONS /orders/1" + strings.Replace(preflight, "PUT", "DELETE", 1), "", policy.Enforce, 204, ""},
			"a method in another case":  {"OPTIONS /orders/1" + strings.Replace(preflight, "PUT", "put", 1), "", policy.Enforce, 204, ""},
			"no method":                 {"OPTIONS /orders/1\nOrigin: https://app.test", "", policy.Enforce, 204, ""},
			"no origin":                 {"OPTIONS /orders/1\nAccess-Control-Request-Method: PUT", "", policy.Enforce, 204, ""},
			"two origins":               {"OPTIONS /orders/1" + preflight + "\nOrigin: https://b.test", "", policy.Enforce, 204, ""},
			"a body":                    {"OPTIONS /orders/1" + preflight, "{}", policy.Enforce, 204, ""},
			"a path value":              {"OPTIONS /orders/x" + preflight, "", policy.Enforce, 400, ""},
			"an unknown option":         {"OPTIONS /orders/1?x=1" + preflight, "", policy.Enforce, 400, ""},
			"an unknown path":           {"OPTIONS /other" + preflight, "", policy.Enforce, 404, ""},
			"an unknown path, watching": {"OPTIONS /other" + preflight, "", policy.Monitor, 401, ""}, // a path without an operation needs a token
		} {
			upstream := &open{}
			client, base := newServer(t, http2, orders, upstream, func(c *gateway.Config) {
				c.Defaults.ForceRequests, c.Defaults.Responses, c.Verifier = &tt.requests, policy.Enforce, refusing{}
			})
			resp, body := do(t, client, base, tt.head+"\nAuthorization: Bearer x\nCookie: session=1\nX-Http-Method-Override: PUT\nX_Y: 1\nContent-Language: en", tt.body)
			got := upstream.take()
			arrives := ""
			if len(got) > 0 {
				arrives = got[0].RequestURI
			}
			if resp.StatusCode != tt.status || arrives != tt.arrives {
				t.Errorf("%s: got %d and %q, want %d and %q: %s", name, resp.StatusCode, arrives, tt.status, tt.arrives, body)
			}
			if len(got) == 0 {
				continue
			}
			for _, field := range []string{"Authorization", "Cookie", "X-Http-Method-Override", "X_y", "Content-Language", "Connection"} {
				if got[0].Header[field] != nil {
					t.Errorf("%s: %s was forwarded", name, field)
				}
			}
			if got[0].Header.Get("Origin") != "https://app.test" || got[0].Header.Get("Access-Control-Request-Method") == "" || got[0].Method != http.MethodOptions {
				t.Errorf("%s: got %s %v", name, got[0].Method, got[0].Header)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "https://upstream.test" || resp.Header.Get("Access-Control-Allow-Methods") != "PURGE" {
				t.Errorf("%s: the upstream's fields are missing: %v", name, resp.Header)
			}
		}
	})
}

// TestCORS: every response, including refusals, has the gate's fields and none of the upstream's.
func TestCORS(t *testing.T) {
	t.Parallel()
	const (
		allowed = "Accept, Accept-Language, Authorization, client-request-id, Content-Language, Content-Type, If-Match, If-Modified-Since, If-None-Match, " +
			"If-Range, If-Unmodified-Since, Prefer, Range, Traceparent, Tracestate, X-Trace-Id"
		exposed = "client-request-id, Date, ETag, Location, request-id, Retry-After, WWW-Authenticate"
	)
	one, all := []string{"https://app.test", "http://localhost:5173"}, []string{"*"}
	for name, tt := range map[string]struct {
		origins     []string
		credentials bool
		head        string
		status      int
		want        string // Access-Control-*, sorted by name, and Vary
	}{
		"a preflight": {one, false, "OPTIONS /orders/x" + preflight, 204,
			"Headers=" + allowed + ";Methods=GET, HEAD, OPTIONS, PUT;Origin=https://app.test;Expose=" + exposed + ", X-Total;Age=600;Vary=Origin, Access-Control-Request-Method, Access-Control-Request-Headers"},
		"a preflight for all": {all, false, "OPTIONS /orders/1" + preflight, 204,
			"Headers=" + allowed + ";Methods=GET, HEAD, OPTIONS, PUT;Origin=*;Expose=" + exposed + ", X-Total;Age=600;Vary=Origin, Access-Control-Request-Method, Access-Control-Request-Headers"},
		"a preflight of another origin": {one, true, "OPTIONS /orders/1" + strings.Replace(preflight, "app.test", "evil.test", 1), 204,
			"Vary=Origin, Access-Control-Request-Method, Access-Control-Request-Headers"},
		"a preflight with credentials": {one, true, "OPTIONS /orders/1" + preflight, 204,
			"Credentials=true;Headers=" + allowed + ";Methods=GET, HEAD, OPTIONS, PUT;Origin=https://app.test;Expose=" + exposed + ", X-Total;Age=600;Vary=Origin, Access-Control-Request-Method, Access-Control-Request-Headers"},
		"a preflight of an unknown path": {one, false, "OPTIONS /other" + preflight, 404, "Origin=https://app.test;Expose=" + exposed + ";Vary=Origin"},
		"a response":                     {one, false, "GET /orders/1\nOrigin: https://app.test", 200, "Origin=https://app.test;Expose=" + exposed + ", X-Total;Vary=Accept, Origin"},
		"a response to all":              {all, false, "GET /orders/1\nOrigin: https://any.test", 200, "Origin=*;Expose=" + exposed + ", X-Total;Vary=Accept"},
		"a response to no page":          {one, false, "GET /orders/1", 200, "Vary=Accept, Origin"},
		"a response to another origin":   {one, true, "GET /orders/1\nOrigin: https://app.test.evil.test", 200, "Vary=Accept, Origin"},
		"a response to null":             {one, true, "GET /orders/1\nOrigin: null", 200, "Vary=Accept, Origin"},
		"two origins":                    {one, true, "GET /orders/1\nOrigin: https://app.test\nOrigin: https://app.test", 200, "Vary=Accept, Origin"},
		"a refusal":                      {one, false, "GET /orders/x\nOrigin: http://localhost:5173", 400, "Origin=http://localhost:5173;Expose=" + exposed + ", X-Total;Vary=Origin"},
		"an unknown path":                {one, false, "GET /other\nOrigin: https://app.test", 404, "Origin=https://app.test;Expose=" + exposed + ";Vary=Origin"},
		"an unknown method":              {one, false, "DELETE /orders/1\nOrigin: https://app.test", 405, "Origin=https://app.test;Expose=" + exposed + ", X-Total;Vary=Origin"},
		"OPTIONS, not a preflight":       {one, false, "OPTIONS /orders/1\nOrigin: https://app.test", 204, "Origin=https://app.test;Expose=" + exposed + ", X-Total;Vary=Origin"},
		"a refused response":             {one, false, "PUT /orders/1\nOrigin: https://app.test\nContent-Type: application/json", 502, "Origin=https://app.test;Expose=" + exposed + ", X-Total;Vary=Origin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			protocols(t, func(t *testing.T, http2 bool) {
				upstream := &open{}
				client, base := newServer(t, http2, orders, upstream, func(c *gateway.Config) {
					c.CORS, c.Defaults.Responses = gateway.CORS{Origins: tt.origins, Credentials: tt.credentials}, policy.Enforce
				})
				body := ""
				if strings.HasPrefix(tt.head, "PUT") {
					body = `{"price":1}`
				}
				resp, text := do(t, client, base, tt.head, body)
				var got []string
				for _, field := range [][2]string{
					{"Access-Control-Allow-Credentials", "Credentials"}, {"Access-Control-Allow-Headers", "Headers"}, {"Access-Control-Allow-Methods", "Methods"},
					{"Access-Control-Allow-Origin", "Origin"}, {"Access-Control-Expose-Headers", "Expose"}, {"Access-Control-Max-Age", "Age"}, {"Vary", "Vary"},
				} {
					if values := resp.Header.Values(field[0]); len(values) > 0 {
						got = append(got, field[1]+"="+strings.Join(values, ", "))
					}
				}
				if diff := cmp.Diff(tt.want, strings.Join(got, ";")); diff != "" || resp.StatusCode != tt.status {
					t.Errorf("got %d, want %d: %s%s", resp.StatusCode, tt.status, diff, text)
				}
				if strings.Contains(tt.head, "OPTIONS") && len(upstream.take()) > 0 {
					t.Error("the request reached the upstream")
				}
			})
		})
	}
}

// TestPreflightNeedsNoToken: a browser sends no token in a preflight, even if the request will need one.
func TestPreflightNeedsNoToken(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, http2 bool) {
		client, base := newServer(t, http2, orders, &open{}, func(c *gateway.Config) {
			pass := policy.Monitor
			c.Verifier, c.CORS, c.Defaults.Unknown = refusing{}, gateway.CORS{Origins: []string{"https://app.test"}}, &pass
		})
		for target, methods := range map[string]string{"/orders/1": "GET, HEAD, OPTIONS, PUT", "/other": "PUT"} {
			resp, _ := do(t, client, base, "OPTIONS "+target+preflight, "")
			if resp.StatusCode != http.StatusNoContent || resp.Header.Get("Access-Control-Allow-Methods") != methods {
				t.Errorf("%s: got %d %v", target, resp.StatusCode, resp.Header)
			}
			if names := resp.Header.Get("Access-Control-Allow-Headers"); !strings.Contains(strings.ToLower(names), "authorization") {
				t.Errorf("%s: got the fields %s", target, names)
			}
		}
		if resp, _ := do(t, client, base, "GET /other\nOrigin: https://app.test", ""); resp.StatusCode != http.StatusUnauthorized ||
			resp.Header.Get("Access-Control-Allow-Origin") != "https://app.test" {
			t.Errorf("got %d %v", resp.StatusCode, resp.Header)
		}
	})
}

// TestOrigins: an origin that no browser sends is an error, and so are credentials for all origins.
func TestOrigins(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]bool{
		"https://app.test": true, "http://localhost:5173": true, "http://[::1]:80": false, "https://app.test:8443": true, "capacitor://localhost": true, "*": true,
		"http://127.0.0.1": true, "https://[::1]": true,
		"": false, "null": false, "app.test": false, "https://app.test/": false, "https://app.test/a": false, "https://App.test": false,
		"https://app.test:443": false, "http://app.test:80": false, "https://*.app.test": false, "https://u@app.test": false, "https://app.test?": false,
		"https://app.test:": false, "https://": false, "https://a b": false, "https://a\r\nX: y": false, "//app.test": false, "HTTPS://app.test": false,
	} {
		c := gateway.CORS{Origins: []string{origin}}
		if err := c.Validate(); (err == nil) != want {
			t.Errorf("%q: got %v", origin, err)
		}
	}
	for _, c := range []gateway.CORS{{Origins: []string{"*"}, Credentials: true}, {Origins: []string{"https://a.test", "*"}}, {Credentials: true}} {
		if c.Validate() == nil {
			t.Errorf("%v is valid", c)
		}
		contract := gateway.Builtin()
		if _, err := gateway.New(gateway.Config{Contract: contract, CORS: c}); err == nil {
			t.Errorf("%v is accepted by New", c)
		}
	}
}

// TestResponsesOfFront: without CORS in the gate, fields that middleware in front has set stay.
func TestResponsesOfFront(t *testing.T) {
	t.Parallel()
	gate := newGate(t, policy.Monitor)
	w := httptest.NewRecorder()
	w.Header().Set("Access-Control-Allow-Origin", "https://front.test")
	gate.Serve(w, createNote("title=a&more=b"), http.NotFoundHandler())
	if got := w.Header().Get("Access-Control-Allow-Origin"); w.Code != http.StatusBadRequest || got != "https://front.test" {
		t.Errorf("got %d %q, want the fields of the middleware in front", w.Code, got)
	}
}
