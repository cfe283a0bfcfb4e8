//go:build long

package upstream

import "testing"

// TestGigabyte is not parallel, like TestManyMegabytes.
func TestGigabyte(t *testing.T) { testManyBytes(t, 1<<30) }
