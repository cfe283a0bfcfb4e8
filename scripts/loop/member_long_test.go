//go:build long

package loop_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// edit is a change in one place to add a member.
type edit struct {
	name, file string
	change     func(content string) string // "" is a missing file
	missed     []string                    // the command that fails without the edit, after the models are generated
}

// The commands that find a missing edit.
var (
	generateMembers = []string{"run", "./scripts/members"}
	testSelect      = []string{"test", "-vet=off", "-run", "^TestSelectTakesEachMember$", "./server/internal/api"}
	testSQLite      = []string{"test", "-vet=off", "-failfast", "-run", "^TestStore$", "./server/internal/store/sqlite"}
	testPostgres    = []string{"test", "-vet=off", "-failfast", "-run", "^TestStore$", "./server/internal/store/postgres"}
)

// memberEdits add the nullable Edm.Int32 priority.
var memberEdits = func() []edit {
	const document = "openapi/openapi.yaml"
	edits := []edit{
		{"a migration of SQLite", "server/internal/store/sqlite/schema.go", func(content string) string {
			const last = "FROM audit_block, json_each(records) AS record`"
			return strings.Replace(content, last+"}", last+", `\nALTER TABLE request ADD COLUMN priority INTEGER`}", 1)
		}, testSQLite},
		{"a migration of PostgreSQL", "server/internal/store/postgres/migrations/00005_priority.sql", func(string) string {
			return "-- +goose Up\nALTER TABLE request ADD COLUMN priority integer;\n"
		}, testPostgres},
		{"the name for $select", document, func(content string) string {
			return strings.ReplaceAll(content, "|isDeleted|eTag)", "|isDeleted|eTag|priority)")
		}, testSelect},
	}
	for _, schema := range []string{"", "Update", "Create", "Selection"} {
		edits = append(edits, edit{"the property in pfxRecryptionRequest" + schema, document, func(content string) string {
			const last = "        eTag: { $ref: '#/components/schemas/text' }\n"
			before, after, _ := strings.Cut(content, "    pfxRecryptionRequest"+schema+":\n")
			return before + "    pfxRecryptionRequest" + schema + ":\n" + strings.Replace(after, last, last+
				"        priority: { type: integer, format: edm-int32, nullable: true, minimum: -2147483648, maximum: 2147483647 }\n", 1)
		}, generateMembers})
	}
	return edits
}()

// TestAddAMember adds a member in a copy of the repository, as CONTRIBUTING says. The tests of both stores and the
// server then show that it is stored, filtered, selected, copied and recorded. Without any one of the edits, a command
// fails.
func TestAddAMember(t *testing.T) {
	t.Parallel()
	written := stepsOf(t, "../../.github/CONTRIBUTING.md", "## Add a member\n")
	for i, names := range [][]string{
		{"`openapi/openapi.yaml`"}, {"`server/internal/store/postgres/migrations`", "`server/internal/store/sqlite/schema.go`"},
		{"`make generate`"}, {"-write-earlier"}, {"`go test -run Wire ./server/pfxtest -update`"},
	} {
		for _, name := range names {
			if i >= len(written) || !strings.Contains(written[i], name) {
				t.Fatalf("step %d of CONTRIBUTING does not mention %s", i+1, name)
			}
		}
	}
	c := copyRepository(t)
	t.Logf("%d edits in %d files", len(memberEdits), c.edit(t, ""))
	c.mustRun(t, "make", "generate")
	c.compileTests(t, "server/internal/store/postgres", "server/internal/store/sqlite", "server/internal/store/copying",
		"server/internal/pfx", "server/internal/odata", "server/internal/api", "server/pfxtest")
	for _, store := range []string{"server/internal/store/postgres", "server/internal/store/sqlite"} {
		c.test(t, store, "Earlier", "-write-earlier")
		// The other tests of the stores are about connections, faults and limits.
		c.test(t, store, "^Test(Store|Audit|Indexes|OpensWhatEarlierReleasesWrote)$")
	}
	for _, folder := range []string{"server/internal/pfx", "server/internal/odata", "server/internal/api", "server/internal/store/copying"} {
		c.test(t, folder, ".")
	}
	c.callMember(t)
	for _, e := range memberEdits {
		c.edit(t, e.name)
		c.generate(t, e)
		if out, err := c.run(t, "go", e.missed...); err == nil {
			t.Errorf("without %s, go %s passes:\n%s", e.name, strings.Join(e.missed, " "), out)
		} else if !strings.Contains(out, "priority") {
			t.Errorf("without %s, go %s does not name the member:\n%s", e.name, strings.Join(e.missed, " "), out)
		}
	}
}

