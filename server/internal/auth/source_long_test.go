//go:build long

package auth_test

import "testing"

func TestUnknownKidFloodOf100000(t *testing.T) {
	t.Parallel()
	testUnknownKidFlood(t, 100_000)
}
