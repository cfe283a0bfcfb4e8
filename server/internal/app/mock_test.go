package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/renameio/v2"

	"github.com/pfxrecryption/pfxrecryption/server/internal/faultinject"
)

const mockedPets = `
openapi: 3.0.3
info: {title: Pets, version: '1'}
servers: [{url: /v1}]
paths:
  /pets:
    post:
      requestBody: {content: {application/json: {schema: {type: object, required: [name], properties: {name: {type: string}}}}}}
      responses: {'201': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}}
  /pets/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses: {'200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}, example: {id: 1, name: Rex}}}}}
components: {schemas: {Pet: {type: object, required: [id, name], properties: {id: {type: integer}, name: {type: string}}}}}
`

// runningMock is a mock whose document and error form are files.
type runningMock struct {
	*Mock
	spec, errors string
	log          *lines
}

func runMock(t *testing.T, document string, c MockConfig) *runningMock {
	t.Helper()
	dir := t.TempDir()
	m := &runningMock{spec: filepath.Join(dir, "openapi.yaml"), errors: filepath.Join(dir, "errors.tmpl"), log: &lines{told: make(chan string, 1000)}}
	for name, text := range map[string]string{m.spec: document, m.errors: houseForm} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if document != "" {
		c.Spec = m.spec
	}
	if c.Errors == "FILE" {
		c.Errors = m.errors
	}
	c.Listen, c.AccessLog, c.MaxObjects, c.Seed = "127.0.0.1:0", "on", 100, 1
	var err error
	if m.Mock, err = OpenMock(t.Context(), c, slog.New(slog.NewJSONHandler(m.log, nil))); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return m
}

// call sends a request on a new connection. It returns an error if the connection broke.
func (m *runningMock) call(t *testing.T, method, path, body string, fields ...string) (*http.Response, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, m.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp, string(data), err
}

func (m *runningMock) want(t *testing.T, status int, text, method, path, body string, fields ...string) *http.Response {
	t.Helper()
	resp, got, err := m.call(t, method, path, body, fields...)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status || !strings.Contains(got, text) {
		t.Errorf("%s %s %q: got %d %s, want %d …%s…", method, path, fields, resp.StatusCode, got, status, text)
	}
	return resp
}

// TestMockOfOurContract: without a document the mock serves the built-in contract, with errors in its form.
func TestMockOfOurContract(t *testing.T) {
	t.Parallel()
	m := runMock(t, "", MockConfig{})
	const path, token = "/beta/pfxRecryptionRequests('sample')", "Authorization: Bearer x"
	m.want(t, 401, `"code":"InvalidAuthenticationToken"`, "GET", path, "")
	m.want(t, 200, `"tenantId":"f9882bcd-`, "PATCH", path, `{"status":6}`, token)
	m.want(t, 400, `"code":"ModelValidationFailure"`, "PATCH", path, `{"status":"6"}`, token)
	m.want(t, 404, `"error"`, "GET", path, "", token, "Prefer: code=404")
	m.want(t, 200, `"value":[`, "GET", "/beta/pfxRecryptionRequests", "", token)
}

// TestMockRefusesAsTheGateway: refusals are the gateway's in each form of errors.
func TestMockRefusesAsTheGateway(t *testing.T) {
	t.Parallel()
	for form, text := range map[string]string{"": `{"type":"about:blank"`, "problem": `{"type":"about:blank"`, "graph": `{"error":{"code":`, "FILE": `"house"`} {
		m := runMock(t, mockedPets, MockConfig{Errors: form})
		m.want(t, 400, text, "GET", "/v1/pets/rex", "")
		m.want(t, 404, text, "GET", "/v1/pets/1", "", "Prefer: code=500")
		m.want(t, 200, `{"id":1,"name":"Rex"}`, "GET", "/v1/pets/1", "")
		if m.log.count(`"msg":"request"`) != 3 || m.log.count(`"verdict":"refused","violations"`) != 2 {
			t.Errorf("%q: want a line for each request, got\n%s", form, &m.log.b)
		}
	}
}

