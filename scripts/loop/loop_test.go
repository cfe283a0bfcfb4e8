//go:build long

package loop_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
	"go.uber.org/goleak"
	"golang.org/x/tools/txtar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAddAnOperation follows the steps of CONTRIBUTING in a copy of the repository. It fails if CONTRIBUTING words a
// step differently.
func TestAddAnOperation(t *testing.T) {
	t.Parallel()
	c := copyRepository(t)
	steps := []struct {
		names []string // words that the step in CONTRIBUTING must contain
		do    func(t *testing.T, c *repository)
	}{
		{[]string{"`openapi/openapi.yaml`"}, editContract},
		{[]string{"`openapi/overlay.yaml`"}, nameInGo},
		{[]string{"`make generate`", "`go build ./server/...`", "missing method"}, generate},
		{[]string{"`server/internal/api`", "`server/internal/pfx`"}, fillIn},
		{[]string{"`server/pfxtest/testdata/wire`", "`go test -run Wire ./server/pfxtest -update`"}, writeWireCase},
		{[]string{"`make check`", "`pfxrd serve --dev`", "`pfxrd token`"}, callIt},
	}
	written := stepsOf(t, "../../.github/CONTRIBUTING.md", "## Add an operation\n")
	if len(written) != len(steps) {
		t.Fatalf("CONTRIBUTING has %d steps, the test %d", len(written), len(steps))
	}
	for i, s := range steps {
		for _, name := range s.names {
			if !strings.Contains(written[i], name) {
				t.Errorf("step %d of CONTRIBUTING does not mention %s:\n%s", i+1, name, written[i])
			}
		}
		if s.do(t, c); t.Failed() {
			t.Fatalf("step %d of CONTRIBUTING does not lead to the next:\n%s", i+1, written[i])
		}
	}
}

// stepsOf returns the items of the numbered list below a heading of a Markdown file, with line breaks as spaces.
func stepsOf(t *testing.T, file, heading string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), heading)
	section, _, _ = strings.Cut(section, "\n## ")
	items := regexp.MustCompile(`(?m)^[0-9]\. .*(\n   .*)*`).FindAllString(section, -1)
	for i := range items {
		items[i] = strings.Join(strings.Fields(items[i]), " ")
	}
	return items
}

func editContract(t *testing.T, c *repository) { c.write(t, "openapi/openapi.yaml") }

func nameInGo(t *testing.T, c *repository) { c.write(t, "openapi/overlay.yaml") }

