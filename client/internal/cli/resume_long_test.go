//go:build long

package cli_test

import "testing"

// TestImportAndExportOf100000SurviveKills tests the promise of the README.
func TestImportAndExportOf100000SurviveKills(t *testing.T) {
	t.Parallel()
	testKills(t, 100_000, 4)
}
