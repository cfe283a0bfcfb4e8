package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/traffic"
)

// call is a request and the upstream's response.
type call struct {
	method, target string
	fields         []string
	body           string
	answer         reaction
}

func (c call) raw(chunked bool) string {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: caller.test\r\n", c.method, c.target)
	for _, f := range c.fields {
		head += f + "\r\n"
	}
	switch {
	case c.body == "":
		return head + "\r\n"
	case chunked:
		return fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(c.body), c.body)
	}
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(c.body), c.body)
}

// reaction is the upstream's reaction to a request.
type reaction struct {
	status int
	fields []string
	body   string
	fails  string // fail, break or silent; "" sends a response
}

func (a *reaction) serve(w http.ResponseWriter) {
	switch a.fails {
	case "fail":
		gateway.Fail(w, gateway.LateAnswer())
		return
	case "silent":
		return
	}
	for _, f := range a.fields {
		name, value, _ := strings.Cut(f, ": ")
		w.Header().Add(name, value)
	}
	w.WriteHeader(a.status)
	half := len(a.body) / 2
	_, _ = w.Write([]byte(a.body[:half]))
	if a.fails == "break" {
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write([]byte(a.body[half:]))
}

const ofJSON = "Content-Type: application/json"

func in(status int, body string, fields ...string) reaction {
	return reaction{status: status, body: body, fields: append([]string{ofJSON}, fields...)}
}

const (
	accountSid = "AC0123456789abcdef0123456789abcdef"
	aGUID      = "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"
	anEntity   = `{"id":"k","status":1}`
	basic      = "Authorization: Basic dTpw"

	hostileDocument = "../server/internal/gateway/testdata/hostile.yaml"
)

var exampleCalls = map[string][]call{
	"": {
		{"PATCH", "/beta/pfxRecryptionRequests/k", []string{ofJSON}, `{"status":7,"thumbprint":"ab","isDeleted":false}`, in(200, anEntity)},
		{"PATCH", "/beta/pfxRecryptionRequests('k')", []string{ofJSON, "Prefer: return=minimal"}, `{"userId":"` + aGUID + `"}`, reaction{status: 204}},
		{"GET", "/beta/pfxRecryptionRequests?$top=2&$count=true", nil, "", in(200, `{"value":[`+anEntity+`]}`)},
		{"GET", "/beta/pfxRecryptionRequests/k?$select=id", nil, "", in(200, anEntity, `ETag: "1"`)},
		{"DELETE", "/beta/pfxRecryptionRequests/k", []string{`If-Match: "1"`}, "", reaction{status: 204}},
	},
	"spec/testdata/pets.yaml": {
		{"PUT", "/api/v3/pet", []string{ofJSON}, `{"name":"Rex","photoUrls":["a.png"],"status":"sold","category":{"id":7,"name":"dog"}}`, in(200, `{"name":"Rex","photoUrls":[]}`)},
		{"PUT", "/api/v3/pet", []string{"Content-Type: application/xml"}, `<pet><name>Rex</name></pet>`, in(200, `{"name":"Rex","photoUrls":[]}`)},
		{"PUT", "/api/v3/pet", []string{ofJSON}, `{"name":"Rex","photoUrls":[]}`, in(418, `{"message":"no"}`)},
		{"GET", "/api/v3/pet/findByStatus?status=sold&tags=a&tags=b", []string{"shape: w,3,h,4", "Cookie: session=1"}, "", in(200, `[{"name":"Rex","photoUrls":["a"]}]`)},
		{"POST", "/api/v3/pet/;petId=5/uploadImage", []string{"Content-Type: application/octet-stream", "api_key: k"}, "\x00\x01\x02", reaction{status: 200}},
		{"GET", "/api/v3/user/login", nil, "", in(200, `"token"`, "X-Rate-Limit: 5")},
	},
	"spec/testdata/payments.yaml": {
		{"GET", "/v71/charges?created[gt]=5&expand[]=a&filter=%7B%22status%22:%22paid%22%7D", []string{basic}, "", in(200, `{"id":"ch_1","object":"charge","method":{"type":"card","last4":"1234"}}`)},
		{"POST", "/v70/charges", []string{"Content-Type: application/x-www-form-urlencoded", basic}, "amount=5&metadata[a]=b&items[0][price]=x", in(200, `{"id":"ch_1","object":"charge"}`)},
		{"GET", "/v71/receipts/r1.txt", []string{basic}, "", reaction{status: 200, fields: []string{"Content-Type: text/plain"}, body: "total 5"}},
	},
	"spec/testdata/messaging.yaml": {
		{"GET", "/2010/Accounts/" + accountSid + ".json", []string{basic}, "", in(200, `{"sid":"AC","status":"active"}`)},
		{"POST", "/2010/Accounts/" + accountSid + ".json", []string{"Content-Type: application/x-www-form-urlencoded", basic}, "FriendlyName=a&Status=active&Tags=a,b", in(200, `{"sid":null}`)},
		{"DELETE", "/2010/Accounts/" + accountSid + ".json", []string{basic}, "", reaction{status: 204}},
		{
			"POST", "/2010/Transcripts", []string{"Content-Type: multipart/form-data; boundary=b", basic},
			"--b\r\nContent-Disposition: form-data; name=\"Audio\"; filename=\"a\"\r\nContent-Type: audio/wav\r\n\r\nx\r\n--b--\r\n",
			reaction{status: 200, fields: []string{"Content-Type: text/event-stream"}, body: "data: a\n\n"},
		},
	},
	"spec/testdata/directory.yaml": {
		{"POST", "/api/v1/users/u1/factors?tags=a%7Cb", []string{ofJSON}, `{"factorType":"token","secret":"s"}`, in(200, `{"factorType":"push","id":"1"}`)},
		{"GET", "/api/v1/users/u1/factors", nil, "", in(200, `[{"factorType":"push"}]`)},
		{"POST", "/api/v1/policies", []string{ofJSON}, `{"priority":1,"settings":{"a":"x"}}`, in(200, `{"priority":1}`)},
		{"POST", "/oauth2/v1/token", []string{"Content-Type: application/x-www-form-urlencoded"}, "grant_type=code&scope=a", in(200, `{"access_token":"abc","expires_in":3600}`)},
	},
	"spec/testdata/trains.yaml": {
		{"GET", "/v1/trips/BER-HAM?adults=2&ages=3&class=first", nil, "", in(200, `{"data":[{}],"next":"https://a.example"}`, "RateLimit: 5")},
		{"GET", "/v2/stations?near=1.5,2", nil, "", in(200, `{"data":[]}`)},
		{"POST", "/v1/bookings", []string{ofJSON}, `{"trip":"` + aGUID + `","payment":{"kind":"bank","iban":"x","bic":"y"}}`, in(201, `{"trip":"`+aGUID+`","payment":{"kind":"bank"}}`)},
		{"GET", "/v1/bookings/" + aGUID + "/ticket", nil, "", reaction{status: 200, fields: []string{"Content-Type: application/pdf"}, body: "%PDF"}},
	},
	hostileDocument: {
		{"GET", "/api/users/export", []string{"Authorization: Bearer good"}, "", reaction{status: 200}},
		{"GET", "/api/users/7", []string{"Authorization: Bearer good"}, "", reaction{status: 200}},
		{"GET", "/api/files/a", nil, "", reaction{status: 200}},
		{"GET", "/api/key/query?api_key=k", nil, "", reaction{status: 200}},
		{"GET", "/api/and", []string{"Authorization: Bearer good", "X-Key: k"}, "", reaction{status: 200}},
		{"GET", "/api/search?q=a&tags=a,b&limit=5", nil, "", reaction{status: 200}},
		{"GET", "/api/matrix/;m=5", nil, "", reaction{status: 200}},
		{"GET", "/api/fields", []string{"tenant_id: 7", "X-Role: user"}, "", reaction{status: 200}},
		{"POST", "/api/any", []string{ofJSON}, `{"a":"x"}`, reaction{status: 200}},
		{"POST", "/api/text", []string{"Content-Type: text/plain"}, "abc", reaction{status: 200}},
		{"POST", "/api/optional", []string{ofJSON}, `{"a":"x"}`, reaction{status: 200}},
		{"POST", "/api/nobody", nil, "", reaction{status: 200}},
	},
	"validategen/testdata/shop/openapi.yaml": {
		{"POST", "/orders", []string{ofJSON}, `{"price":9.99,"kind":"book","count":6,"labels":{"main":"a"},"stock":{"x":1}}`, in(201, `{"id":1,"price":9.99,"kind":"book"}`)},
	},
}

// exampleContract returns the contract with limits that small bodies exceed.
func exampleContract(t *testing.T, document string) *gateway.Contract {
	t.Helper()
	c := gateway.Builtin()
	if document != "" {
		data, err := os.ReadFile(filepath.Join("../../../openapi", document))
		if err != nil {
			t.Fatal(err)
		}
		if c, _, err = gateway.Read(t.Context(), data, spec.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	c.MaxBody = 2048
	return c
}

// mutator changes calls at random, reproducibly.
type mutator struct{ *rand.Rand }

func pick[T any](m mutator, list ...T) T { return list[m.IntN(len(list))] }

// call returns one of the calls. Half of them have changes in the request or the response.
func (m mutator) call(of []call) call {
	c := pick(m, of...)
	c.fields, c.answer.fields = slices.Clone(c.fields), slices.Clone(c.answer.fields)
	for m.IntN(5) < 2 {
		pick(m, m.method, m.path, m.query, m.field, m.field, m.content, m.content, m.preflight)(&c)
	}
	for m.IntN(5) < 1 {
		m.reaction(&c.answer)
	}
	return c
}

func (m mutator) method(c *call) {
	c.method = pick(m, "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "X")
}

func (m mutator) preflight(c *call) {
	asked := c.method
	if m.IntN(3) == 0 {
		m.method(c)
	}
	c.fields = append(c.fields, "Origin: https://app.test", "Access-Control-Request-Method: "+asked)
	c.method, c.body = "OPTIONS", ""
}

func (m mutator) path(c *call) {
	path, query, asked := strings.Cut(c.target, "?")
	segments := strings.Split(path, "/")
	i := 1 + m.IntN(len(segments)-1)
	switch m.IntN(4) {
	case 0:
		segments[i] = pick(m, "..", ".", "%2e%2e", "%2E", "a%2Fb", "a;b", "", "%5C", "%00", "%25", "a b"[:1], "new", "%C3%A4", strings.Repeat("x", 300))
	case 1:
		segments[i] = strings.ToUpper(segments[i])
	case 2:
		segments = append(segments, pick(m, "", "more", ".."))
	default:
		segments[i] += pick(m, ";x=1", ".", "%20", "%2f", "%3B", ",")
	}
	if c.target = strings.Join(segments, "/"); asked {
		c.target += "?" + query
	}
}

func (m mutator) query(c *call) {
	sign := "?"
	if strings.Contains(c.target, "?") {
		sign = "&"
		if m.IntN(3) == 0 {
			_, query, _ := strings.Cut(c.target, "?")
			c.target += "&" + query // duplicates each option
			return
		}
	}
	c.target += sign + pick(m, "unknown=1", "a", "=", "&&", "status=lost", "$top=0x", "%zz=1", "created[gt]=x", "class=third", "near=1", "a=%ff", "x;y=1")
}

func (m mutator) field(c *call) {
	f := pick(
		m, "Content-Type: text/plain", "Content-Type: application/json; charset=latin1", ofJSON, "Content-Type: */*", "Content-Type:",
		"Content-Encoding: gzip", "Content-Encoding: br", "Content-Encoding: identity", "Connection: Authorization", "Connection: close", "Connection: Content-Type",
		"Authorization: Bearer good", "Authorization: Bearer bad", "Accept: text/html", "Accept-Encoding: br", "X_Y: 1", "X-HTTP-Method-Override: DELETE",
		"Cookie: session=%", "shape: nothing", "Expect: 100-continue", "Prefer: x", "If-Match: nothing", "X-Long: "+strings.Repeat("x", 17<<10),
		"X-Original-Url: /x", "Trailer: X-Z", "if-none-match: 1",
	)
	name, _, _ := strings.Cut(f, ":")
	if m.IntN(2) == 0 {
		c.fields = slices.DeleteFunc(c.fields, func(other string) bool { return strings.HasPrefix(other, name+":") })
	}
	c.fields = append(c.fields, f)
}

func (m mutator) content(c *call) { c.body = m.text(c.body) }

// text changes a body.
func (m mutator) text(s string) string {
	i := 0
	if s != "" {
		i = m.IntN(len(s))
	}
	switch m.IntN(10) {
	case 0:
		return ""
	case 1:
		return s[:i]
	case 2:
		return s[:i] + pick(m, "x", "\"", "0", "{", ",", "\xff", "&", "=", "\\u0000") + s[i:]
	case 3:
		return strings.Replace(s, "{", `{"unknown":1,`, 1)
	case 4:
		return strings.Replace(s, ":", ":"+pick(m, "null,\"x\":", "1e400,\"x\":", "[],\"x\":", "{},\"x\":"), 1)
	case 5:
		return strings.Replace(s, "1", "true", 1)
	case 6:
		return s + strings.Repeat(" ", 5000)
	case 7:
		return zipped(s)
	case 8:
		return pick(m, "{}", "[]", "null", "1", `"x"`, "{", "a=b", "\xef\xbb\xbf{}")
	}
	return strings.ReplaceAll(s, `":"`, `":"!`)
}

func (m mutator) reaction(a *reaction) {
	switch m.IntN(7) {
	case 0, 1:
		a.body = m.text(a.body)
	case 2:
		a.status = pick(m, 101, 200, 201, 204, 206, 299, 304, 404, 412, 416, 500, 503)
	case 3:
		a.fields = append(a.fields, pick(m, "X-Rate-Limit: many", "RateLimit: x", "Content-Encoding: gzip", "Content-Encoding: br", "Content-Encoding: zstd", "Content-Encoding: x", "Content-Type: text/plain", "ETag: x", "Location: /x"))
	case 4:
		a.fields = []string{pick(m, "Content-Type: text/html", "Content-Type: text/event-stream", "Content-Type: application/x-ndjson", ofJSON+"; charset=latin1", "X-A: b")}
	case 5:
		a.body += strings.Repeat(" ", 9000)
	default:
		a.fails = pick(m, "fail", "break", "silent")
	}
}

// good verifies the token good.
type good struct{}

func (good) Verify(_ context.Context, authorization []string) (*auth.Principal, error) {
	if slices.Equal(authorization, []string{"Bearer good"}) {
		return &auth.Principal{Subject: "s"}, nil
	}
	return nil, &auth.Error{}
}

// memory is a gate with its recorder and the outcome of the last call.
type memory struct {
	gate     *gateway.Gate
	recorder *traffic.Recorder
	before   traffic.Counts
}

func newMemory(t *testing.T, contract *gateway.Contract, rules string, mode policy.Mode, change func(*gateway.Config)) *memory {
	t.Helper()
	w := &memory{recorder: traffic.New()}
	c := gateway.Config{
		Contract: contract, Policy: mustParse(t, rules), Traffic: w.recorder, MaxResponse: 8192,
		Defaults: policy.Defaults{ForceRequests: &mode, ForceResponses: &mode},
	}
	if change != nil {
		change(&c)
	}
	var err error
	if w.gate, err = gateway.New(c); err != nil {
		t.Fatal(err)
	}
	return w
}

// serve sends a call through the gate. It returns the counts, the status, and whether the call reached the upstream.
func (w *memory) serve(t *testing.T, raw string, answer *reaction) (became traffic.Counts, status int, reached bool) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		return traffic.Counts{}, 0, false // the server itself responds
	}
	response := httptest.NewRecorder()
	func() {
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // panics are compared
				panic(v)
			}
		}()
		w.gate.Serve(response, r.WithContext(t.Context()), http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			reached = true
			answer.serve(rw)
		}))
	}()
	now := w.recorder.Hour(time.Now()).Counts
	became = minus(now, w.before)
	w.before = now
	return became, response.Code, reached
}

