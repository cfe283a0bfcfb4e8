package sqlite

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
)

// files are a store's files as Open found them, by name. SQLite keeps writing to a file that was removed, moved, or hidden
// by a mount, and reports no error; everything written after that is lost when the process ends.
type files map[string]os.FileInfo

// identify returns the files of the open connections: the database, its write-ahead log, and the index that all processes
// share. SQLite follows a symbolic link and keeps the other two next to its target.
func identify(path string) (files, error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	found := files{}
	for _, name := range []string{path, target, target + "-wal", target + "-shm"} {
		if found[name], err = os.Stat(name); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// check returns an error unless each name still leads to the same file.
func (f files) check() error {
	for name, opened := range f {
		now, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("%s was removed, moved or hidden: %w", name, err)
		}
		if !os.SameFile(opened, now) {
			return fmt.Errorf("%s was replaced by another file", name)
		}
	}
	return nil
}

// checkFiles returns an error with the message msg for the client if the store's files are gone. The store recovers when
// they are back under their names. The writer calls it before a transaction and again before it reports a commit: its calls
// of stat take a few µs, the fsync between them hundreds. A check once a second would let updates of that second be lost.
func (s *Store) checkFiles(msg string) error {
	err := s.files.check()
	if gone := err != nil; gone != s.gone {
		s.gone = gone
		if gone {
			s.log.Error("the store's file is gone: no change is accepted until it is back or the server is restarted", "err", err)
		} else {
			s.log.Info("the store's file is back")
		}
	}
	if err != nil {
		return store.Unavailable(msg, err)
	}
	return nil
}
