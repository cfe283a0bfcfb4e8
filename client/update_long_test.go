//go:build long

package client_test

import "testing"

// TestManyUpdatesLoseNone tests the promise of the README: each of 3,200 updates counts one up.
func TestManyUpdatesLoseNone(t *testing.T) {
	t.Parallel()
	testUpdatesLoseNone(t, 32, 100)
}