func minus(a, b traffic.Counts) traffic.Counts {
	for i := range a.Outcomes {
		a.Outcomes[i] -= b.Outcomes[i]
	}
	a.WouldRefuse -= b.WouldRefuse
	a.WouldReplace -= b.WouldReplace
	a.WouldBoth -= b.WouldBoth
	return a
}

var previewPolicies = map[string]string{
	"without a policy": "",
	"exceptions":       "{requests: {violations: {unknown-member: monitor, parameter: monitor, path: monitor}}, responses: {violations: {status: monitor, media-type: monitor}}}",
	"kinds are off":    "{requests: {violations: {path: off, header: off, size: off, not-judged: off}}, responses: {violations: {size: off, type: off}}}",
}

// TestPreviewIsWhatEnforcingRefuses: the preview of a watching gate counts exactly the calls that an enforcing gate
// refuses.
func TestPreviewIsWhatEnforcingRefuses(t *testing.T) {
	t.Parallel()
	testPreview(t, 80)
}

// testPreview sends calls of each example to both gates, with each policy.
func testPreview(t *testing.T, calls int) {
	for _, document := range slices.Sorted(maps.Keys(exampleCalls)) {
		for name, rules := range previewPolicies {
			for _, verified := range []bool{false, true} {
				if verified && document == "" {
					continue // its operations require permissions, which only signed tokens have
				}
				t.Run(fmt.Sprintf("%s, %s, %t", document, name, verified), func(t *testing.T) {
					t.Parallel()
					change := func(c *gateway.Config) {
						if name == "exceptions" {
							c.CORS.Origins = []string{"https://app.test"}
						}
						if verified {
							c.Verifier = good{}
						}
					}
					watching := newMemory(t, exampleContract(t, document), rules, policy.Monitor, change)
					enforcing := newMemory(t, exampleContract(t, document), rules, policy.Enforce, change)
					comparePreview(t, watching, enforcing, mutator{rand.New(rand.NewPCG(1, uint64(len(rules))))}, exampleCalls[document], calls, verified)
				})
			}
		}
	}
}

