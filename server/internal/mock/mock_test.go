package mock_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/mock"
)

const todo = "testdata/todo.yaml"

// TestResponses checks which response a request gets.
func TestResponses(t *testing.T) {
	t.Parallel()
	s := start(t, todo, mock.Config{Seed: 1})
	const problem = "application/problem+json"
	for name, tt := range map[string]struct {
		request string // method, path and body
		fields  []string
		status  int
		typ     string
		body    string // its beginning
	}{
		"firstValidExample":  {"GET /v1/items", nil, 200, "application/json", `{"tags":["home"],"data":[],"total_count":42,"next":`},
		"exampleByName":      {"GET /v1/items", []string{"Prefer: example=full"}, 200, "application/json", `{"tags":[],"total_count":1,"data":[{"id":"0b1d`},
		"invalidByName":      {"GET /v1/items", []string{"Prefer: example=broken"}, 200, "application/json", `{"data":7}`},
		"unknownExample":     {"GET /v1/items", []string{"Prefer: example=none"}, 404, problem, `{"type":"about:blank"`},
		"onlyExample":        {"GET /v1/items", []string{"Accept: text/csv", "Prefer: example=default"}, 200, "text/csv", "id,title\n"},
		"code":               {"GET /v1/items/0b1d0b1d-0b1d-4b1d-8b1d-0b1d0b1d0b1d", []string{"Prefer: code=404"}, 404, problem, `{"title":"Not there"}`},
		"codeAndExample":     {"GET /v1/items", []string{`Prefer: code="200"; x=y, wait=5, example="full"`}, 200, "application/json", `{"tags":[],`},
		"codeOfClass":        {"GET /v1/odd", []string{"Prefer: code=503"}, 503, "", ""},
		"unknownCode":        {"GET /v1/items", []string{"Prefer: code=418"}, 404, problem, ""},
		"codeOfDefault":      {"DELETE /v1/odd", []string{"Prefer: code=418"}, 418, "text/plain", ""},
		"malformedCode":      {"GET /v1/items", []string{"Prefer: code=many"}, 422, problem, ""},
		"codeOutOfRange":     {"GET /v1/items", []string{"Prefer: code=101"}, 422, problem, ""},
		"malformedDynamic":   {"GET /v1/items", []string{"Prefer: dynamic=maybe"}, 422, problem, ""},
		"firstPreference":    {"GET /v1/items", []string{"Prefer: example=full, example=broken"}, 200, "application/json", `{"tags":[]`},
		"otherPreference":    {"GET /v1/items", []string{"Prefer: return=minimal, respond-async"}, 200, "application/json", `{"tags":["home"]`},
		"schemaExamples":     {"GET /v1/items/0b1d0b1d-0b1d-4b1d-8b1d-0b1d0b1d0b1d", nil, 200, "application/json", `{"id":"`},
		"noSuccess":          {"GET /v1/odd", nil, 404, problem, `{"title":`},
		"head":               {"HEAD /v1/odd", nil, 204, "", ""},
		"headOfGet":          {"HEAD /v1/items", nil, 200, "application/json", ""},
		"default":            {"DELETE /v1/odd", nil, 200, "text/plain", ""},
		"options":            {"OPTIONS /v1/items", nil, 204, "", ""},
		"ownOptions":         {"OPTIONS /v1/odd", nil, 200, "text/plain", "mine"},
		"noContent":          {"DELETE /v1/items/0b1d0b1d-0b1d-4b1d-8b1d-0b1d0b1d0b1d", []string{"Accept: image/png"}, 204, "", ""},
		"unsatisfiable":      {"POST /v1/odd", nil, 501, problem, ""},
		"notAcceptable":      {"GET /v1/items", []string{"Accept: image/png"}, 406, problem, ""},
		"refusedByWeight":    {"GET /v1/items", []string{"Accept: application/json;q=0, */*;q=0"}, 406, problem, ""},
		"preferredByWeight":  {"GET /v1/items", []string{"Accept: application/json;q=0.1, text/*"}, 200, "text/csv", "id,"},
		"jsonByDefault":      {"GET /v1/feeds", nil, 200, "application/vnd.todo+json; v=2", `{"v":2}`},
		"stream":             {"GET /v1/feeds", []string{"Accept: text/event-stream"}, 200, "text/event-stream", "data: "},
		"xml":                {"GET /v1/feeds", []string{"Accept: application/xml"}, 200, "application/xml", "<List><list_id>"},
		"form":               {"GET /v1/feeds", []string{"Accept: application/x-www-form-urlencoded"}, 200, "application/x-www-form-urlencoded", "a=1&b=x&b=y"},
		"binary":             {"GET /v1/feeds", []string{"Accept: application/octet-stream"}, 200, "application/octet-stream", ""},
		"typeOfARange":       {"GET /v1/feeds", []string{"Accept: image/gif"}, 200, "image/gif", ""},
		"range":              {"GET /v1/feeds", []string{"Accept: image/*"}, 200, "image/png", ""},
		"noCredentials":      {"GET /v1/items", []string{"X-Key: "}, 401, problem, ""},
		"token":              {"GET /v1/items", []string{"X-Key: ", "Authorization: Bearer x"}, 200, "application/json", ""},
		"unknownPath":        {"GET /v1/none", nil, 404, problem, ""},
		"otherBasePath":      {"GET /items", nil, 404, problem, ""},
		"unknownMethod":      {"PUT /v1/items", nil, 405, problem, ""},
		"badParameter":       {"GET /v1/items?limit=0", nil, 400, problem, ""},
		"badBody":            {`POST /v1/items {"title":""}`, nil, 400, problem, ""},
		"badType":            {`POST /v1/items {"title":"a"}`, []string{"Content-Type: text/plain"}, 415, problem, ""},
		"created":            {`POST /v1/items {"title":"a","done":true}`, nil, 201, "application/json", `{"id":"`},
		"refusalBeforeState": {`POST /v1/items {"title":""}`, []string{"Prefer: code=201"}, 400, problem, ""},
	} {
		t.Run(name, func(t *testing.T) {
			parts := append(strings.SplitN(tt.request, " ", 3), "")
			got := s.send(parts[0], parts[1], parts[2], tt.fields...)
			if got.status != tt.status || got.header.Get("Content-Type") != tt.typ || !strings.HasPrefix(got.body, tt.body) {
				t.Errorf("got %d %s %s, want %d %s %s…", got.status, got.header.Get("Content-Type"), got.body, tt.status, tt.typ, tt.body)
			}
		})
	}
	if log := s.log.String(); strings.Count(log, "an example is invalid") != 1 || !strings.Contains(log, "examples/broken/value") {
		t.Errorf("got the log %s, want one line about the invalid example", log)
	}
}

