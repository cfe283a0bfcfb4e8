//go:build long

package pfxtest_test

import "testing"

func TestManyHostileRequests(t *testing.T) {
	t.Parallel()
	testHostileRequests(t, 20_000)
}