func comparePreview(t *testing.T, watching, enforcing *memory, m mutator, of []call, calls int, verified bool) {
	t.Helper()
	for range calls {
		c := m.call(of)
		if verified && !slices.Contains(c.fields, basic) && m.IntN(8) > 0 {
			c.fields = append(slices.DeleteFunc(c.fields, func(f string) bool { return strings.HasPrefix(f, "Authorization") }), "Authorization: Bearer good")
		}
		compareCall(t, watching, enforcing, c.raw(m.IntN(4) == 0), &c.answer)
	}
	total := watching.recorder.Hour(time.Now()).Counts
	if total.Outcomes[traffic.Passed] == 0 || total.WouldRefuse == 0 || total.WouldReplace == 0 {
		t.Errorf("the calls test too little: %+v", total)
	}
}

// compareCall sends a call to both gates and returns the counts of the first.
func compareCall(t *testing.T, watching, enforcing *memory, raw string, answer *reaction) traffic.Counts {
	t.Helper()
	seen, _, _ := watching.serve(t, raw, answer)
	done, status, reached := enforcing.serve(t, raw, answer)
	refused, replaced := done.Outcomes[traffic.Refused] == 1, done.Outcomes[traffic.Replaced] == 1
	switch {
	case refused != (!reached && status >= 400):
		t.Errorf("refused is %t, but reached the upstream: %t, status %d\n%q", refused, reached, status, raw)
	case seen.Outcomes[traffic.Refused] == 1: // for its token, or by a rule that is always enforced
		if !refused && status != http.StatusNoContent {
			t.Errorf("refused only by the watching gate\n%q", raw)
		}
	case refused != (seen.WouldRefuse == 1), replaced != (seen.WouldReplace == 1):
		t.Errorf("enforcing: refused %t, replaced %t; the preview: %+v\n%q\n%.300q", refused, replaced, seen, raw, fmt.Sprint(*answer))
	}
	return seen
}

