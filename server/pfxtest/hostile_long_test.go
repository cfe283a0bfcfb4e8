//go:build long

package pfxtest_test

import (
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
)

// TestManyHostileRequests sends PFXR_TEST_REQUESTS requests; make test-long sends 20,000.
func TestManyHostileRequests(t *testing.T) {
	t.Parallel()
	testHostileRequests(t, spectest.Setting("PFXR_TEST_REQUESTS", 5_000))
}
