package form

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var id = graph.Identity{RequestID: edm.Guid{1}, ClientRequestID: edm.Guid{2}}

const urn = "urn:uuid:01000000-0000-0000-0000-000000000000"

// TestProblem: a problem has the members of RFC 9457, and each fault its place.
func TestProblem(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault graph.Fault
		want  map[string]string
	}{
		"a member":       {graph.Fault{Pointer: "/a/0", Name: "a", Keyword: "type", Message: "m"}, map[string]string{"pointer": "#/a/0"}},
		"the whole body": {graph.Fault{Keyword: "type", Message: "m"}, map[string]string{"pointer": "#"}},
		"odd names":      {graph.Fault{Pointer: "/a~1b/é \"", Keyword: "type", Message: "m"}, map[string]string{"pointer": "#/a~1b/%C3%A9%20%22"}},
		"a parameter":    {graph.Fault{In: "query", Name: "top", Keyword: "type", Message: "m"}, map[string]string{"in": "query", "parameter": "top"}},
		"an item of one": {graph.Fault{In: "query", Name: "ids", Pointer: "/1", Keyword: "type", Message: "m"}, map[string]string{"in": "query", "parameter": "ids", "pointer": "#/1"}},
		"a cookie":       {graph.Fault{In: "header", Name: "Cookie", Pointer: "/a~1b", Keyword: "type", Message: "m"}, map[string]string{"in": "cookie", "parameter": "a/b"}},
		"part of one":    {graph.Fault{In: "header", Name: "Cookie", Pointer: "/c/0", Keyword: "type", Message: "m"}, map[string]string{"in": "cookie", "parameter": "c", "pointer": "#/0"}},
		"all cookies":    {graph.Fault{In: "header", Name: "Cookie", Keyword: "type", Message: "m"}, map[string]string{"in": "header", "parameter": "Cookie"}},
		"not UTF-8":      {graph.Fault{In: "query", Name: "a\xff<", Keyword: "type", Message: "m"}, map[string]string{"in": "query", "parameter": "a\ufffd<"}},
	} {
		text, err := Problem().Append(nil, &graph.Problem{Status: 400, Message: "m", Faults: []graph.Fault{tt.fault}}, &id)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got struct {
			Type, Title, Detail, Instance string
			Status                        int
			Errors                        []map[string]string
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v: %s", name, err, text)
		}
		tt.want["keyword"], tt.want["detail"] = "type", "m"
		if diff := cmp.Diff([]map[string]string{tt.want}, got.Errors); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got.Type != "about:blank" || got.Title != "Bad Request" || got.Detail != "m" || got.Instance != urn || got.Status != 400 {
			t.Errorf("%s: got %s", name, text)
		}
		if strings.ContainsAny(string(text), "<>") {
			t.Errorf("%s: %s could be read as markup", name, text)
		}
	}
	text, _ := Problem().Append(nil, &graph.Problem{Status: 404, Message: "m"}, &id)
	if want := `{"type":"about:blank","title":"Not Found","status":404,"detail":"m","instance":"` + urn + `"}`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