// TestHeaderFields: a response has the header fields that the document describes.
func TestHeaderFields(t *testing.T) {
	t.Parallel()
	got := start(t, todo, mock.Config{}).want(200, "GET", "/v1/items", "")
	if got.header.Get("X-Total") != "42" || !strings.HasPrefix(got.header.Get("Link"), "https://") {
		t.Errorf("got %v", got.header)
	}
}

// TestDynamic: values vary from request to request, and are the same for the same seed.
func TestDynamic(t *testing.T) {
	t.Parallel()
	series := func(c mock.Config, fields ...string) []string {
		s, bodies := start(t, todo, c), []string{}
		for range 3 {
			bodies = append(bodies, s.want(200, "GET", "/v1/items/0b1d0b1d-0b1d-4b1d-8b1d-0b1d0b1d0b1d", "", fields...).body)
		}
		return bodies
	}
	fixed, dynamic := series(mock.Config{Seed: 1}), series(mock.Config{Seed: 1}, "Prefer: dynamic=true")
	if fixed[0] != fixed[1] || fixed[1] != fixed[2] || !strings.Contains(fixed[0], "Buy milk") {
		t.Errorf("without dynamic: got %q", fixed)
	}
	if dynamic[0] == dynamic[1] || dynamic[1] == dynamic[2] {
		t.Errorf("with dynamic: got %q", dynamic)
	}
	if again := series(mock.Config{Seed: 1, Dynamic: true}); !slices.Equal(again, dynamic) {
		t.Errorf("with the same seed: got %q, want %q", again, dynamic)
	}
	if other := series(mock.Config{Seed: 2}); other[0] == fixed[0] {
		t.Errorf("with another seed: got %q again", other)
	}
}

// TestForeignDocuments: each response of each operation is valid in each of its media types.
func TestForeignDocuments(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../openapi/spec/testdata/*.*")
	if err != nil || len(files) < 10 {
		t.Fatalf("want ten documents: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			s := start(t, file, mock.Config{Seed: 1})
			for _, op := range s.document.Operations {
				for _, r := range op.Responses {
					for _, b := range r.Bodies {
						for _, dynamic := range []string{"false", "true"} {
							checkResponse(t, s, op, r, b, dynamic)
						}
					}
				}
			}
		})
	}
}

// checkResponse requests a response from the mock itself, so that the gate's rules for requests do not matter.
func checkResponse(t *testing.T, s *service, op *validate.Operation, r *validate.Response, b *validate.Body, dynamic string) {
	status := map[string]int{"default": 599, "2XX": 299, "3XX": 399, "4XX": 499, "5XX": 599}[r.Status]
	for code := 200; status == 0 && code < 600; code++ {
		if op.Response(code) == r {
			status = code
		}
	}
	got := s.ask(op, status, b.Type, dynamic)
	if got.status != status {
		t.Errorf("%s %d %s: got %d %s", op.ID, status, b.Type, got.status, got.body)
		return
	}
	own := r.Body(got.header.Get("Content-Type"))
	if own == nil {
		t.Errorf("%s %d %s: the media type is %s", op.ID, status, b.Type, got.header.Get("Content-Type"))
		return
	}
	if faults := own.CheckContent(t.Context(), got.header.Get("Content-Type"), []byte(got.body)); faults != nil {
		t.Errorf("%s %d %s: %s is not valid: %+v", op.ID, status, b.Type, got.body, faults.List)
	}
	if faults := r.CheckHeader(t.Context(), canonical(got.header)); faults != nil {
		t.Errorf("%s %d: the header is not valid: %+v", op.ID, status, faults.List)
	}
}

func canonical(h http.Header) http.Header {
	c := http.Header{}
	for name, values := range h {
		c[http.CanonicalHeaderKey(name)] = values
	}
	return c
}
