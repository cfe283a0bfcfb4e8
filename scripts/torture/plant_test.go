//go:build linux

package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMutantsApply: every patch applies, otherwise it proves nothing, and is for a harness.
func TestMutantsApply(t *testing.T) {
	t.Parallel()
	patches, err := filepath.Glob("mutants/*.patch")
	if err != nil || len(patches) == 0 {
		t.Fatalf("no mutants: %v", err)
	}
	for _, patch := range patches {
		name, _, _ := strings.Cut(filepath.Base(patch), "-")
		if !slices.ContainsFunc(harnesses, func(h harness) bool { return h.name == name }) {
			t.Errorf("%s: there is no harness %q", patch, name)
		}
		cmd := exec.CommandContext(t.Context(), "git", "apply", "--check", filepath.Join("scripts/torture", patch))
		cmd.Dir = "../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s does not apply; regenerate the patch: %v: %s", patch, err, out)
		}
	}
}