// TestPreviewWhereEnforcingTakesAnotherWay has calls for which an enforcing gate does more than refuse recorded
// violations.
func TestPreviewWhereEnforcingTakesAnotherWay(t *testing.T) {
	t.Parallel()
	const connection, pathOff = "Connection: Authorization", "{requests: {violations: {path: off}}}"
	for name, tt := range map[string]struct {
		rules            string
		call             call
		refuses, replace int
	}{
		"OPTIONS gets its response before a check of fields": {"", call{"OPTIONS", "/api/v3/pet", []string{connection}, "", in(200, "")}, 0, 0},
		"OPTIONS of an unknown path is not":                  {"", call{"OPTIONS", "/nowhere", []string{connection}, "", in(200, "")}, 1, 0},
		"OPTIONS passes if the policy says so":               {"{requests: {violations: {method: monitor}}}", call{"OPTIONS", "/api/v3/pet", []string{connection}, "", in(200, "")}, 1, 0},
		"a path that other servers map to an operation":      {pathOff, call{"PUT", "/api/v3/PET", nil, "", in(200, "")}, 1, 0},
		"a path that no server maps to an operation":         {pathOff, call{"PUT", "/api/v3/cat", nil, "", in(200, "")}, 0, 0},
		"a response of the gateway's own":                    {"", call{"PUT", "/api/v3/pet", []string{ofJSON}, `{"name":"Rex","photoUrls":[]}`, reaction{fails: "fail"}}, 0, 0},
		"a body that HTTP does not allow":                    {"", call{"HEAD", "/api/v3/user/login", nil, "", in(200, strings.Repeat("x", 9000))}, 0, 0},
		"a response to a refused request":                    {"", call{"PUT", "/api/v3/pet", []string{ofJSON}, `{`, in(200, "{")}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const document = "spec/testdata/pets.yaml"
			watching := newMemory(t, exampleContract(t, document), tt.rules, policy.Monitor, nil)
			enforcing := newMemory(t, exampleContract(t, document), tt.rules, policy.Enforce, nil)
			seen := compareCall(t, watching, enforcing, tt.call.raw(false), &tt.call.answer)
			if seen.WouldRefuse != tt.refuses || seen.WouldReplace != tt.replace {
				t.Errorf("got %+v, want %d and %d", seen, tt.refuses, tt.replace)
			}
		})
	}
}

