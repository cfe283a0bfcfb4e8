package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// notesCommand writes the section of a version into the changelog. A second run replaces the section.
type notesCommand struct {
	Version string `arg:"" help:"The version to be tagged, such as v0.1.0."`
}

const changelogFile = ".github/CHANGELOG.md"

const changelogHead = `# Changes

` + "`make release-notes`" + ` writes this file from the subjects of the commits on the contract, the server, the client and the packages. It
leaves out tests, scripts and this folder. ` + "`make changelog`" + ` compares the contracts themselves.
`

var versionForm = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// Run writes the section above those of earlier versions.
func (c *notesCommand) Run() error {
	if !versionForm.MatchString(c.Version) {
		return fmt.Errorf("%q is not a version such as v0.1.0", c.Version)
	}
	current, err := os.ReadFile(changelogFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	last, err := git("tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname")
	if err != nil {
		return err
	}
	text := "The first release.\n"
	if len(last) > 0 {
		subjects, err := git("log", "--no-merges", "--format=%s", last[0]+"..HEAD")
		if err != nil {
			return err
		}
		text = notes(subjects)
	}
	section := fmt.Sprintf("## %s – %s\n\n%s", c.Version, time.Now().UTC().Format(time.DateOnly), text)
	return os.WriteFile(changelogFile, insert(current, c.Version, section), 0o644)
}

// git returns the lines of a command's output.
func git(args ...string) ([]string, error) {
	out, err := exec.Command("git", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' }), nil
}

// parts are the headings of a section, in order, and the folders whose commits they list.
var parts = []struct {
	heading string
	folders []string
}{
	{"Contract", []string{"openapi"}},
	{"Validation", []string{"spec", "validate", "validategen", "pfxvalid"}},
	{"Server", []string{"server", "app", "api", "auth", "store", "pfx", "graph", "odata", "throttle", "faultinject", "pester", "strict", "pfxserver"}},
	{"Gateway and mock", []string{"gateway", "policy", "mock", "pfxgate", "caddy"}},
	{"Client", []string{"client", "pfxr"}},
	{"Packages and tools", []string{"gen", "typescript", "python", "pfxtest", "newapi", "release"}},
}

// notes returns a list of commits for each part.
func notes(subjects []string) string {
	lists := make([][]string, len(parts))
	for _, subject := range subjects {
		for i, p := range parts {
			if slices.ContainsFunc(folders(subject), func(folder string) bool { return slices.Contains(p.folders, folder) }) {
				lists[i] = append(lists[i], subject)
			}
		}
	}
	var b strings.Builder
	for i, list := range lists {
		if len(list) == 0 {
			continue
		}
		slices.Sort(list)
		fmt.Fprintf(&b, "### %s\n\n- %s\n\n", parts[i].heading, strings.Join(list, "\n- "))
	}
	if b.Len() == 0 {
		return "No changes that users see.\n"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// folders returns the first folder of each area in a subject: "server/store, client: …" has two areas.
func folders(subject string) []string {
	areas, _, ok := strings.Cut(subject, ": ")
	if !ok {
		return nil
	}
	var all []string
	for area := range strings.SplitSeq(areas, ",") {
		folder, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(area), "scripts/"), "/")
		all = append(all, folder)
	}
	return all
}

// insert inserts a section above the others, or replaces that of the same version.
func insert(changelog []byte, version, section string) []byte {
	_, sections, _ := bytes.Cut(changelog, []byte("\n## "))
	result := changelogHead + "\n" + section
	for s := range bytes.SplitSeq(sections, []byte("\n## ")) {
		if heading, _, _ := bytes.Cut(s, []byte(" ")); len(s) > 0 && string(heading) != version {
			result += "\n## " + string(s)
		}
	}
	return []byte(result)
}
