//go:build long

package cli_test

import (
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
)

// TestImportAndExportOfManySurviveKills does so for PFXR_TEST_OBJECTS objects; make test-long takes 100,000.
func TestImportAndExportOfManySurviveKills(t *testing.T) {
	t.Parallel()
	testKills(t, spectest.Setting("PFXR_TEST_OBJECTS", 5_000), 4)
}
