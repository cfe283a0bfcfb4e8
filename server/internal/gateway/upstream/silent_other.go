//go:build !unix

package upstream

// isSilent cannot look at a connection without reading from it here.
func isSilent(uintptr) bool { return true }
