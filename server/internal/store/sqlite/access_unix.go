//go:build linux || darwin

package sqlite

import (
	"fmt"
	"path/filepath"
	"syscall"
)

// writable returns an error if this process may not write to the file path or to its folder. SQLite would still open the
// file for reading, and leave a log in the folder that the file's owner cannot use.
func writable(path string) error {
	const w, x = 2, 1 // access(2)
	if err := syscall.Access(path, w); err != nil {
		return fmt.Errorf("it cannot be written: %w", err)
	}
	if err := syscall.Access(filepath.Dir(path), w|x); err != nil {
		return fmt.Errorf("its folder cannot be written: %w", err)
	}
	return nil
}
