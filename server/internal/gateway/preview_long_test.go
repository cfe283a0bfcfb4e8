//go:build long

package gateway_test

import "testing"

// TestPreviewOfManyCalls compares more than 100,000 calls.
func TestPreviewOfManyCalls(t *testing.T) {
	t.Parallel()
	testPreview(t, 2800)
}
