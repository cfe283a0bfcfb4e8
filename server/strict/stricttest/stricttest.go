// Package stricttest sends the examples of an OpenAPI document to a handler over a real connection, and validates the
// responses against the document:
//
//	func TestExamples(t *testing.T) { stricttest.Run(t, handler, "openapi.yaml") }
//
// Each operation gets a valid request: from the document's examples, or else with values generated from the schemas. The
// response must be one of the document's, or 501 from a handler that is not implemented. Then it gets requests that the
// document forbids, each with one error: their status must be 4xx.
//
// The document itself decides, in process, what is valid. An example that the document forbids is logged and not sent.
package stricttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Run runs a subtest for each operation of the document in a file. The handler must serve the operations below the path of
// the document's first server, and require no credentials.
func Run(t *testing.T, handler http.Handler, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	document, err := spec.Load(t.Context(), data, spec.Options{Folder: filepath.Dir(file), Name: filepath.Base(file), Examples: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	for _, o := range document.Operations {
		t.Run(strings.ReplaceAll(o.ID, "/", "_"), func(t *testing.T) {
			newRunner(t, document, o, server).run()
		})
	}
}

func newRunner(t reporter, d *spec.Document, o *validate.Operation, server *httptest.Server) *runner {
	client := *server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &runner{t, d, o, &client, server.URL + basePath(d, o)}
}

// basePath returns the path of the operation's first server, or of the document's.
func basePath(d *spec.Document, o *validate.Operation) string {
	paths := o.BasePaths
	if len(paths) == 0 {
		paths = d.BasePaths
	}
	var b strings.Builder
	if len(paths) > 0 {
		for _, s := range paths[0].Segments {
			b.WriteString("/" + s.Text)
		}
	}
	return b.String()
}

// reporter is the part of testing.T that is used.
type reporter interface {
	Context() context.Context
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// runner tests an operation.
type runner struct {
	reporter
	*spec.Document

	operation *validate.Operation
	client    *http.Client
	url       string
}

func (r *runner) run() {
	if strings.ContainsAny(r.operation.Path, "?#") {
		r.Logf("nothing was sent: no request has this path")
		return
	}
	valid := r.validRequests()
	if len(valid) == 0 {
		r.Logf("nothing was sent: the document has no example of this operation, and no values could be generated")
		return
	}
	for _, request := range valid {
		if got, err := r.send(request); err != nil {
			r.Errorf("%s: %v", request, err)
		} else {
			r.checkResponse(request, got)
		}
	}
	for name, request := range r.invalidRequests(valid[0]) {
		if got, err := r.send(request); err != nil {
			r.Errorf("%s: %s: %v", request, name, err)
		} else if got.status/100 != 4 {
			r.Errorf("%s: %s: got status %d, want 4xx: %s", request, name, got.status, got.body)
		}
	}
}

// response is a response that was read.
type response struct {
	status int
	header http.Header
	body   []byte
}

func (r *runner) send(from *request) (*response, error) {
	out, err := http.NewRequestWithContext(r.Context(), from.method, r.url+from.target(r.operation.Path), bytes.NewReader(from.body))
	if err != nil {
		return nil, err
	}
	out.Header = from.header.Clone()
	if from.contentType != "" {
		out.Header.Set("Content-Type", from.contentType)
	}
	in, err := r.client.Do(out)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(in.Body)
	return &response{in.StatusCode, in.Header, body}, errors.Join(err, in.Body.Close())
}

// checkResponse validates a response against the document.
func (r *runner) checkResponse(to *request, got *response) {
	contentType := got.header.Get("Content-Type")
	if got.status == http.StatusNotImplemented && strings.HasPrefix(contentType, "application/problem+json") {
		return
	}
	allowed := r.operation.Response(got.status)
	if allowed == nil {
		r.Errorf("%s: got status %d, which the document does not have: %s", to, got.status, got.body)
		return
	}
	if faults := allowed.CheckHeader(r.Context(), got.header); faults != nil {
		r.Errorf("%s: the header fields of the response with status %d break the document: %+v", to, got.status, faults.List)
	}
	if len(got.body) == 0 && len(allowed.Bodies) == 0 || got.status == http.StatusNotModified {
		return
	}
	body := allowed.Body(contentType)
	if body == nil {
		r.Errorf("%s: got a body of the type %q, which the document does not have for the status %d", to, contentType, got.status)
	} else if faults := body.CheckContent(r.Context(), contentType, got.body); faults != nil {
		r.Errorf("%s: the body of the response with status %d breaks the document: %+v: %s", to, got.status, faults.List, got.body)
	}
}

// isValid reports whether the document allows the request.
func (r *runner) isValid(q *request) bool {
	if r.operation.CheckParameters(r.Context(), q.path, strings.Join(q.query, "&"), q.header) != nil {
		return false
	}
	if len(r.operation.Request) == 0 || len(q.body) == 0 && !r.operation.BodyRequired {
		return true
	}
	body := r.operation.RequestBody(q.contentType)
	return body != nil && body.CheckContent(r.Context(), q.contentType, q.body) == nil
}

// target returns the path and the query, with the path values in the order of the template.
func (q *request) target(template string) string {
	var b strings.Builder
	for _, value := range q.path {
		before, rest, _ := strings.Cut(template, "{")
		_, template, _ = strings.Cut(rest, "}")
		b.WriteString(before + value)
	}
	b.WriteString(template)
	if len(q.query) > 0 {
		b.WriteString("?" + strings.Join(q.query, "&"))
	}
	return b.String()
}

func (q *request) String() string {
	return q.method + " " + strings.Join(slices.Concat(q.path, q.query), " ")
}
