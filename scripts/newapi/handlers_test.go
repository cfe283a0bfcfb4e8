package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const generatedInterface = `package api

type StrictServerInterface interface {
	// List todos
	// (GET /todos)
	ListTodos(ctx context.Context, request ListTodosRequestObject) (ListTodosResponseObject, error)

	// (DELETE /todos/{id})
	DeleteTodo(ctx context.Context, request DeleteTodoRequestObject) (DeleteTodoResponseObject, error)
}
`

const listStub = `
// List todos
// (GET /todos)
func (h *handlers) ListTodos(ctx context.Context, request api.ListTodosRequestObject) (api.ListTodosResponseObject, error) {
	return nil, strict.ErrNotImplemented
}
`

const deleteStub = `
// (DELETE /todos/{id})
func (h *handlers) DeleteTodo(ctx context.Context, request api.DeleteTodoRequestObject) (api.DeleteTodoResponseObject, error) {
	return nil, strict.ErrNotImplemented
}
`

const imports = `import (
	"context"

	"example.com/todo/api"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)
`

// TestStubs: existing code stays unchanged byte for byte, and missing handlers are appended.
func TestStubs(t *testing.T) {
	t.Parallel()
	// Not in gofmt's style, because newapi must not reformat the user's file.
	const written = "func (h handlers) ListTodos(c context.Context,r api.ListTodosRequestObject) (api.ListTodosResponseObject,error) { return nil,nil }\n"
	tests := []struct {
		name  string
		files map[string]string
		want  string // of handlers.go
		added string
		stale string // the places
	}{
		{"none", nil, "package main\n\n" + imports + listStub + deleteStub, "ListTodos DeleteTodo", ""},
		{
			"one", map[string]string{"handlers.go": "package main\n\n" + imports + "\n" + written},
			"package main\n\n" + imports + "\n" + written + deleteStub, "DeleteTodo", "",
		},
		{
			"one in another file, and no import of strict", map[string]string{"list.go": "package main\n\n" + written, "handlers.go": "// Package main is mine.\npackage main // mine\n\nimport (\n\t\"context\"\n\n\t\"example.com/todo/api\"\n)\n"},
			"// Package main is mine.\npackage main\n\nimport \"github.com/pfxrecryption/pfxrecryption/server/strict\" // mine\n\nimport (\n\t\"context\"\n\n\t\"example.com/todo/api\"\n)\n" + deleteStub, "DeleteTodo", "",
		},
		{
			"one handler too many", map[string]string{"handlers.go": "package main\n\n" + imports + listStub + deleteStub + strings.ReplaceAll(deleteStub, "DeleteTodo", "GetTodo") + "\nfunc (h *handlers) help(a, b int) {}\n"},
			"package main\n\n" + imports + listStub + deleteStub + strings.ReplaceAll(deleteStub, "DeleteTodo", "GetTodo") + "\nfunc (h *handlers) help(a, b int) {}\n", "", "handlers.go:22:1 GetTodo",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &project{options: &options{dir: t.TempDir(), module: "example.com/todo"}, log: io.Discard}
			var err error
			if p.before, err = takeSnapshot(p.dir); err != nil {
				t.Fatal(err)
			}
			write := func(name, text string) {
				if err := p.write(name, []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			write("api/api.gen.go", generatedInterface)
			for name, text := range tt.files {
				write(name, text)
			}
			added, stale, err := addStubs(p)
			if err != nil {
				t.Fatal(err)
			}
			var places []string
			for _, h := range stale {
				places = append(places, filepath.Base(h.place)+" "+h.name)
			}
			if got := strings.Join(added, " "); got != tt.added {
				t.Errorf("got stubs %q, want %q", got, tt.added)
			}
			if got := strings.Join(places, " "); got != tt.stale {
				t.Errorf("got stale handlers %q, want %q", got, tt.stale)
			}
			got, err := os.ReadFile(p.path("handlers.go"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("handlers.go (-want +got):\n%s", diff)
			}
		})
	}
}
