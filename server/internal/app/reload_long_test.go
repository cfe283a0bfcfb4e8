//go:build long

package app

import (
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
)

// TestManyReloadsUnderLoad reloads PFXR_TEST_RELOADS times; make test-long 1,000 times.
func TestManyReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	testReloadUnderLoad(t, spectest.Setting("PFXR_TEST_RELOADS", 48))
}
