package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// TestRouter finds operations by path, and the forwarded path.
func TestRouter(t *testing.T) {
	t.Parallel()
	op := func(id, method, path string, change ...func(*validate.Operation)) *validate.Operation {
		o := &validate.Operation{ID: id, Method: method, Path: path}
		for _, c := range change {
			c(o)
		}
		return o
	}
	variable := func(values ...string) validate.BaseSegment {
		return validate.BaseSegment{Text: values[0], Values: values}
	}
	r, err := newRouter(&Contract{
		BasePaths: append(validate.BasePaths("/v1"),
			validate.BasePath{Segments: []validate.BaseSegment{variable("eu", "us"), {Text: "shop"}}},
			validate.BasePath{Segments: []validate.BaseSegment{{Text: "open"}, {Text: "any", Open: true}}}),
		Operations: []*validate.Operation{
			op("root", "GET", "/"),
			op("list", "GET", "/files"),
			op("read", "GET", "/files/{id}"),
			op("again", "GET", "/files/{name}"),
			op("write", "PUT", "/files/{name}"),
			op("concrete", "GET", "/files/export"),
			op("verb", "GET", "/files/{id}:undelete"),
			op("extension", "GET", "/files/{id}.{extension}"),
			op("range", "GET", "/range/{from}-{to}"),
			op("matrix", "GET", "/matrix/{m}", func(o *validate.Operation) {
				o.Parameters = []*validate.Parameter{{In: "path", Name: "m", Style: "matrix"}}
			}),
			op("own", "GET", "/own", func(o *validate.Operation) { o.BasePaths = validate.BasePaths("/upload") }),
			op("spelt", "GET", "/a b%2Fc"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path      string
		want, forwarded string // the operation of GET, with its values, and the path; "" for none
	}{
		{"a base path", "/v1/files", "list", "/v1/files"},
		{"the root below a base path", "/v1/", "root", "/v1/"},
		{"no base path", "/files", "", ""},
		{"the base path without the slash of /", "/v1", "root", "/v1/"},
		{"a variable's value", "/us/shop/files", "list", "/us/shop/files"},
		{"not a variable's value", "/cn/shop/files", "", ""},
		{"an open variable", "/open/x%20y/files", "list", "/open/x%20y/files"},
		{"an operation's own server", "/upload/own", "own", "/upload/own"},
		{"the overridden server", "/v1/own", "", ""},
		{"another operation on it", "/upload/files", "", ""},

		{"a concrete segment takes precedence", "/v1/files/export", "concrete", "/v1/files/export"},
		{"the first of two equal templates", "/v1/files/7", "read 7", "/v1/files/7"},
		{"a suffix", "/v1/files/7:undelete", "verb 7", "/v1/files/7:undelete"},
		{"two parameters in a segment", "/v1/range/1-2-3", "range 1 2-3", "/v1/range/1-2-3"},
		{"each parameter has a character", "/v1/range/-2", "", ""},
		{"a name and its extension", "/v1/files/a.txt", "extension a txt", "/v1/files/a.txt"},
		{"an extra segment", "/v1/files/7/8", "", ""},
		{"an empty segment", "/v1/files/", "", ""},

		{"an escaped delimiter stays escaped", "/v1/files/a%2cb", "read a%2Cb", "/v1/files/a%2Cb"},
		{"a delimiter stays unescaped", "/v1/files/a,b", "read a,b", "/v1/files/a,b"},
		{"an unnecessary escape", "/v1/files/%41%7e", "read A~", "/v1/files/A~"},
		{"a semicolon is escaped", "/v1/files/a;b", "read a;b", "/v1/files/a%3Bb"},
		{"a semicolon of matrix", "/v1/matrix/;m=1", "matrix ;m=1", "/v1/matrix/;m=1"},
		{"bytes beyond ASCII", "/v1/files/%c3%a4", "read %C3%A4", "/v1/files/%C3%A4"},
		{"an escaped concrete segment", "/v1/a%20b%2fc", "spelt", "/v1/a%20b%2Fc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, forwarded := "", ""
			if m, ok := r.find(tt.path); ok {
				rt := m.resource.routes["GET"]
				got = strings.Join(append([]string{rt.ID}, m.values...), " ")
				forwarded = m.path(rt)
			}
			if got != tt.want || forwarded != tt.forwarded {
				t.Errorf("got %q forwarded as %q, want %q as %q", got, forwarded, tt.want, tt.forwarded)
			}
		})
	}
	if m, _ := r.find("/v1/files/7"); m.resource.allow != "GET, HEAD, OPTIONS, PUT" {
		t.Errorf("templates that differ only in names are one resource: got %q", m.resource.allow)
	}
}

// TestRouterIsBounded: the product of servers and operations is limited.
func TestRouterIsBounded(t *testing.T) {
	t.Parallel()
	c := &Contract{}
	for i := range 257 {
		c.BasePaths = append(c.BasePaths, validate.BasePathOf(fmt.Sprint("/", i)))
	}
	for i := range 511 {
		c.Operations = append(c.Operations, &validate.Operation{ID: fmt.Sprint(i), Method: "GET", Path: fmt.Sprint("/", i)})
	}
	if _, err := newRouter(c); err == nil || !strings.Contains(err.Error(), "131072") {
		t.Errorf("got %v", err)
	}
}

func TestCanonicalQuery(t *testing.T) {
	t.Parallel()
	rt := newRoute(&validate.Operation{Parameters: []*validate.Parameter{{In: "query", Name: "$top", System: true}, {In: "query", Name: "ids"}}})
	for raw, want := range map[string]string{
		"":                 "",
		"TOP=1&ids=a,b":    "$top=1&ids=a,b",
		"ids=a%2cb":        "ids=a%2Cb",
		"ids=a+b%2Bc":      "ids=a%20b%2Bc",
		"ids=%41&&ids":     "ids=A&ids",
		"%69ds=%26%3d":     "ids=%26%3D",
		"ids=caf\xc3\xa9&": "ids=caf%C3%A9",
	} {
		if got := rt.canonicalQuery(raw); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}
