package validate

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// TestFieldsOfResponses: header fields of responses are checked like those of requests.
func TestFieldsOfResponses(t *testing.T) {
	t.Parallel()
	r := &Response{Headers: write(t, "{x-total: {required: true, schema: {type: integer}}, Allow: {schema: {type: array, items: {type: string, enum: [GET, PUT]}}}, Vary: {schema: {type: string}}, X-O: {explode: true, schema: {type: object, properties: {a: {type: integer}}}}, X-J: {content: application/json, schema: {type: object, required: [a]}}, Set-Cookie: {schema: {type: string, maxLength: 3}}, X-Spot: {required: true, schema: {type: integer}, spot: why}}").headers()}
	for lines, want := range map[string]string{
		"X-Total: 5|X-Spot: x":                                        "",
		"X-Total: 5|X-Spot: x|X-Other: y":                             "",
		"":                                                            "header required x-total; header required X-Spot",
		"X-Total: x|X-Spot: x":                                        "header type x-total",
		"X-Total: 5|X-Total: 6|X-Spot: x":                             "header repeated x-total",
		"X-Total: 5|X-Spot: x|Allow: GET, PUT":                        "",
		"X-Total: 5|X-Spot: x|Allow: GET|Allow: PUT":                  "",
		"X-Total: 5|X-Spot: x|Allow: GET, POST":                       "header enum Allow/1",
		"X-Total: 5|X-Spot: x|Vary: A|Vary: B":                        "",
		"X-Total: 5|X-Spot: x|X-O: a=1":                               "",
		"X-Total: 5|X-Spot: x|X-O: a=x":                               "header type X-O/a",
		`X-Total: 5|X-Spot: x|X-J: {"a":1}`:                           "",
		"X-Total: 5|X-Spot: x|X-J: {}":                                "header required X-J/a",
		"X-Total: 5|X-Spot: x|X-J: {":                                 "header malformed X-J",
		"X-Total: 5|X-Spot: x|Set-Cookie: a=b|Set-Cookie: c=d":        "",
		"X-Total: 5|X-Spot: x|Set-Cookie: a=b|Set-Cookie: c=dd":       "header maxLength Set-Cookie",
		"X-Total: |X-Spot: x":                                         "header type x-total",
		"X-Total: x|X-Spot: x|X-O: a=x|X-J: {}|Set-Cookie: much more": "header type x-total; header type X-O/a; header required X-J/a; header maxLength Set-Cookie",
	} {
		header := http.Header{}
		for line := range strings.SplitSeq(lines, "|") {
			if name, value, ok := strings.Cut(line, ":"); ok {
				header.Add(name, strings.TrimSpace(value))
			}
		}
		if got := said(r.CheckHeader(t.Context(), header)); got != want {
			t.Errorf("%q: got %q, want %q", lines, got, want)
		}
	}
	for name, tt := range map[string]struct {
		header map[string][]string
		want   string
	}{
		"another case":  {map[string][]string{"x-total": {"x"}, "X-Spot": {"x"}}, "header type x-total"},
		"two spellings": {map[string][]string{"x-total": {"5"}, "X-Total": {"6"}, "x-spot": {"x"}}, "header repeated x-total"},
		"two of a list": {map[string][]string{"X-Total": {"5"}, "X-Spot": {"x"}, "allow": {"PUT"}, "ALLOW": {"POST"}, "Allow": {"GET"}}, "header enum Allow/1"},
	} {
		if got := said(r.CheckHeader(t.Context(), tt.header)); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
	if f := (&Response{}).CheckHeader(t.Context(), http.Header{"A": {"b"}}); f != nil {
		t.Errorf("a response without header fields: got %s", said(f))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := said(r.CheckHeader(ctx, http.Header{"X-Total": {"5"}})); got != "interrupted" {
		t.Errorf("got %q, want interrupted", got)
	}
}
