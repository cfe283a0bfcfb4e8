//go:build long

package loop_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// edit is what a developer writes in one place to add a member.
type edit struct {
	name, file  string
	before, new string   // the line or the text before it; "" makes the file
	missed      []string // the command that fails without the edit, after the models are generated
}

// The commands that find a missing edit.
var (
	generateMembers = []string{"run", "./scripts/members"}
	testSQLite      = []string{"test", "-run", "^TestStore$", "./server/internal/store/sqlite"}
	testPostgres    = []string{"test", "-run", "^TestStore$", "./server/internal/store/postgres"}
)

// memberEdits add priority, an Edm.Int32 or null.
var memberEdits = func() []edit {
	const document = "openapi/openapi.yaml"
	edits := []edit{
		{"a migration of SQLite", "server/internal/store/sqlite/schema.go", "FROM audit_block, json_each(records) AS record`",
			", `\nALTER TABLE request ADD COLUMN priority INTEGER`", testSQLite},
		{"a migration of PostgreSQL", "server/internal/store/postgres/migrations/00004_priority.sql", "",
			"-- +goose Up\nALTER TABLE request ADD COLUMN priority integer;\n", testPostgres},
	}
	for _, schema := range []string{"", "Update", "Create", "Selection"} {
		edits = append(edits, edit{"the property in pfxRecryptionRequest" + schema, document, "    pfxRecryptionRequest" + schema + ":\n",
			"        priority: { type: integer, format: edm-int32, nullable: true, minimum: -2147483648, maximum: 2147483647 }\n", generateMembers})
	}
	return edits
}()

// TestAddAMember adds a member in a copy of the repository, as CONTRIBUTING says: the tests of both stores and the server
// then show that it is stored, filtered, selected, copied and recorded. Without any one of the edits, something fails.
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
	files := map[string]bool{}
	for _, e := range memberEdits {
		c.apply(t, e)
		files[e.file] = true
	}
	t.Logf("%d edits in %d files", len(memberEdits), len(files))
	c.mustRun(t, "make", "generate")
	stores := []string{"./server/internal/store/postgres", "./server/internal/store/sqlite"}
	c.mustRun(t, "go", "test", "-run", "Earlier", stores[0], stores[1], "-write-earlier")
	c.mustRun(t, "go", append([]string{"test", "./server/internal/pfx", "./server/internal/odata", "./server/internal/api", "./server/internal/store/copying"}, stores...)...)
	c.mustRun(t, "go", "test", "-run", "Wire", "./server/pfxtest", "-update")
	c.callMember(t)
	for _, e := range memberEdits {
		restore := c.revert(t, e)
		models(t, c)
		if out, err := c.run(t, "go", e.missed...); err == nil {
			t.Errorf("without %s, go %s passes:\n%s", e.name, strings.Join(e.missed, " "), out)
		} else if !strings.Contains(out, "priority") {
			t.Errorf("without %s, go %s does not name the member:\n%s", e.name, strings.Join(e.missed, " "), out)
		}
		restore()
	}
}

func models(t *testing.T, c *repository) {
	c.mustRun(t, "go", "tool", "oapi-codegen", "-config", "openapi/pfxapi.yaml", "openapi/openapi.yaml")
}

func (c *repository) mustRun(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := c.run(t, name, args...); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// apply makes an edit. In the document it is the property after the schema's last one.
func (c *repository) apply(t *testing.T, e edit) {
	t.Helper()
	file := filepath.Join(c.dir, e.file)
	if e.before == "" {
		write(t, file, e.new)
		return
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, tail, ok := strings.Cut(string(content), e.before)
	if !ok {
		t.Fatalf("%s has no %q", e.file, e.before)
	}
	head += e.before
	if strings.HasSuffix(e.file, ".yaml") {
		const last = "        eTag: { $ref: '#/components/schemas/text' }\n"
		between, rest, _ := strings.Cut(tail, last)
		head, tail = head+between+last, rest
	}
	write(t, file, head+e.new+tail)
}

// revert takes an edit out and returns what puts it back.
func (c *repository) revert(t *testing.T, e edit) (restore func()) {
	t.Helper()
	file := filepath.Join(c.dir, e.file)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if e.before == "" {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	} else {
		at := strings.Index(string(content), e.before)
		write(t, file, string(content[:at])+strings.Replace(string(content[at:]), e.new, "", 1))
	}
	return func() { write(t, file, string(content)) }
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// callMember uses the member over HTTP, on a file of SQLite.
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
	c.mustRun(t, "go", "test", "-run", "Wire/cases/member-priority$", "./server/pfxtest", "-update")
	c.mustRun(t, "go", "test", "-run", "Wire", "./server/pfxtest")
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
