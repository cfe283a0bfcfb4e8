//go:build long

package client_test

import (
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
)

// TestManyUpdatesLoseNone tests the promise of the README: each of 32 times PFXR_TEST_TIMES updates adds one. make test-long
// makes 3,200.
func TestManyUpdatesLoseNone(t *testing.T) {
	t.Parallel()
	testUpdatesLoseNone(t, 32, spectest.Setting("PFXR_TEST_TIMES", 25))
}