// generate checks that the compiler reports the missing handler.
func generate(t *testing.T, c *repository) {
	if out, err := c.run(t, "make", "generate"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := c.run(t, "go", "build", "./server/...")
	if err == nil {
		t.Fatal("the server compiles without the handler of an operation")
	}
	for _, want := range []string{"# github.com/pfxrecryption/pfxrecryption/server/internal/api\n", "(missing method SetPfxRecryptionRequestStatus)"} {
		if !strings.Contains(out, want) {
			t.Errorf("the compiler does not report %q:\n%s", want, out)
		}
	}
}

func fillIn(t *testing.T, c *repository) {
	c.write(t, "server/internal/")
	if out, err := c.run(t, "go", "vet", "./server/internal/api", "./server/internal/pfx"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// writeWireCase records the responses of the case, checks them, and runs it.
func writeWireCase(t *testing.T, c *repository) {
	text, err := os.ReadFile("testdata/set-status.txt")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.dir, "server/pfxtest/testdata/wire/set-status.txt")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	test := []string{"test", "-vet=off", "-run", "Wire/cases/set-status$", "./server/pfxtest"}
	for _, args := range [][]string{append(test, "-update"), test} {
		if out, err := c.run(t, "go", args...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, wants := range [][]string{
		{"HTTP/1.1 200 OK\n", `"status":7,`},
		{"HTTP/1.1 400 Bad Request\n", `"target":"/status"`},
	} {
		for _, want := range wants {
			if got := string(archive.Files[2*i+1].Data); !strings.Contains(got, want) {
				t.Errorf("response %d lacks %q:\n%s", i+1, want, got)
			}
		}
	}
}

// callIt replaces make check, which would run this test again, and calls the operation over HTTP.
func callIt(t *testing.T, c *repository) {
	pfxrd := filepath.Join(t.TempDir(), "pfxrd")
	if out, err := c.run(t, "go", "build", "-o", pfxrd, "./server/cmd/pfxrd"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	url := programtest.Serve(t, exec.Command(pfxrd, "serve", "--dev", "--admin-listen", "", "--store", "sqlite:"+filepath.Join(t.TempDir(), "pfxr.db"))).URL
	token, err := exec.CommandContext(t.Context(), pfxrd, "token", "--server", strings.TrimSuffix(url, "/beta")).Output()
	if err != nil {
		t.Fatal(err)
	}
	authorization := "Bearer " + strings.TrimSpace(string(token))
	for _, tt := range []struct {
		name, authorization, query, body string
		status                           int
	}{
		{"a valid call", authorization, "", `{"status":7}`, http.StatusOK},
		{"without a token", "", "", `{"status":8}`, http.StatusUnauthorized},
		{"an unknown query option", authorization, "?$top=1", `{"status":8}`, http.StatusBadRequest},
		{"a duplicate member", authorization, "", `{"status":8,"status":8}`, http.StatusBadRequest},
		{"an unknown member", authorization, "", `{"status":8,"statuses":8}`, http.StatusBadRequest},
	} {
		status, body := post(t, url+"/pfxRecryptionRequests/sample/setStatus"+tt.query, tt.authorization, tt.body)
		if status != tt.status {
			t.Errorf("%s: got %d, want %d: %s", tt.name, status, tt.status, body)
		}
		var entity struct {
			ID     string
			Status int32
		}
		if err := json.Unmarshal(body, &entity); err != nil {
			t.Errorf("%s: %v: %s", tt.name, err, body)
		}
		if tt.status == http.StatusOK && (entity.ID != "sample" || entity.Status != 7) {
			t.Errorf("%s: got %s, want the object sample with status 7", tt.name, body)
		}
	}
}

func post(t *testing.T, url, authorization, body string) (int, []byte) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	r.Close = true // leaves no idle connection
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// repository is a copy of this one, with the parts that a developer adds.
type repository struct {
	dir   string
	parts []txtar.File
}

// copyRepository copies the files that git tracks or would track.
func copyRepository(t *testing.T) *repository {
	archive, err := txtar.ParseFile("testdata/operation.txtar")
	if err != nil {
		t.Fatal(err)
	}
	c := &repository{t.TempDir(), archive.Files}
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "-co", "--exclude-standard")
	list.Dir = "../.."
	names, err := list.Output()
	if err != nil {
		t.Fatalf("this test needs a git checkout: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		from, to := filepath.Join("../..", name), filepath.Join(c.dir, name)
		info, err := os.Lstat(from)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue // deleted, but still tracked by git
		}
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, content, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// write writes the parts whose name begins with prefix. There must be at least one.
func (c *repository) write(t *testing.T, prefix string) {
	wrote := false
	for _, part := range c.parts {
		if !strings.HasPrefix(part.Name, prefix) {
			continue
		}
		wrote = true
		name, line, insert := strings.Cut(part.Name, "@")
		file, content := filepath.Join(c.dir, name), part.Data
		if insert {
			content = insertAfter(t, file, line, part.Data)
		} else if _, err := os.Stat(file); err == nil {
			t.Fatalf("%s exists: the contract must not have the operation of this test", name)
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !wrote {
		t.Fatalf("no part for %s", prefix)
	}
}

// insertAfter returns the file's content with text inserted after the first line that equals line, without surrounding
// space.
func insertAfter(t *testing.T, file, line string, text []byte) []byte {
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(strings.TrimSpace(line)) + `\n`).FindIndex(content)
	if at == nil {
		t.Fatalf("%s no longer has the line %q", file, line)
	}
	return []byte(string(content[:at[1]]) + string(text) + string(content[at[1]:]))
}

// run runs a command at the top of the copy and returns its output.
func (c *repository) run(t *testing.T, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = c.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
