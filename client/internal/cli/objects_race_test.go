//go:build race

package cli_test

// The server runs in the test, and the race detector makes it ten times slower.
const objects = 20_000
