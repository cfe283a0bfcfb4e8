//go:build !linux && !darwin

package sqlite

// writable returns nil: without access(2), SQLite's first write reports the error.
func writable(string) error { return nil }