// TestExemptionsLetPass: with the preview's lines for a call, an enforcing gate lets the call pass.
func TestExemptionsLetPass(t *testing.T) {
	t.Parallel()
	for _, document := range slices.Sorted(maps.Keys(exampleCalls)) {
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			m := mutator{rand.New(rand.NewPCG(2, 2))}
			contract := exampleContract(t, document)
			exempt := 0
			for range 100 {
				c := m.call(exampleCalls[document])
				watching := newMemory(t, contract, "", policy.Monitor, nil)
				watching.serve(t, c.raw(false), &c.answer)
				hour := watching.recorder.Hour(time.Now())
				if hour.Counts.Preview() == 0 {
					continue
				}
				var list []policy.Exemption
				for _, k := range hour.Kinds {
					if k.Fixed {
						list = nil
						break
					}
					list = append(list, policy.Exemption{Operation: k.Operation, Direction: k.Direction, Kind: k.Kind})
				}
				if list == nil {
					continue
				}
				exempt++
				rules := policy.Exempt(list)
				enforcing := newMemory(t, contract, rules, policy.Enforce, nil)
				if done, _, reached := enforcing.serve(t, c.raw(false), &c.answer); !reached || done.Outcomes[traffic.Replaced] > 0 {
					t.Errorf("reached %t, %+v with\n%s%q", reached, done, rules, c.raw(false))
				}
			}
			if exempt == 0 {
				t.Error("no call was exempt")
			}
		})
	}
}
