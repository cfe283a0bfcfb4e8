//go:build long

package upstream

import "testing"

// TestGigabyte is not parallel, as TestManyMegabytes is not.
func TestGigabyte(t *testing.T) { testManyBytes(t, 1<<30) }
