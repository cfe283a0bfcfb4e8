package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRefusals: a message says what is wrong, and the folder is unchanged.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const document = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {responses: {'204': {description: done}}}}}\n"
	tests := []struct {
		name  string
		files map[string]string
		args  string
		code  int
		says  string
	}{
		{"an unknown router", nil, "-module example.com/a -server gin", 2, "the routers are echo, std, chi"},
		{"a malformed module path", nil, "-module ../a", 2, "-module"},
		{"an argument", nil, "openapi.yaml", 2, `unexpected argument "openapi.yaml"`},
		{"no module", nil, "", 1, "-module"},
		{"no document", nil, "-module example.com/a -spec none.yaml", 1, "none.yaml"},
		{"Swagger", map[string]string{"s.yaml": "swagger: '2.0'\n"}, "-module example.com/a -spec s.yaml", 1, "convert it to OpenAPI 3"},
		{"no operations", map[string]string{"s.yaml": "openapi: 3.0.3\npaths: {}\n"}, "-module example.com/a -spec s.yaml", 1, "no operations"},
		{"a folder of another program", map[string]string{"s.yaml": document, "main.go": "package main\n"}, "-module example.com/a -spec s.yaml -o .", 1, "main.go exists"},
		{"a document in the folder api", map[string]string{"s.yaml": strings.Replace(document, "{get:", "{$ref: 'api/s.yaml#/x'}}\nx-old: {/b: {get:", 1), "api/s.yaml": "x: {get: {responses: {'204': {description: done}}}}\n"}, "-module example.com/a -spec s.yaml -o new", 1, "api/s.yaml"},
		{"another module", map[string]string{"api/generate.go": "//go:generate go tool validategen -spec ../s.yaml\n", "api/oapi-codegen.yaml": "chi-server: true\n", "go.mod": "module example.com/b\n"}, "-module example.com/a -o .", 1, "example.com/b"},
		{"another router", map[string]string{"api/generate.go": "//go:generate go tool validategen -spec ../s.yaml\n", "api/oapi-codegen.yaml": "chi-server: true\n", "go.mod": "module example.com/b\n"}, "-server std -o .", 1, "chi"},
		{"another document", map[string]string{"api/generate.go": "//go:generate go tool validategen -spec ../s.yaml\n", "api/oapi-codegen.yaml": "chi-server: true\n", "go.mod": "module example.com/b\n", "t.yaml": document}, "-spec t.yaml -o .", 1, "s.yaml"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range tt.files {
				writeFile(t, filepath.Join(dir, name), text)
			}
			before := tree(t, dir)
			var stderr bytes.Buffer
			if code := run(t.Context(), within(dir, tt.args), &stderr); code != tt.code || !strings.Contains(stderr.String(), tt.says) {
				t.Errorf("got exit code %d and %q, want %d and %q", code, &stderr, tt.code, tt.says)
			}
			if after := tree(t, dir); after != before {
				t.Errorf("the folder has changed from\n%s\nto\n%s", before, after)
			}
		})
	}
}

// within returns the arguments with the paths of -spec and -o in a folder.
func within(dir, args string) []string {
	words := strings.Fields(args)
	hasFolder := false
	for i, word := range words {
		if i > 0 && (words[i-1] == "-spec" || words[i-1] == "-o") {
			words[i] = filepath.Join(dir, word)
			hasFolder = hasFolder || words[i-1] == "-o"
		}
	}
	if !hasFolder {
		words = append([]string{"-o", filepath.Join(dir, "new")}, words...)
	}
	return words
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// tree returns the folder as text: each file with its content.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		b.WriteString(path + "\n" + string(text) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
