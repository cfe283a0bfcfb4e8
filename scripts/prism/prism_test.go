//go:build long

package prism_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exchange is a request for a document, and the status of both mocks.
type exchange struct {
	request string // method, path and body
	fields  []string
	status  int
	prism   int    // if it differs
	why     string // the reason
}

const (
	asJSON   = "Content-Type: application/json"
	asForm   = "Content-Type: application/x-www-form-urlencoded"
	asMerge  = "Content-Type: application/merge-patch+json"
	bearer   = "Authorization: Bearer x"
	key      = "X-Key: k"
	request  = "X-Request: 0b1d0b1d-0b1d-4b1d-8b1d-0b1d0b1d0b1d"
	item     = "/items/0b1d0b1d-0b1d-4b1d-8b1d-0b1d0b1d0b1d"
	as400    = "a request that breaks the contract is 400 here, as in the gateway; Prism says 422 unless the document describes one"
	unpinned = "a preference that is missing is 404; Prism tries the successful response, which has it neither, and fails"
)

// basePaths are the paths of the documents' servers, where the mock serves; Prism ignores them.
var basePaths = map[string]string{"shop.yaml": "/api", "todo.yaml": "/v1"}

// documents are those in testdata, with at least 40 requests.
var documents = map[string][]exchange{
	"shop.yaml": {
		{"GET /products", nil, 200, 0, ""},
		{"GET /products?limit=50&sort=price", nil, 200, 0, ""},
		{"GET /products?limit=0", nil, 400, 422, as400},
		{"GET /products?sort=colour", nil, 400, 422, as400},
		{"GET /products?colour=red", nil, 400, 200, "a query parameter that the contract does not have is refused here, as in the gateway; Prism ignores it"},
		{"GET /products", []string{"Prefer: example=empty"}, 200, 0, ""},
		{"GET /products", []string{"Prefer: example=none"}, 404, 0, ""},
		{"GET /products", []string{"Prefer: code=418"}, 418, 0, ""},
		{"GET /products", []string{"Prefer: code=many"}, 422, 0, ""},
		{"GET /products", []string{"Prefer: dynamic=true"}, 200, 0, ""},
		{"GET /products", []string{"Accept: text/html"}, 406, 0, ""},
		{"GET /products", []string{"Accept: text/html, application/json;q=0.5"}, 200, 0, ""},
		{"PUT /products", nil, 405, 0, ""},
		{"GET /nothing", nil, 404, 0, ""},
		{`POST /products {"name":"Lamp","price":1}`, []string{asJSON, bearer}, 201, 0, ""},
		{`POST /products {"name":"Lamp","price":1}`, []string{asJSON}, 401, 0, ""},
		{`POST /products {"name":"Lamp"}`, []string{asJSON, bearer}, 400, 422, as400},
		{`POST /products {"name":"Lamp","price":1}`, []string{"Content-Type: text/plain", bearer}, 415, 0, ""},
		{`POST /products`, []string{bearer}, 415, 422, "a request without a media type is 415 here (RFC 9110 §15.5.16); Prism says that the body is missing"},
		{`POST /products {"name":"Lamp","price":1}`, []string{asJSON, bearer, "Prefer: code=409"}, 409, 0, ""},
		{"GET /products/1", nil, 200, 0, ""},
		{"GET /products/lamp", nil, 400, 422, as400},
		{"GET /products/1", []string{"Prefer: code=404"}, 404, 0, ""},
		{"GET /products/1", []string{"Prefer: code=404, example=never"}, 404, 0, ""},
		{"GET /products/1", []string{"Prefer: code=404, example=none"}, 404, 500, unpinned},
		{"GET /products/1", []string{"Prefer: code=500"}, 404, 0, ""},
		{"HEAD /products/1", nil, 200, 405, "GET implies HEAD (RFC 9110 §9.1); for Prism the document must have it"},
		{"DELETE /products/1", []string{key}, 204, 0, ""},
		{"DELETE /products/1", nil, 401, 0, ""},
		{`POST /orders {"product":1}`, []string{asJSON, key, request}, 202, 0, ""},
		{`POST /orders {"product":1}`, []string{asJSON, "Authorization: Basic eDp5", request}, 202, 0, ""},
		{`POST /orders {"product":1}`, []string{asJSON, key}, 400, 422, as400},
		{`POST /orders {"product":1}`, []string{asJSON, key, "X-Request: 1"}, 400, 422, as400},
		{"POST /orders product=1&count=2", []string{asForm, key, request}, 202, 0, ""},
		{"POST /orders count=0", []string{asForm, key, request}, 400, 422, as400},
	},
	"todo.yaml": {
		{"GET /items", []string{key}, 200, 0, ""},
		{"GET /items", nil, 401, 0, ""},
		{"GET /items", []string{key, "Accept: text/csv"}, 200, 0, ""},
		{"GET " + item, []string{bearer}, 200, 0, ""},
		{"GET /items/1", []string{bearer}, 400, 422, as400},
		{`POST /items {"title":"Tea","done":true}`, []string{asJSON, key}, 201, 0, ""},
		{`POST /items {"title":""}`, []string{asJSON, key}, 400, 422, as400},
		{`PATCH ` + item + ` {"done":true}`, []string{asMerge, key}, 200, 0, ""},
		{`PATCH ` + item + ` {"done":true}`, []string{asJSON, key}, 415, 200, "the document has no application/json for it; Prism takes JSON for any of its kinds"},
		{"DELETE " + item, []string{key}, 204, 0, ""},
		{"GET /odd", nil, 404, 0, ""},
		{"GET /odd", []string{"Prefer: code=503"}, 503, 0, ""},
		{"DELETE /odd", nil, 200, 0, ""},
		{"HEAD /odd", nil, 204, 0, ""},
		{"OPTIONS /items", nil, 204, 405, "the response to OPTIONS follows from the contract (RFC 9110 §9.3.7); Prism responds only to preflights"},
	},
	"media.yaml": {
		{"GET /report", nil, 200, 0, ""},
		{"GET /report", []string{"Accept: text/csv"}, 200, 0, ""},
		{"GET /report", []string{"Accept: application/xml"}, 200, 0, ""},
		{"GET /report", []string{"Accept: image/png"}, 406, 0, ""},
		{"GET /picture", nil, 200, 0, ""},
		{"HEAD /picture", nil, 200, 0, ""},
		{`POST /pay {"kind":"card","number":"123456789012"}`, []string{asJSON}, 200, 0, ""},
		{`POST /pay {"kind":"bank","number":"123456789012"}`, []string{asJSON}, 400, 422, as400},
		{`POST /pay {"kind":"cash"}`, []string{asJSON}, 400, 422, as400},
		{"GET /node", nil, 200, 0, ""},
		{"GET /node", []string{"Prefer: dynamic=true"}, 200, 0, ""},
		{"GET /old", nil, 301, 0, ""},
		{"PUT /empty", nil, 200, 0, ""},
		{"PUT /empty", []string{"Prefer: code=204"}, 204, 0, ""},
	},
}

