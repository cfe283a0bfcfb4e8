//go:build long

package breaking_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	document = "openapi/openapi.yaml"
	tool     = "scripts/oasdiff/"
)

// edit replaces, in the text of the contract, the first old that follows the first after by new.
type edit struct{ after, old, new string }

// rest, in old, matches any text.
const rest = "…"

func (e edit) apply(t *testing.T, text string) string {
	head, tail, ok := strings.Cut(text, e.after)
	pattern := regexp.MustCompile("(?s)" + strings.ReplaceAll(regexp.QuoteMeta(e.old), rest, ".*?"))
	at := pattern.FindStringIndex(tail)
	if !ok || at == nil {
		t.Fatalf("the contract no longer has %q after %q", e.old, e.after)
	}
	return head + e.after + tail[:at[0]] + e.new + tail[at[1]:]
}

const (
	update = "    pfxRecryptionRequestUpdate:\n"
	entity = "    pfxRecryptionRequest:\n"
	patch  = "    patch:\n"
)

// TestBreakingEdits makes edits that break clients. Each must be reported as the right error.
func TestBreakingEdits(t *testing.T) {
	t.Parallel()
	requireTool(t)
	for name, tt := range map[string]struct {
		edits []edit
		want  string
	}{
		"operation removed":              {[]edit{{"paths:\n", patch + rest + "components:\n", "components:\n"}}, "api-removed-without-deprecation"},
		"path renamed":                   {[]edit{{"paths:\n", "/pfxRecryptionRequests/", "/recryptionRequests/"}}, "api-path-removed-without-deprecation"},
		"operation renamed":              {[]edit{{patch, "updatePfx", "patchPfx"}}, "api-operation-id-removed"},
		"permission changed":             {[]edit{{patch, "[DeviceManagementConfiguration.ReadWrite.All]", "[DeviceManagementConfiguration.Read.All]"}}, "api-security-scope-added"},
		"way to authenticate removed":    {[]edit{{patch, "        - application: [DeviceManagementConfiguration.ReadWrite.All]\n", ""}}, "api-security-removed"},
		"required option added":          {[]edit{{patch, "      parameters:\n", "      parameters:\n        - { name: api-version, in: query, required: true, schema: { type: string } }\n"}}, "new-required-request-parameter"},
		"header made required":           {[]edit{{"    ifMatch:\n", "in: header\n", "in: header\n      required: true\n"}}, "request-parameter-became-required"},
		"header removed":                 {[]edit{{patch, "        - $ref: '#/components/parameters/prefer'\n", ""}}, "request-parameter-removed"},
		"key shortened":                  {[]edit{{"    key:\n", "maxLength: 128", "maxLength: 64"}}, "request-parameter-max-length-decreased"},
		"key narrowed":                   {[]edit{{"    key:\n", "[A-Za-z0-9._~-]*$", "[A-Za-z0-9]*$"}}, "request-parameter-pattern-changed"},
		"media type removed":             {[]edit{{patch, "          application/merge-patch+json:\n" + rest + "      responses:", "      responses:"}}, "request-body-media-type-removed"},
		"member of a request removed":    {[]edit{{update, "        status: " + rest + "\n", ""}}, "request-property-removed"},
		"member of a request required":   {[]edit{{update, "additionalProperties: false\n", "additionalProperties: false\n      required: [status]\n"}}, "request-property-became-required"},
		"null refused":                   {[]edit{{"    text:\n", "      nullable: true\n", ""}}, "request-property-became-not-nullable"},
		"text shortened":                 {[]edit{{"    text:\n", "maxLength: 1024", "maxLength: 1000"}}, "request-property-max-length-decreased"},
		"text narrowed":                  {[]edit{{"    text:\n", `[^\x00]`, `[^\x00-\x1f]`}}, "request-property-pattern-changed"},
		"number narrowed":                {[]edit{{"    int32:\n", "minimum: -2147483648", "minimum: 0"}}, "request-property-min-increased"},
		"enum value replaced":            {[]edit{{"    odataType:\n", "pfxRecryptionRequest'", "pfxRecryptionRequest2'"}}, "request-property-enum-value-removed"},
		"type changed":                   {[]edit{{"    boolean:\n", "type: boolean", "type: string"}}, "request-property-type-changed"},
		"format changed":                 {[]edit{{"    int32:\n", "edm-int32", "int64"}}, "request-property-type-changed"},
		"success status removed":         {[]edit{{patch, "        '200':\n" + rest + "        '204':", "        '204':"}}, "response-success-status-removed"},
		"error status removed":           {[]edit{{patch, "        '404': " + rest + "\n", ""}}, "response-non-success-status-removed"},
		"response media type changed":    {[]edit{{"        '200':\n", "            application/json:", "            application/xml:"}}, "response-media-type-removed"},
		"response header removed":        {[]edit{{"        '200':\n", "            ETag: " + rest + "\n", ""}}, "optional-response-header-removed"},
		"response member removed":        {[]edit{{entity, "        - status\n", ""}, {entity, "        status: " + rest + "\n", ""}}, "response-required-property-removed"},
		"response member optional":       {[]edit{{entity, "        - status\n", ""}}, "response-property-became-optional"},
		"response member nullable":       {[]edit{{"    int32:\n", "edm-int32\n", "edm-int32\n      nullable: true\n"}}, "response-property-became-nullable"},
		"details of an error removed":    {[]edit{{"    error:\n", "            details:\n" + rest + "            innerError:", "            innerError:"}}, "response-optional-property-removed"},
		"code of an error optional":      {[]edit{{"    error:\n", "required: [code, message,", "required: [message,"}}, "response-property-became-optional"},
		"form of a response's date free": {[]edit{{"    innerError:\n", "          pattern: '^[0-9]{4}-" + rest + "'\n", "          pattern: '^.+$'\n"}}, "response-property-pattern-changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, exit := compare(t, "breaking.sh", tt.edits)
			if exit != 1 || !regexp.MustCompile(`(?m)^error\s+\[`+tt.want+`\]`).MatchString(out) {
				t.Errorf("got exit code %d, want 1 and the error %s:\n%s", exit, tt.want, out)
			}
		})
	}
}

