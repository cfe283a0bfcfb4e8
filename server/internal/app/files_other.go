//go:build !unix

package app

// defaultMaxConnections is the most: the system does not bound the files of a process.
func defaultMaxConnections() int { return maxMaxConnections }
