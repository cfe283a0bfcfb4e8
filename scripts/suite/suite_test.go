package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeSuite writes a suite of one file for each draft.
func writeSuite(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, draft := range []string{"draft4", "draft7", "draft2020-12"} {
		if err := os.MkdirAll(filepath.Join(root, "tests", draft), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, "tests", filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func runOn(t *testing.T, files map[string]string) (code int, output string) {
	t.Helper()
	root := writeSuite(t, files)
	var stdout, stderr strings.Builder
	code = run(t.Context(), []string{"-v"}, func(string) string { return root }, &stdout, &stderr)
	return code, stdout.String() + stderr.String()
}

func TestVerdictsAreCounted(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file, schema, tests string
		code                int
		want                []string
	}{
		"right":                 {"draft4/a.json", `{"type": "string"}`, `[{"data": "a", "valid": true}, {"data": 1, "valid": false}]`, 0, []string{"a.json 1 0 0 2 0 0 0"}},
		"wrong":                 {"draft4/a.json", `{"type": "string"}`, `[{"data": "a", "valid": false}]`, 1, []string{"a.json 1 0 0 1 0 0 1", `"a" is accepted`}},
		"3.0 cannot express it": {"draft7/a.json", `{"contains": {}}`, `[{"data": [], "valid": false}]`, 0, []string{"a.json 1 1 0 0 0 0 0"}},
		"3.1 can express it":    {"draft2020-12/a.json", `{"contains": {}}`, `[{"data": [], "valid": false}]`, 0, []string{"a.json 1 1 0 0 0 0 0", "a.json 1 0 0 1 0 0 0"}},
		"another document":      {"draft2020-12/a.json", `{"$ref": "http://a/b"}`, `[{"data": [], "valid": false}]`, 0, []string{"a.json 1 0 1 0 0 0 0", "leads out of the document"}},
		"a departure":           {"draft2020-12/format.json", `{"format": "ipv4"}`, `[{"data": "a", "valid": true}]`, 0, []string{"format.json 1 0 0 1 0 1 0"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, output := runOn(t, map[string]string{tt.file: `[{"description": "d", "schema": ` + tt.schema + `, "tests": ` + tt.tests + `}]`})
			if code != tt.code {
				t.Errorf("got exit code %d", code)
			}
			plain := strings.Join(strings.Fields(output), " ")
			for _, want := range tt.want {
				if !strings.Contains(plain, want) {
					t.Errorf("%q is not in\n%s", want, output)
				}
			}
		})
	}
}

// TestOlderSchemasSayTheSame converts schemas with keywords that 3.0 lacks, and checks a value that only the right
// meaning rejects.
func TestOlderSchemasSayTheSame(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ schema, refused, accepted string }{
		"exclusive bound":       {`{"exclusiveMinimum": 1}`, `1`, `2`},
		"const":                 {`{"const": 1}`, `2`, `1`},
		"list of types":         {`{"type": ["string", "null"]}`, `1`, `null`},
		"false":                 {`{"properties": {"a": false}}`, `{"a": 1}`, `{}`},
		"definitions":           {`{"$ref": "#/$defs/a%22~1", "$defs": {"a\"/": {"type": "string"}}}`, `1`, `"a"`},
		"root":                  {`{"properties": {"a": {"$ref": "#"}}, "additionalProperties": false}`, `{"a": {"b": 1}}`, `{"a": {}}`},
		"siblings of reference": {`{"$ref": "#/$defs/a", "maxLength": 1, "allOf": [{"minLength": 1}], "$defs": {"a": {}}}`, `"ab"`, `"a"`},
		"empty required":        {`{"required": [], "type": "object"}`, `1`, `{}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, output := runOn(t, map[string]string{"draft2020-12/a.json": `[{"schema": ` + tt.schema + `, "tests": [{"data": ` + tt.refused + `, "valid": false}, {"data": ` + tt.accepted + `, "valid": true}]}]`})
			if strings.Count(strings.Join(strings.Fields(output), " "), "a.json 1 0 0 2 0 0 0") != 2 || code != 0 {
				t.Error(output)
			}
		})
	}
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if code := run(t.Context(), nil, func(string) string { return "" }, &out, &out); code != 2 {
		t.Errorf("no folder: got %d", code)
	}
	if code := run(t.Context(), []string{"a"}, func(string) string { return "." }, &out, &out); code != 2 {
		t.Errorf("an argument: got %d", code)
	}
	if code := run(t.Context(), nil, func(string) string { return t.TempDir() }, &out, &out); code != 1 {
		t.Errorf("not a suite: got %d", code)
	}
}