// TestMockCORS: pages of the configured origin may call, others may not.
func TestMockCORS(t *testing.T) {
	t.Parallel()
	m := runMock(t, mockedPets, MockConfig{CORSOrigin: []string{"https://app.example"}})
	for origin, want := range map[string]string{"https://app.example": "https://app.example", "https://other.example": ""} {
		got := m.want(t, 204, "", "OPTIONS", "/v1/pets", "", "Origin: "+origin, "Access-Control-Request-Method: POST")
		if got.Header.Get("Access-Control-Allow-Origin") != want {
			t.Errorf("%s: got %v", origin, got.Header)
		}
		got = m.want(t, 200, "Rex", "GET", "/v1/pets/1", "", "Origin: "+origin)
		if got.Header.Get("Access-Control-Allow-Origin") != want {
			t.Errorf("%s: got %v", origin, got.Header)
		}
	}
}

// TestMockFaults: valid requests fail in each of the ways.
func TestMockFaults(t *testing.T) {
	t.Parallel()
	m := runMock(t, mockedPets, MockConfig{Pester: 100, Stateful: true})
	m.want(t, 400, "", "POST", "/v1/pets", `{}`)
	seen := map[int]bool{} // 0 is a connection that broke
	for range 40 {
		resp, body, err := m.call(t, "POST", "/v1/pets", `{"name":"Rex"}`)
		if err != nil {
			seen[0] = true
			continue
		}
		if seen[resp.StatusCode] = true; resp.StatusCode != http.StatusCreated && (resp.Header.Get("Retry-After") == "" || !strings.Contains(body, "about:blank")) {
			t.Errorf("got %s %v %s", resp.Status, resp.Header, body)
		}
		if len(seen) == 4 {
			break
		}
	}
	for _, status := range []int{0, 201, 429, 503} {
		if !seen[status] {
			t.Errorf("no request ended with %d", status)
		}
	}
}

// TestMockReloads: a changed document is read again; an invalid one leaves the current one in effect.
func TestMockReloads(t *testing.T) {
	t.Parallel()
	m := runMock(t, mockedPets, MockConfig{Stateful: true})
	at := m.want(t, 201, `"name":"Tom"`, "POST", "/v1/pets", `{"name":"Tom"}`).Header.Get("Location")
	m.want(t, 200, `"name":"Tom"`, "GET", at, "")
	write := func(text string) {
		if err := renameio.WriteFile(m.spec, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("openapi: 2.0")
	m.log.await("document not reloaded")
	m.want(t, 200, `"name":"Tom"`, "GET", at, "")
	write(strings.ReplaceAll(mockedPets, "name: Rex", "name: Bo"))
	m.log.await("document reloaded")
	m.want(t, 404, "", "GET", at, "")
	m.want(t, 200, `{"id":1,"name":"Bo"}`, "GET", at, "", "Prefer: example=default")
}

// TestMockSettings: settings that are out of range are rejected with the flag's name.
func TestMockSettings(t *testing.T) {
	t.Parallel()
	for flag, change := range map[string]func(*MockConfig){
		"--max-objects": func(c *MockConfig) { c.MaxObjects = 0 },
		"--max-request": func(c *MockConfig) { c.MaxRequest = -1 },
		"--drain-delay": func(c *MockConfig) { c.DrainDelay = -1 },
		"--tls-key":     func(c *MockConfig) { c.TLSCert = "cert.pem" },
		"--cors-origin": func(c *MockConfig) { c.CORSOrigin = []string{"app.example"} },
		"--pester":      func(c *MockConfig) { c.Pester = faultinject.Percent(101) },
		"--spec":        func(c *MockConfig) { c.Spec = "absent.yaml" },
		"--errors":      func(c *MockConfig) { c.Errors = "absent.tmpl" },
	} {
		c := MockConfig{Listen: "127.0.0.1:0", MaxObjects: 1}
		change(&c)
		if _, err := OpenMock(t.Context(), c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: got %v", flag, err)
		}
	}
}
