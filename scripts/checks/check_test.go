package checks_test

import (
	"os"
	"strings"
	"testing"
)

// TestCheckRunsTheLongTests: CI runs the long tests, which make test omits.
func TestCheckRunsTheLongTests(t *testing.T) {
	t.Parallel()
	for file, commands := range map[string][]string{
		"../../.ci/run": {"make check"},
		"../../scripts/check.sh": {
			"scripts/test.sh", "scripts/test.sh long", "scripts/typescript.sh test", "scripts/compat.sh", "parallel >", "(cd scripts/caddy && ", "(cd scripts/deploy && ", "(cd scripts/release && ", "scripts/release-proof.sh ||",
			"scripts/torture.sh -quick", "scripts/fuzz.sh",
		},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range commands {
			if !strings.Contains(strings.ReplaceAll(string(text), "\t", ""), "\n"+command) {
				t.Errorf("%s does not run %s", file, command)
			}
		}
	}
}
