package spec

import (
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"JSON in the document's order", `{"b": 1, "a": [true, null, "x\u00e9"]}`, `{"b":1,"a":[true,null,"x\u00e9"]}`},
		{"a byte order mark", "\ufeff{\"a\": 1}", `{"a":1}`},
		{"YAML", "b: 1\na: [true, ~, x]", `{"b":1,"a":[true,null,"x"]}`},
		{"flow style that is not JSON", "{a: 1}", `{"a":1}`},
		{"numbers keep their digits", "[1.0, 1e2, 123456789012345678901234567890, -0.10]", `[1.0,1e2,123456789012345678901234567890,-0.10]`},
		{"numbers in YAML notation", "[+1, 0x10, .5, 1_000]", `[1,16,0.5,1000]`},
		{"times and infinity are strings", "[2024-01-01, 2024-01-01T00:00:00Z, .inf]", `["2024-01-01","2024-01-01T00:00:00Z",".inf"]`},
		{"yes and no are strings", "[yes, no, on, True]", `["yes","no","on",true]`},
		{"names that are numbers", "200: ok", `{"200":"ok"}`},
		{"aliases", "a: &x {b: 1}\nc: *x", `{"a":{"b":1},"c":{"b":1}}`},
		{"merge keys", "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", `{"a":{"b":1,"c":2},"d":{"c":3,"b":1}}`},
		{"lists of merge keys", "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}", `{"a":{"b":1},"c":{"b":2,"d":3},"e":{"b":1,"d":3}}`},
		{"the directive of YAML 1.2", "# a\n%YAML 1.2\n---\nb: 1\n...\n", `{"b":1}`},
		{"UTF-16", "\xff\xfea\x00:\x00 \x001\x00", `{"a":1}`},
		{"control characters", `{"a": "\u0000\u2028"}`, `{"a":"\u0000\u2028"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n, err := parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := n.json(); !same(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// same compares JSON and ignores how characters are escaped.
func same(a, b string) bool {
	x, errX := parseJSON([]byte(a))
	y, errY := parseJSON([]byte(b))
	return errX == nil && errY == nil && x.json() == y.json()
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 10), ", "))
	}
	tests := []struct{ name, text, want string }{
		{"a duplicate name in JSON", `{"a": 1, "a": 2}`, "duplicate"},
		{"a duplicate name in YAML", "a: 1\na: 2", "duplicate"},
		{"two JSON values", `{} {}`, ""},
		{"JSON that ends early", "{\n\"a\": {\"b\": 1", `unexpected EOF within "/a"`},
		{"another encoding, YAML", "a: 1\nb: caf\xe9", "line 2 is not UTF-8"},
		{"another encoding, JSON", "{\"a\":\n\"caf\xe9\"}", "line 2 is not UTF-8"},
		{"control characters", "a: 1\nb: \"\x07\"", "line 2 has the control character U+0007"},
		{"a tab in YAML", "a:\n\tb: 1", "indent with spaces"},
		{"two colons in a line of YAML", "a: b: 1", "indentation, colons and quotes"},
		{"two YAML documents", "a: 1\n---\nb: 1", "more than one"},
		{"nothing", "", "empty"},
		{"names that are objects", "? {a: 1}\n: b", "scalar"},
		{"a merge key without a mapping", "<<: 1", "mapping"},
		{"aliases that multiply", bomb, "too large"},
		{"a file of many values, YAML", "a: [" + strings.Repeat("1,", 1<<20) + "]", "too large"},
		{"a file of many values, JSON", "[" + strings.Repeat("1,", 1<<20) + "1]", "too large"},
		{"a long list, YAML", "[" + strings.Repeat("1,", 1<<15) + "1]\n#", "more than 32768 members"},
		{"a long list, JSON", "[" + strings.Repeat("1,", 1<<15) + "1]", "more than 32768 members"},
		{"aliases to one long text", "a: &a " + strings.Repeat("x", 20_000) + "\nb: [" + strings.Repeat("*a, ", 1000) + "]", "too large"},
		{"an alias to itself", "a: &a [*a]", ""},
		{"deep JSON", strings.Repeat("[", 600) + strings.Repeat("]", 600), "deep"},
		{"binary values", "a: !!binary aGk=", "binary"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := parse([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"a list", "[]", "not an object"},
		{"another format", "{a: 1}", "no member openapi"},
		{"Swagger 2", "{swagger: '2.0', paths: {}}", "Swagger"},
		{"a later version", "{openapi: 3.2.0, paths: {}}", "3.0 and 3.1"},
		{"an earlier version", "{openapi: 3.00.1, paths: {}}", "3.0 and 3.1"},
		{"paths of the wrong type", "{openapi: 3.0.3, paths: []}", "/paths"},
		{"a path item of the wrong type", "{openapi: 3.0.3, paths: {/a: []}}", "/paths/~1a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Load(t.Context(), []byte(tt.text), Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestLoadTakesAnyOpenAPI(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{openapi: 3.0, info: {}}", "{openapi: 3.1.2}", "{openapi: 3.0.4, paths: {x-note: 1}}", `{"openapi": "3.1.0", "webhooks": {"a": {"post": {}}}}`,
		"openapi: 3.0.3\npaths:", "openapi: 3.1.0\ninfo:\npaths: {/a: , /b: {parameters: }}\nservers:\nsecurity:\ncomponents:"} {
		if d, err := Load(t.Context(), []byte(text), Options{}); err != nil || len(d.Operations) != 0 {
			t.Errorf("%s: got %v, %v", text, d, err)
		}
	}
}
