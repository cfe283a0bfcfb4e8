//go:build long

package client_test

import "testing"

// TestManyUpdatesLoseNone tests the promise of the README: each of 3,200 updates adds one.
func TestManyUpdatesLoseNone(t *testing.T) {
	t.Parallel()
	testUpdatesLoseNone(t, 32, 100)
}
