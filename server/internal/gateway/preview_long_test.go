//go:build long

package gateway_test

import (
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
)

// TestPreviewOfManyCalls compares PFXR_TEST_CALLS calls with each document and policy; make test-long more than 100,000 in all.
func TestPreviewOfManyCalls(t *testing.T) {
	t.Parallel()
	testPreview(t, spectest.Setting("PFXR_TEST_CALLS", 560))
}
