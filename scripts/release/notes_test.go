package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestNotes: a commit is listed under each of its areas; commits that do not concern users are omitted.
func TestNotes(t *testing.T) {
	t.Parallel()
	got := notes([]string{
		"server, client: tell the commit in version", "store/postgres: share commits", "openapi: add a member", "scripts/loop: add a step", "no area",
		"server/store: keep the audit trail", ".github: say how to release",
	})
	want := "### Contract\n\n- openapi: add a member\n\n" +
		"### Server\n\n- server, client: tell the commit in version\n- server/store: keep the audit trail\n- store/postgres: share commits\n\n" +
		"### Client\n\n- server, client: tell the commit in version\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestInsert: each version has one section, the newest is first, and older ones are unchanged.
func TestInsert(t *testing.T) {
	t.Parallel()
	log := insert(nil, "v0.1.0", "## v0.1.0 – 2026-01-01\n\nThe first release.\n")
	log = insert(log, "v0.2.0", "## v0.2.0 – 2026-02-01\n\nA draft.\n")
	log = insert(log, "v0.2.0", "## v0.2.0 – 2026-02-02\n\n### Server\n\n- server: say more\n")
	want := changelogHead + "\n## v0.2.0 – 2026-02-02\n\n### Server\n\n- server: say more\n\n## v0.1.0 – 2026-01-01\n\nThe first release.\n"
	if string(log) != want {
		t.Errorf("got\n%s\nwant\n%s", log, want)
	}
}

// TestEveryTagIsInTheChangelog: the section is committed before the tag.
func TestEveryTagIsInTheChangelog(t *testing.T) {
	t.Parallel()
	tags, err := git("tag", "--list", "v*", "--merged", "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile("../../" + changelogFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range tags {
		if !bytes.Contains(log, []byte("\n## "+tag+" ")) {
			t.Errorf("%s has no section for %s: make release-notes VERSION=%s", changelogFile, tag, tag)
		}
	}
	if !strings.HasPrefix(string(log), changelogHead) {
		t.Errorf("%s does not begin with the header of `make release-notes`", changelogFile)
	}
}
