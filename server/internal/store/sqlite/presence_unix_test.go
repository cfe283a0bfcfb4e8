//go:build unix

package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// TestFileGoesAway removes an open store's files. SQLite does not notice: the next update would succeed, and be lost at the
// restart.
func TestFileGoesAway(t *testing.T) {
	t.Parallel()
	rename := func(suffix string) func(*testing.T, string) {
		return func(t *testing.T, path string) { check(t, os.Rename(path+suffix, path+suffix+".away")) }
	}
	for name, take := range map[string]func(*testing.T, string){
		"fileIsMoved":  rename(""),
		"logIsMoved":   rename("-wal"),
		"indexIsMoved": rename("-shm"),
		"folderIsMoved": func(t *testing.T, path string) {
			check(t, os.Rename(filepath.Dir(path), filepath.Dir(path)+".away"))
		},
		"fileIsRemoved": func(t *testing.T, path string) { check(t, os.Remove(path)) },
		"fileIsReplaced": func(t *testing.T, path string) {
			data, err := os.ReadFile(path)
			check(t, err)
			check(t, os.Remove(path))
			check(t, os.WriteFile(path, data, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "folder", "pfxr.db")
			check(t, os.Mkdir(filepath.Dir(path), 0o700))
			s := mustOpen(t, Config{Path: path})
			before := mustInsert(t, s, "a")
			take(t, path)
			_, err := s.Update(t.Context(), tenant, "a", increment)
			wantGone(t, err, path)
			wantGone(t, s.Ready(t.Context()), path)
			if got, err := s.Get(t.Context(), tenant, "a"); err != nil || *got != *before {
				t.Errorf("got %+v, %v, want what was stored before", got, err)
			}
		})
	}

	// A file that comes back, like that of a volume which was unmounted, has every acknowledged update.
	t.Run("andComesBack", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		s := mustOpen(t, Config{Path: path})
		mustInsert(t, s, "a")
		check(t, os.Rename(path, path+".away"))
		_, err := s.Update(t.Context(), tenant, "a", increment)
		wantGone(t, err, path)
		check(t, os.Rename(path+".away", path))
		want := mustIncrement(t, s, "a")
		check(t, s.Ready(t.Context()))
		check(t, s.Close())
		if got, err := mustOpen(t, Config{Path: path}).Get(t.Context(), tenant, "a"); err != nil || *got != *want {
			t.Errorf("got %+v, %v after a restart, want %+v", got, err, want)
		}
	})

	t.Run("whileATransactionIsOpen", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		s := mustOpen(t, Config{Path: path})
		mustInsert(t, s, "a")
		_, err := s.Update(t.Context(), tenant, "a", func(r *pfx.Request) error {
			r.Status++
			return os.Remove(path)
		})
		wantGone(t, err, path)
	})

	t.Run("throughALink", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		link := path + ".link"
		check(t, os.WriteFile(path, nil, 0o600))
		check(t, os.Symlink(path, link))
		s := mustOpen(t, Config{Path: link})
		mustInsert(t, s, "a")
		mustIncrement(t, s, "a")
		check(t, os.Remove(link))
		_, err := s.Update(t.Context(), tenant, "a", increment)
		wantGone(t, err, path)
	})
}

// wantGone expects an error that gives clients the reason and names no path.
func wantGone(t *testing.T, err error, path string) {
	t.Helper()
	wantKind(t, err, pfx.Unavailable)
	if e, ok := errors.AsType[*pfx.Error](err); ok && (!strings.HasPrefix(e.Msg, "The store's file is gone") || strings.Contains(e.Msg, path)) {
		t.Errorf("got message %q, want one that says the file is gone, without its path", e.Msg)
	}
}
