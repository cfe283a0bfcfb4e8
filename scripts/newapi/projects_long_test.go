//go:build long

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// documents are the todo API and documents in the style of public ones.
var documents = []string{"todo", "albums", "everything", "fleet", "observatory", "parcels", "shop/shop"}

// every tests each document and each page with each router, and wholly. The routers share nearly all code, and each pair takes
// a minute of CPU. Without it, each document has one router, and the first document of each router is tested wholly.
var every = os.Getenv("PFXR_TEST_PROJECTS") == "all"

// TestProjects: newapi writes a project that builds, passes vet, gofmt and its own tests, and that a second run does
// not change.
func TestProjects(t *testing.T) {
	t.Parallel()
	for i, document := range documents {
		for j, server := range servers {
			if !every && (i+j)%len(servers) != 0 {
				continue
			}
			t.Run(document+"/"+server, func(t *testing.T) {
				t.Parallel()
				checkProject(t, document, server, every || i < len(servers))
			})
		}
	}
}

func checkProject(t *testing.T, document, server string, wholly bool) {
	dir := newProject(t, document, server)
	if !wholly {
		if unformatted := runIn(t, dir, "gofmt", "-l", "."); unformatted != "" {
			t.Errorf("not formatted: %s", unformatted)
		}
		runIn(t, dir, "go", "vet", "./...")
		runIn(t, dir, "go", "test", "-vet=off", "./...")
		return
	}
	if before := tree(t, dir); server == "std" {
		if said := runIn(t, dir, "make", "generate"); !strings.Contains(said, "up to date") {
			t.Errorf("the second run printed %q", said)
		}
		if tree(t, dir) != before {
			t.Error("the second run has changed the project")
		}
	}
	runIn(t, dir, "make", "check")
}

// newProject writes a project and returns its folder.
func newProject(t *testing.T, document, server string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "project")
	args := []string{"-module", "example.com/project", "-server", server, "-o", dir}
	if document == "todo" {
		args = append(args, "-docs")
	} else {
		args = append(args, "-spec", "testdata/"+document+".yaml")
	}
	var stderr bytes.Buffer
	if code := run(t.Context(), args, &stderr); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, &stderr)
	}
	return dir
}

// runIn runs a command in a folder and returns its output.
func runIn(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
