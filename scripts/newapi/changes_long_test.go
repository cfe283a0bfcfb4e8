//go:build long

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestChangedDocument changes the document of a project: generated code changes, new operations get stubs, handlers
// stay, and a handler without an operation is reported. An invalid document changes nothing.
func TestChangedDocument(t *testing.T) {
	t.Parallel()
	spec := filepath.Join(t.TempDir(), "notes.yaml")
	const document = `openapi: 3.0.3
info: { title: Notes, version: '1' }
paths:
  /notes/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
    get: { operationId: getNote, responses: { '200': { description: A note., content: { application/json: { schema: { $ref: '#/components/schemas/Note' } } } } } }
    delete: { operationId: deleteNote, responses: { '204': { description: Done. } } }
components:
  schemas: { Note: { type: object, properties: { text: { type: string } } } }
`
	writeFile(t, spec, document)
	dir := filepath.Join(t.TempDir(), "notes")
	newapi := func(args ...string) (string, int) {
		var said strings.Builder
		code := run(t.Context(), append(args, "-o", dir), &said)
		return said.String(), code
	}
	if said, code := newapi("-spec", spec, "-module", "example.com/notes"); code != 0 {
		t.Fatal(said)
	}

	// The user has written a handler. The document replaces an operation, and a schema gets the name of a response.
	handlers := filepath.Join(dir, "handlers.go")
	mine := strings.Replace(readFile(t, handlers), "return nil, strict.ErrNotImplemented", "return  api.DeleteNote204Response{},nil // mine", 1)
	writeFile(t, handlers, mine)
	changed := strings.Replace(document, "    get: { operationId: getNote,", "    put: { operationId: putNote, requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Note' } } } },", 1)
	changed = strings.Replace(changed, "responses: { '200': { description: A note., content: { application/json: { schema: { $ref: '#/components/schemas/Note' } } } } } }", "responses: { '404': { $ref: '#/components/responses/Note' } } }", 1)
	changed += "  responses: { Note: { description: None., content: { application/json: { schema: { $ref: '#/components/schemas/Note' } } } } }\n"
	writeFile(t, spec, changed)
	said, code := newapi("-spec", spec, "-module", "example.com/notes")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"stale: " + handlers + ":", "GetNote", "added: a stub for PutNote"} {
		if !strings.Contains(said, want) {
			t.Errorf("got %q, want %q", said, want)
		}
	}
	if got := readFile(t, handlers); !strings.HasPrefix(got, mine) || !strings.Contains(got, "PutNoteRequestObject") {
		t.Errorf("a handler has changed:\n%s", got)
	}
	stale := regexp.MustCompile(`(?s)\n// \(GET /notes/\{id\}\).*?\n}\n`)
	writeFile(t, handlers, stale.ReplaceAllString(readFile(t, handlers), ""))
	runIn(t, dir, "go", "vet", "./...")
	runIn(t, dir, "go", "test", "./...")

	// Going back needs no prepared document.
	writeFile(t, spec, strings.ReplaceAll(changed, "responses/Note", "responses/None"))
	writeFile(t, spec, strings.Replace(readFile(t, spec), "responses: { Note:", "responses: { None:", 1))
	if said, code := newapi("-spec", spec); code != 0 || !strings.Contains(said, "up to date") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if _, err := os.Stat(filepath.Join(dir, "api", preparedDocument)); err == nil || strings.Contains(readFile(t, filepath.Join(dir, "api/generate.go")), preparedDocument) {
		t.Error("the prepared document was not removed")
	}

	before := tree(t, dir)
	writeFile(t, spec, "openapi: 3.0.3\npaths: {/a: {get: {operationId: a, responses: {'200': {$ref: '#/components/responses/None'}}}}}\n")
	if said, code := newapi("-spec", spec); code != 1 || !strings.Contains(said, "None") {
		t.Errorf("a broken document: exit code %d: %s", code, said)
	}
	if tree(t, dir) != before {
		t.Error("a broken document has changed the project")
	}
	writeFile(t, filepath.Join(dir, "notes.yaml"), document)
	if said, code := newapi("-spec", spec); code != 1 || !strings.Contains(said, "was edited in the project") {
		t.Errorf("a document that was edited in the project: exit code %d: %s", code, said)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
