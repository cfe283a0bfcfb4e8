//go:build !unix

package app

// defaultMaxConnections returns the maximum: this system does not limit the files of a process.
func defaultMaxConnections() int { return maxMaxConnections }