// TestHarmlessEdits makes edits that must pass.
func TestHarmlessEdits(t *testing.T) {
	t.Parallel()
	requireTool(t)
	for name, edits := range map[string][]edit{
		"none":                  nil,
		"description":           {{patch, "Changes the members", "Alters the members"}},
		"optional header added": {{patch, "      parameters:\n", "      parameters:\n        - { name: x-trace, in: header, schema: { type: string } }\n"}},
		"member added":          {{update, "      properties:\n", "      properties:\n        note: { type: string }\n"}},
		"header rule removed":   {{"    ifMatch:\n", "        pattern: " + rest + "\n", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, exit := compare(t, "breaking.sh", edits); exit != 0 {
				t.Errorf("got exit code %d, want 0:\n%s", exit, out)
			}
		})
	}
}

// TestUnseenEdits lists edits that break clients but that oasdiff 1.36.0 does not report, so reviewers must find them.
// An edit that a later version reports belongs in TestBreakingEdits.
func TestUnseenEdits(t *testing.T) {
	t.Parallel()
	requireTool(t)
	for name, edits := range map[string][]edit{
		"limit in bytes lowered":      {{"    text:\n", "x-maxBytes: 1024", "x-maxBytes: 512"}},
		"annotations refused":         {{update, "      x-ignore-members: " + rest + "\n", ""}},
		"annotation depth lowered":    {{update, "x-ignore-maxDepth: 8", "x-ignore-maxDepth: 2"}},
		"base path changed":           {{"servers:\n", "/beta", "/v1.0"}},
		"error open to other members": {{"    error:\n", "type: object\n", "type: object\n      additionalProperties: true\n"}},
		"permission removed":          {{"    delegated:\n", "            DeviceManagementConfiguration.Read.All: " + rest + "\n", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, exit := compare(t, "breaking.sh", edits); exit != 0 {
				t.Errorf("oasdiff reports it now, with exit code %d:\n%s", exit, out)
			}
		})
	}
}

func TestChangelogIsForPeople(t *testing.T) {
	t.Parallel()
	requireTool(t)
	out, exit := compare(t, "changelog.sh", []edit{{"    text:\n", "maxLength: 1024", "maxLength: 2048"}})
	for _, want := range []string{"PATCH /pfxRecryptionRequests/{pfxRecryptionRequestsId}", "thumbprint", "`1024`", "`2048`"} {
		if exit != 0 || !strings.Contains(strings.ReplaceAll(out, "'", "`"), want) {
			t.Errorf("got exit code %d and no %s, want it:\n%s", exit, want, out)
		}
	}
}

