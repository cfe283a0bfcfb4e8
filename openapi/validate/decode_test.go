package validate

import (
	"slices"
	"strings"
	"testing"
)

func TestPathValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		template, path string
		want           string // the values separated by spaces, or "none"
	}{
		{"/a", "/v1/a", ""},
		{"/a/{id}", "/v1/a/x%2Fy", "x%2Fy"},
		{"/a/{id}", "/x", "none"},
		{"/a/{id}", "/a/", "none"},
		{"/{a}/b/{c}", "/v1/v2/1/b/2", "1 2"},
		{"/a/{id}:undo", "/a/7:undo", "7"},
		{"/a/{id}:undo", "/a/7:redo", "none"},
		{"/a/{id}:undo", "/a/:undo", "none"},
		{"/{from}-{to}.json", "/1-2-3.json", "1 2-3"},
		{"/{from}-{to}", "/-1", "none"},
		{"/a/{id}/", "/a/7/", "7"},
	} {
		got, ok := PathValues(tt.template, tt.path)
		if text := strings.Join(got, " "); ok != (tt.want != "none") || ok && text != tt.want {
			t.Errorf("%s in %s: got %q, %t, want %q", tt.template, tt.path, got, ok, tt.want)
		}
	}
}

func TestFindOperation(t *testing.T) {
	t.Parallel()
	list := []*Operation{{ID: "a", Method: "GET", Path: "/a"}, {ID: "b", Method: "PUT", Path: "/a"}}
	if got := FindOperation(list, "put", "/a"); got != list[1] {
		t.Errorf("got %v", got)
	}
	if got := FindOperation(list, "PUT", "/b"); got != nil {
		t.Errorf("got %v, want none", got)
	}
}

// TestReadParameters checks the values of parameters as JSON.
func TestReadParameters(t *testing.T) {
	t.Parallel()
	o := operation(t, "/a/{v}", `{in: path, name: v, schema: {type: array, items: {anyOf: [{type: integer, minimum: 5}, {type: string, pattern: '^[0-9"]+$'}]}}}`,
		`{in: query, name: none, schema: {type: integer}}`, `{in: query, name: free}`, `{in: query, name: empty, allowEmptyValue: true, schema: {type: boolean}}`,
		`{in: query, name: word, allowEmptyValue: true, schema: {type: string, minLength: 1}}`, `{in: query, name: deep, style: deepObject, schema: {type: object}}`,
		`{in: query, name: json, content: {application/json: {schema: {type: object}}}}`, `{in: query, name: text, content: {text/plain: {schema: {type: string}}}}`)
	got, faults := o.ReadParameters(t.Context(), []string{"5,4,%22"}, `free=1+%22&empty=&word=&deep[a%22][b]=1&json={"a": [1,null]}&text={}`, nil)
	want := []string{`[5,"4","\""]`, "", `"1 \""`, "", `""`, `{"a\"":{"b":"1"}}`, `{"a": [1,null]}`, `"{}"`}
	if faults != nil {
		t.Fatalf("got faults %q", said(faults))
	}
	for i, value := range got {
		if string(value) != want[i] {
			t.Errorf("%s: got %s, want %s", o.Parameters[i].Name, value, want[i])
		}
	}
	if got, faults := o.ReadParameters(t.Context(), []string{"x"}, "none=a", nil); got != nil || said(faults) != said(o.CheckParameters(t.Context(), []string{"x"}, "none=a", nil)) {
		t.Errorf("got %q and faults %q", got, said(faults))
	}
}

// TestDecodeContent: JSON is decoded unchanged, a form as its JSON value, and other content is not decoded.
func TestDecodeContent(t *testing.T) {
	t.Parallel()
	s := compile(t, write(t, `{type: object, properties: {a: {type: integer}, b: {type: array, items: {type: string}}}}`).schema())
	for _, tt := range []struct {
		mediaType, content string
		decoded            string // "none" if it is not decoded
		faults             string
	}{
		{"application/json", `{"a":1}`, `{"a":1}`, ""},
		{"application/json; charset=us-ascii", `{"é":1}`, "", "encoding"},
		{formType, "a=1&b=x%22", `{"a":1,"b":["x\""]}`, ""},
		{formType, "", `{}`, ""},
		{formType, "a=x", "none", "type a/a"},
		{"text/plain", "a", "none", "type"},
	} {
		var got []byte
		b := &Body{Type: strings.Split(tt.mediaType, ";")[0], Schema: s, Decode: func(data []byte, _ any) (*Faults, bool) {
			got = slices.Clone(data)
			return nil, true
		}}
		faults, ok := b.DecodeContent(t.Context(), tt.mediaType, []byte(tt.content), nil)
		if want := strings.TrimPrefix(tt.decoded, "none"); string(got) != want || ok != (tt.decoded != "none") || said(faults) != tt.faults {
			t.Errorf("%s %s: got %s, %t and faults %q", tt.mediaType, tt.content, got, ok, said(faults))
		}
	}
	b := &Body{Type: "application/json", Schema: s}
	if faults, ok := b.DecodeContent(t.Context(), "application/json", []byte(`{"a":"x"}`), nil); ok || said(faults) != "type a/a" {
		t.Errorf("without a decoder: got %t and faults %q", ok, said(faults))
	}
}
