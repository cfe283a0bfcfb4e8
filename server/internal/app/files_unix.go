//go:build unix

package app

import "syscall"

// defaultMaxConnections reserves files for the store, the upstream and the admin listener.
func defaultMaxConnections() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return maxMaxConnections
	}
	return int(max(1, min(files.Cur/4*3, maxMaxConnections)))
}