// TestBaseIsTheLastTag runs the scripts in a new repository: before and after the first tag, and with other tags, a
// newer one without a contract and an older one.
func TestBaseIsTheLastTag(t *testing.T) {
	t.Parallel()
	requireTool(t)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "go.mod"), "module example.test/contract\n")
	for _, name := range []string{"scripts/breaking.sh", "scripts/changelog.sh", tool + "compare.sh", tool + "severity.txt", tool + "go.mod", tool + "go.sum", document} {
		put(t, filepath.Join(dir, name), read(t, filepath.Join("../..", name)))
	}
	in := func(name string, args ...string) (string, int) { return run(t, dir, name, args...) }
	git := func(args ...string) {
		t.Helper()
		if out, exit := in("git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.test", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"}, args...)...); exit != 0 {
			t.Fatalf("git %v: %s", args, out)
		}
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-q", "-m", "contract: begin")
	if out, exit := in("scripts/breaking.sh"); exit != 0 || strings.Count(out, "\n") != 1 || !strings.Contains(out, "no tag") {
		t.Errorf("without a tag: got exit code %d and %q, want 0 and one line", exit, out)
	}
	text := read(t, filepath.Join(dir, document))
	git("tag", "v1.9.0")
	text = edit{"    text:\n", "maxLength: 1024", "maxLength: 1000"}.apply(t, text)
	put(t, filepath.Join(dir, document), text)
	git("commit", "-q", "-am", "contract: narrow")
	git("tag", "v1.10.0-rc.1")
	git("tag", "v1.10.0")
	if out, exit := in("scripts/breaking.sh"); exit != 0 {
		t.Errorf("equal to the last tag: got exit code %d, want 0:\n%s", exit, out)
	}
	git("rm", "-q", "--cached", document)
	git("commit", "-q", "-m", "contract: lose it")
	git("tag", "v1.11.0")
	put(t, filepath.Join(dir, document), edit{"    int32:\n", "minimum: -2147483648", "minimum: 0"}.apply(t, text))
	for script, want := range map[string]int{"breaking.sh": 1, "changelog.sh": 0} {
		out, exit := in("scripts/" + script)
		if exit != want || !strings.Contains(out, "request-property-min-increased") || strings.Contains(out, "axLength") {
			t.Errorf("%s: got exit code %d, want %d and the changes since v1.10.0, not v1.9.0:\n%s", script, exit, want, out)
		}
	}
}

// compare runs a script on the contract and an edited copy, with the tool that oasdiff has built.
func compare(t *testing.T, script string, edits []edit) (string, int) {
	text := read(t, filepath.Join("../..", document))
	for _, e := range edits {
		text = e.apply(t, text)
	}
	revision := filepath.Join(t.TempDir(), "openapi.yaml")
	put(t, revision, text)
	built, err := oasdiff()
	if err != nil {
		t.Fatal(err)
	}
	return runWith(t, append(os.Environ(), "OASDIFF="+built), "../..", "scripts/"+script, document, revision)
}

// oasdiff builds the tool once and returns its path, or the output of go and an error. The tool has its own module,
// which a normal build does not need.
var oasdiff = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "tool", "-modfile="+tool+"go.mod", "-n", "oasdiff")
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
})

// requireTool skips the test if oasdiff cannot be downloaded.
func requireTool(t *testing.T) {
	t.Helper()
	out, err := oasdiff()
	if err == nil {
		return
	}
	offline := regexp.MustCompile(`dial tcp|no such host|module lookup disabled|connection refused|i/o timeout`)
	if os.Getenv("CI") != "true" && offline.MatchString(out) {
		t.Skipf("oasdiff cannot be downloaded:\n%s", out)
	}
	t.Fatalf("oasdiff cannot be built:\n%s", out)
}

// run returns a command's output and exit code.
func run(t *testing.T, dir, name string, args ...string) (string, int) {
	t.Helper()
	return runWith(t, os.Environ(), dir, name, args...)
}

func runWith(t *testing.T, env []string, dir, name string, args ...string) (string, int) {
	t.Helper()
	if strings.HasPrefix(name, "scripts/") {
		name = "./" + name
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out), 0
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}
