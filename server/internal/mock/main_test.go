package mock_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/mock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is a mock behind a gate, served over HTTP.
type service struct {
	t        *testing.T
	url      string
	open     http.Handler // the mock behind a gate that passes every request
	document *spec.Document
	log      *bytes.Buffer // of the mock
}

func start(t *testing.T, file string, c mock.Config) *service {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	contract, document, err := gateway.Read(t.Context(), data, spec.Options{Examples: true})
	if err != nil {
		t.Fatal(err)
	}
	off := policy.Off
	gate, err := gateway.New(gateway.Config{Contract: contract, RequireTokens: true, Defaults: policy.Defaults{ForceResponses: &off}})
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	c.Document, c.Log = document, slog.New(slog.NewJSONHandler(log, nil))
	m, err := mock.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	open, err := gateway.New(gateway.Config{Contract: contract, Defaults: policy.Defaults{ForceRequests: &off, ForceResponses: &off}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gate.Handler(m))
	t.Cleanup(server.Close)
	return &service{t, server.URL, open.Handler(m), document, log}
}

// response is the response that a client got.
type response struct {
	status int
	header http.Header
	body   string
}

// send sends a request with a key and the header fields.
func (s *service) send(method, path, body string, fields ...string) response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if r.Header.Set("X-Key", "k"); body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return response{resp.StatusCode, resp.Header, string(data)}
}

// want sends a request, checks the status, and returns the response.
func (s *service) want(status int, method, path, body string, fields ...string) response {
	s.t.Helper()
	got := s.send(method, path, body, fields...)
	if got.status != status {
		s.t.Fatalf("%s %s %s %q: got %d %s, want %d", method, path, body, fields, got.status, got.body, status)
	}
	return got
}

// value returns the body as JSON.
func (r response) value(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	return v
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// ask requests a response of an operation, regardless of the operation's rules for requests.
func (s *service) ask(op *validate.Operation, status int, accept, dynamic string) response {
	path, bases := "", op.BasePaths
	if bases == nil {
		bases = s.document.BasePaths
	}
	for _, segment := range bases[0].Segments {
		path += "/" + segment.Text
	}
	r := httptest.NewRequest(op.Method, "/", http.NoBody)
	r.URL.Path = path + placeholder.ReplaceAllString(op.Path, "1")
	r.Header.Set("Accept", accept)
	r.Header.Set("Prefer", fmt.Sprintf("code=%d, dynamic=%s", status, dynamic))
	w := httptest.NewRecorder()
	s.open.ServeHTTP(w, r)
	return response{w.Code, w.Header(), w.Body.String()}
}
