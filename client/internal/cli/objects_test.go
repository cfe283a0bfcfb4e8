//go:build !race

package cli_test

const objects = 100_000