// TestStatuses: both mocks return the same status, or the table gives a reason.
func TestStatuses(t *testing.T) {
	t.Parallel()
	compared := 0
	for document, exchanges := range documents {
		compared += len(exchanges)
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			file := document
			if document == "todo.yaml" {
				file = "../../../server/internal/mock/testdata/todo.yaml"
			}
			file = filepath.Join("testdata", file)
			ours, prism := startOurs(t, file), startPrism(t, file)
			for _, e := range exchanges {
				compare(t, e, send(t, ours+basePaths[document], e), send(t, prism, e))
			}
		})
	}
	if compared < 40 || len(documents) < 3 {
		t.Errorf("%d requests of %d documents are compared, want 40 of three", compared, len(documents))
	}
}

func compare(t *testing.T, e exchange, ours, prism int) {
	t.Helper()
	want := e.prism
	if want == 0 {
		want = e.status
	}
	if ours != e.status || prism != want || (ours != prism) != (e.why != "") {
		t.Errorf("%s %q: ours returns %d, want %d; Prism returns %d, want %d because %q", e.request, e.fields, ours, e.status, prism, want, e.why)
	}
}

// send sends a request and returns the status.
func send(t *testing.T, url string, e exchange) int {
	t.Helper()
	parts := append(strings.SplitN(e.request, " ", 3), "")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // Prism does not respond to some requests
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, parts[0], url+parts[1], strings.NewReader(parts[2]))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	for _, field := range e.fields {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// TestPrismMocksTheDocument: Prism reads the output of pfxrd spec and responds with the page's example.
func TestPrismMocksTheDocument(t *testing.T) {
	t.Parallel()
	text, err := exec.CommandContext(t.Context(), filepath.Join(programtest.Dir(t), "pfxrd"), "spec", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, startPrism(t, file)+"/pfxRecryptionRequests/sample", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header.Set("Authorization", "Bearer x")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "Thumbprint value") {
		t.Errorf("got %d %s, %v, want the page's example", resp.StatusCode, body, err)
	}
}

// startOurs runs pfxrd mock and returns its URL.
func startOurs(t *testing.T, document string) string {
	t.Helper()
	return programtest.Serve(t, programtest.Pfxrd(t, "mock", "--spec", document)).URL
}

// startPrism runs Prism and returns its URL.
func startPrism(t *testing.T, document string) string {
	t.Helper()
	node, err := exec.LookPath("node")
	programtest.SkipWithout(t, err)
	const program = "../node_modules/@stoplight/prism-cli/dist/index.js"
	if _, err := os.Stat(program); err != nil {
		programtest.SkipWithout(t, fmt.Errorf("scripts/npm-ci.sh scripts has not run: %w", err))
	}
	address := programtest.FreeAddress(t)
	_, port, _ := strings.Cut(address, ":")
	p := programtest.Start(t, exec.Command(node, program, "mock", "--host", "127.0.0.1", "--port", port, document))
	p.Await(t, regexp.MustCompile("Prism is listening"))
	p.Drop()
	return "http://" + address
}