// generate generates the code that an edit changes, for the command that finds it missing: the validation or the models. The
// edits without such code come first.
func (c *repository) generate(t *testing.T, e edit) {
	switch {
	case slices.Equal(e.missed, generateMembers):
		c.mustRun(t, "go", "tool", "oapi-codegen", "-config", "openapi/pfxapi.yaml", "openapi/openapi.yaml")
	case slices.Equal(e.missed, testSelect):
		c.mustRun(t, "go", "run", "./openapi/validategen", "-spec", "openapi/openapi.yaml", "-models", "./gen/pfxapi", "-package", "pfxvalid",
			"-o", "gen/pfxvalid", "-interface", "./gen/pfxserver", "-server", "gen/pfxhandler")
	}
}

// compileTests compiles the tests of packages, in one run of the go command.
func (c *repository) compileTests(t *testing.T, folders ...string) {
	t.Helper()
	args := []string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", c.tests() + string(filepath.Separator)}
	for _, folder := range folders {
		args = append(args, "./"+folder)
	}
	c.mustRun(t, "go", args...)
}

// tests is the folder of compiled tests.
func (c *repository) tests() string { return filepath.Join(c.dir, "bin") }

// test runs the compiled tests of a package whose names match.
func (c *repository) test(t *testing.T, folder, names string, flags ...string) {
	t.Helper()
	program := filepath.Join(c.tests(), filepath.Base(folder)+".test")
	cmd := exec.CommandContext(t.Context(), program, append([]string{"-test.run", names}, flags...)...)
	cmd.Dir = filepath.Join(c.dir, folder)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the tests %s of %s: %v\n%s", names, folder, err, out)
	}
}

func (c *repository) mustRun(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := c.run(t, name, args...); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// edit applies all edits except the one named without to the repository's files, and returns the number of files.
func (c *repository) edit(t *testing.T, without string) int {
	t.Helper()
	files := map[string]string{}
	for _, e := range memberEdits {
		content, read := files[e.file]
		if !read {
			original, err := os.ReadFile(filepath.Join("../..", e.file))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			content = string(original)
		}
		files[e.file] = content
		if e.name == without {
			continue
		}
		if files[e.file] = e.change(content); files[e.file] == content {
			t.Fatalf("%s changes nothing: %s has changed", e.name, e.file)
		}
	}
	for file, content := range files {
		file = filepath.Join(c.dir, file)
		if content != "" {
			write(t, file, content)
		} else if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	return len(files)
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// callMember uses the member over HTTP, with a SQLite store.
func (c *repository) callMember(t *testing.T) {
	write(t, filepath.Join(c.dir, "server/pfxtest/testdata/wire/member-priority.txt"), `row: merge: only the members sent change; the answer equals what follows
-- request --
PATCH /beta/pfxRecryptionRequests/{{key}} HTTP/1.1
Authorization: Bearer {{token}}
Content-Type: application/json

{"priority":7}
-- response --
-- request --
GET /beta/pfxRecryptionRequests?$filter=priority%20eq%207&$select=id,priority HTTP/1.1
Authorization: Bearer {{token}}

-- response --
-- request --
PATCH /beta/pfxRecryptionRequests/{{key}} HTTP/1.1
Authorization: Bearer {{token}}
Content-Type: application/json

{"priority":null}
-- response --
`)
	c.test(t, "server/pfxtest", "Wire", "-update")
	c.test(t, "server/pfxtest", "Wire")
	content, err := os.ReadFile(filepath.Join(c.dir, "server/pfxtest/testdata/wire/member-priority.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"priority":7}`, `{"@odata.type":"#microsoft.graph.pfxRecryptionRequest","id":"member-priority","priority":7}`, `"priority":null}`} {
		if !strings.Contains(string(content), want) {
			t.Errorf("the responses lack %s:\n%s", want, content)
		}
	}
}
