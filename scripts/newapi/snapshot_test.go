package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRestore: after a failed run its files are restored, and other files are untouched.
func TestRestore(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]map[string]string{
		"a new project in a folder": {"notes.txt": "mine"},
		"a project":                 {"go.mod": "module a", "handlers.go": "package main", "api/api.gen.go": "package api", "todo.db": "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, text := range before {
				writeFile(t, filepath.Join(dir, file), text)
			}
			s, err := takeSnapshot(dir)
			if err != nil {
				t.Fatal(err)
			}
			p := &project{options: &options{dir: dir}, before: s}
			for _, file := range []string{"handlers.go", "api/generate.go", "main.go"} {
				if err := p.write(file, []byte("changed")); err != nil {
					t.Fatal(err)
				}
			}
			for _, file := range []string{"go.sum", "api/api.gen.go", "api/valid/valid.gen.go", "todo.db", "todo.db-wal"} {
				writeFile(t, filepath.Join(dir, file), "changed") // by the go command, the generators or a server
			}
			if err := s.restore(); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"todo.db": "changed", "todo.db-wal": "changed"}
			for file, text := range before {
				if _, data := want[file]; !data {
					want[file] = text
				}
			}
			for _, file := range []string{"go.mod", "go.sum", "handlers.go", "main.go", "api/generate.go", "api/api.gen.go", "api/valid/valid.gen.go", "notes.txt", "todo.db", "todo.db-wal"} {
				got, err := os.ReadFile(filepath.Join(dir, file))
				if text, there := want[file]; there != (err == nil) || string(got) != text {
					t.Errorf("%s: got %q, %v, want %q", file, got, err, text)
				}
			}
			if _, hadAPI := before["api/api.gen.go"]; hadAPI != exists(filepath.Join(dir, apiFolder)) {
				t.Error("the folder api was created or removed: newapi would refuse to run again")
			}
		})
	}
}
