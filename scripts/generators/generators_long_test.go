//go:build long

package generators_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
)

// tool returns the command of a tool that npm has installed.
func tool(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := filepath.Abs("../node_modules/.bin/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "" {
			t.Skipf("scripts/npm-ci.sh scripts has not run: %v", err)
		}
		t.Fatalf("scripts/npm-ci.sh scripts installs the tools: %v", err)
	}
	return exec.CommandContext(t.Context(), path, args...)
}

// document saves the output of pfxrd spec in a temporary folder without the contract's other files.
func document(t *testing.T, name string, args ...string) string {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), filepath.Join(programtest.Dir(t), "pfxrd"), append([]string{"spec"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestGeneratorsTakeTheDocument: each tool succeeds, and its output has the operation.
func TestGeneratorsTakeTheDocument(t *testing.T) {
	t.Parallel()
	const server = "http://127.0.0.1:8080/beta"
	for name, args := range map[string][]string{"openapi.yaml": nil, "openapi.json": {"--json", "--server", server}} {
		for what, run := range map[string]func(t *testing.T, in, out string) *exec.Cmd{
			"openapi-typescript": func(t *testing.T, in, out string) *exec.Cmd {
				return tool(t, "openapi-typescript", in, "-o", out+"/schema.ts")
			},
			"hey-api": func(t *testing.T, in, out string) *exec.Cmd {
				return tool(t, "openapi-ts", "-i", in, "-o", out, "--no-log-file")
			},
			"redocly": func(t *testing.T, in, out string) *exec.Cmd {
				return tool(t, "redocly", "bundle", in, "-o", out+"/bundled.json")
			},
			"swagger-cli": func(t *testing.T, in, out string) *exec.Cmd {
				return tool(t, "swagger-cli", "bundle", in, "-o", out+"/bundled.json")
			},
			"oapi-codegen": func(t *testing.T, in, out string) *exec.Cmd {
				return exec.CommandContext(t.Context(), "go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "x", "-o", out+"/x.go", in)
			},
		} {
			t.Run(what+"/"+name, func(t *testing.T) {
				t.Parallel()
				out := t.TempDir()
				if text, err := run(t, document(t, name, args...), out).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				if written := read(t, out); !strings.Contains(strings.ToLower(written), "updatepfxrecryptionrequest") {
					t.Errorf("the output does not have the operation: %.300s", written)
				}
			})
		}
	}
}

// read returns all files below a folder.
func read(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestRedoclyFindsNoFault lints the document by Redocly's rules for errors.
func TestRedoclyFindsNoFault(t *testing.T) {
	t.Parallel()
	if text, err := tool(t, "redocly", "lint", "--extends=minimal", document(t, "openapi.json", "--json")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}
