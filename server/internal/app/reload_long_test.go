//go:build long

package app

import "testing"

func TestManyReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	testReloadUnderLoad(t, 1000)
}
