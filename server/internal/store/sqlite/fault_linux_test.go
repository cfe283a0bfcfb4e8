package sqlite

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// TestDisk makes the kernel fail the log's writes and syncs: it replaces the log's descriptors by a device.
func TestDisk(t *testing.T) {
	t.Parallel()

	t.Run("failedSyncStopsWriting", func(t *testing.T) {
		t.Parallel()
		path := tempPath(t)
		s := mustOpen(t, Config{Path: path, Readers: 1})
		mustInsert(t, s, "a")
		want := mustIncrement(t, s, "a")
		restore := replaceLog(t, s, "/dev/null") // accepts every write, and has no fsync
		_, err := s.Update(t.Context(), tenant, "a", increment)
		wantKind(t, err, pfx.Unavailable)
		if sqlite.ErrCode(err) != sqlite.ResultIOErrFsync {
			t.Errorf("got %v, want the cause %v", err, sqlite.ResultIOErrFsync)
		}
		restore() // the disk works again: the store must not trust it
		wantStopped(t, s, want)
		check(t, s.Close())
		s = mustOpen(t, Config{Path: path})
		if got, err := s.Get(t.Context(), tenant, "a"); err != nil || *got != *want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		mustIncrement(t, s, "a")
	})

	t.Run("fullDiskHeals", func(t *testing.T) {
		t.Parallel()
		s := mustOpen(t, Config{Path: tempPath(t), Readers: 1})
		want := mustInsert(t, s, "a")
		restore := replaceLog(t, s, "/dev/full")
		for range 3 {
			_, err := s.Update(t.Context(), tenant, "a", increment)
			wantKind(t, err, pfx.Unavailable)
			if sqlite.ErrCode(err) != sqlite.ResultFull {
				t.Errorf("got %v, want the cause %v", err, sqlite.ResultFull)
			}
			restore()
			if got, err := s.Get(t.Context(), tenant, "a"); err != nil || *got != *want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
			want = mustIncrement(t, s, "a")
			restore = replaceLog(t, s, "/dev/full")
		}
		restore()
	})
}

// replaceLog makes s write its log to device until restore is called.
func replaceLog(t *testing.T, s *Store, device string) (restore func()) {
	t.Helper()
	d, err := os.OpenFile(device, os.O_RDWR, 0)
	check(t, err)
	defer d.Close()
	entries, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	var fds []int
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		check(t, err)
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && target == logPath(s) {
			fds = append(fds, fd)
		}
	}
	if len(fds) == 0 {
		t.Fatal("no descriptor of the log")
	}
	saved := map[int]int{}
	for _, fd := range fds {
		kept, err := syscall.Dup(fd)
		check(t, err)
		saved[fd] = kept
		check(t, syscall.Dup3(int(d.Fd()), fd, syscall.O_CLOEXEC))
	}
	return func() {
		for fd, kept := range saved {
			check(t, syscall.Dup3(kept, fd, syscall.O_CLOEXEC))
			check(t, syscall.Close(kept))
		}
	}
}

// TestOpenReadOnly opens files and folders without write permission, as another user if this one may write to all.
func TestOpenReadOnly(t *testing.T) {
	t.Parallel()
	const nobody = 65534
	for name, tt := range map[string]struct {
		file, folder os.FileMode
		exists       bool
		want         string
	}{
		"file":            {0o444, 0o777, true, "it cannot be written: permission denied"},
		"folder":          {0o666, 0o555, true, "its folder cannot be written: permission denied"},
		"both":            {0o444, 0o555, true, "it cannot be written: permission denied"},
		"folderWithoutIt": {0, 0o555, false, "creating the file: permission denied"},
		"secret":          {0, 0o777, true, "it cannot be written: permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("", "pfxr") // other users can reach it, unlike t.TempDir
			check(t, err)
			t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
			self := copySelf(t, dir)
			path := filepath.Join(dir, "data", "pfxr.db")
			check(t, os.Mkdir(filepath.Dir(path), 0o700))
			if tt.exists {
				ours("PRAGMA user_version = 1")(t, path)
				check(t, os.Chmod(path, tt.file))
			}
			check(t, os.Chmod(filepath.Dir(path), tt.folder))
			check(t, os.Chmod(dir, 0o755))
			t.Cleanup(func() { check(t, os.Chmod(filepath.Dir(path), 0o700)) })
			before := ""
			if tt.exists && tt.file != 0 {
				before = contents(t, filepath.Dir(path))
			}

			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), openEnv+"="+path, "GORACE=atexit_sleep_ms=0")
			if os.Geteuid() == 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			}
			out, err := cmd.CombinedOutput()
			check(t, err)
			msg := strings.TrimSuffix(string(out), "\n")
			if !strings.Contains(msg, path) || !strings.Contains(msg, tt.want) || strings.Contains(msg, "\n") {
				t.Errorf("got %q, want one line with the path and %q", msg, tt.want)
			}
			t.Log(msg)
			if before != "" && contents(t, filepath.Dir(path)) != before {
				t.Error("Open changed something")
			}
		})
	}
}

// copySelf copies the test binary into dir. It runs cp: a process that another test starts could inherit a descriptor open
// for writing, and then the copy cannot be executed (https://go.dev/issue/22315).
func copySelf(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	path := filepath.Join(dir, "self")
	check(t, exec.Command("cp", self, path).Run())
	check(t, os.Chmod(path, 0o755))
	return path
}