// TestTemplate: values are JSON in every position.
func TestTemplate(t *testing.T) {
	t.Parallel()
	const head = "Content-Type: application/vnd.house+json; v=1\n\n"
	hostile := &graph.Problem{
		Status: 400, Code: "C", Message: "a\"},{\"b\":\\ </script>\r\n\u2028\xff",
		Faults: []graph.Fault{{In: "query", Name: `","x":"`, Keyword: "type", Message: "m"}, {Pointer: "/p", Keyword: "enum", Message: "n"}},
	}
	escaped := `"a\"},{\"b\":\\ \u003c/script\u003e\r\n\u2028` + "\ufffd" + `"`
	for text, want := range map[string]string{
		`{"s":{{.Status}},"d":{{.Detail}}}`:                            `{"s":400,"d":` + escaped + `}`,
		`{{json .Detail}}`:                                             escaped,
		`{{.Detail | json}}`:                                           escaped,
		`{{$d := json .Detail}}{{$d}}`:                                 escaped,
		`{{$d := .Detail}}{{$d}}`:                                      escaped,
		`{{if eq .Status 400}}{{.Detail}}{{else}}{{.Code}}{{end}}`:     escaped,
		`{{with .Detail}}{{.}}{{end}}`:                                 escaped,
		`{{define "d"}}{{.Detail}}{{end}}{{template "d" .}}`:           escaped,
		`{{block "d" .}}{{.Detail}}{{end}}`:                            escaped,
		`{{printf "%d %s" .Status .Code}}`:                             `"400 C"`,
		`{{.Errors}}`:                                                  `[{"parameter":"\",\"x\":\"","in":"query","keyword":"type","detail":"m"},{"pointer":"#/p","keyword":"enum","detail":"n"}]`,
		`[{{range $i, $e := .Errors}}{{if $i}},{{end}}{{.In}}{{end}}]`: `["query",""]`,
		`[{{range .Errors}}{{else}}{{.Code}}{{end}}]`:                  `[]`,
		` {"id":{{.RequestID}},"c":{{.ClientRequestID}},"at":{{.Time}},"i":{{.Instance}},"t":{{.Title}}} ` + "\n": `{"id":"01000000-0000-0000-0000-000000000000",` +
			`"c":"02000000-0000-0000-0000-000000000000","at":"0001-01-01T00:00:00Z","i":"` + urn + `","t":"Bad Request"}`,
	} {
		f, err := Parse("errors.tmpl", []byte(head+text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := f.Append([]byte("before"), hostile, &id)
		if err != nil || string(got) != "before"+want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
		if f.MediaType != "application/vnd.house+json; v=1" {
			t.Errorf("%s: got the media type %q", text, f.MediaType)
		}
	}
	if _, err := Parse("errors.tmpl", []byte("content-type:application/json\r\n\r\n{{.Code}}\r\n")); err != nil {
		t.Errorf("lines that end in CRLF: %v", err)
	}
}

// TestInvalidTemplate: errors are found before the first request, with file and line.
func TestInvalidTemplate(t *testing.T) {
	t.Parallel()
	const head = "Content-Type: application/json\n\n"
	for text, want := range map[string]string{
		"":                                  "errors.tmpl:1: want",
		`{"d":{{.Detail}}}`:                 "errors.tmpl:1: want",
		"Content-Type: application/json\n{": "errors.tmpl:1: want",
		"Content-Type: text/html\n\n<p>{{.Detail}}</p>": `errors.tmpl:1: the Content-Type is "text/html"`,
		"Content-Type: a/b+json;x\x01\n\n{}":            "errors.tmpl:1: the Content-Type",
		"Content-Type: a/b\r\nX: y+json\n\n{}":          "errors.tmpl:1: want",
		head + "{\n{{.Status}":                          "errors.tmpl:4: ",
		head + "{\n{{nothing}}":                         `errors.tmpl:4: function "nothing" not defined`,
		head + "\n{{.Statsu}}":                          "errors.tmpl:4:2: executing",
		head + "[{{range .Errors}}{{.Code}}{{end}}]":    "errors.tmpl:3:",
		head + "{{if eq .Status 504}}{{.No}}{{end}}{}":  "errors.tmpl:3:",
		head + `{"d":` + "\n" + `"{{.Detail}}"}`:        "errors.tmpl:4: its output for status 400 is not one JSON value",
		head + `{"d":{{.Detail}},}`:                     "errors.tmpl:3: its output",
		head + `{"d":1,"d":2}`:                          "errors.tmpl:3: its output",
		head + `{} {}`:                                  "errors.tmpl:3: its output",
		head:                                            "errors.tmpl:3: its output",
		head + "{}\n{{if .Errors}},{{end}}":             "errors.tmpl:4: its output",
		head + "{{if eq .Status 503}}{{else}}{}{{end}}": "its output for status 503",
		head + `{{slice .Detail 0 100}}`:                "errors.tmpl:3:",
	} {
		f, err := Parse("errors.tmpl", []byte(text))
		if err == nil || f != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "form.") {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
