//go:build long

package app_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/copying"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/sqlite"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

// TestCopyKills ends copies midway, one by SIGTERM and two by SIGKILL, and runs them again until one completes. Then the
// target has every object, byte for byte and with its version.
func TestCopyKills(t *testing.T) {
	t.Parallel()
	file := func(t *testing.T) (string, storetest.CopyStore) {
		path := filepath.Join(t.TempDir(), "pfxr.db")
		s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
		check(t, err)
		return "sqlite:" + path, s
	}
	database := func(t *testing.T) (string, storetest.CopyStore) {
		dsn := postgrestest.Database(t)
		s, err := postgres.Open(t.Context(), postgres.Config{URL: dsn})
		check(t, err)
		return dsn, s
	}
	for name, open := range map[string]struct {
		from, to func(*testing.T) (string, storetest.CopyStore)
	}{"fileToFile": {file, file}, "fileToDatabase": {file, database}, "databaseToFile": {database, file}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, source := open.from(t)
			defer source.Close()
			to, target := open.to(t)
			defer target.Close()
			want := fill(t, source)
			killed := 0
			for n := range 3 {
				sig := syscall.SIGKILL
				if n == 0 {
					sig = syscall.SIGTERM
				}
				if runCopy(t, from, to, target, sig, 3000*(n+1)) {
					killed++
				}
			}
			if killed == 0 {
				t.Error("no copy was ended in its middle")
			}
			if out, err := exec.Command(pfxrd(t), "copy", "--from", from, "--to", to).CombinedOutput(); err != nil {
				t.Fatalf("the last copy: %v: %s", err, out)
			}
			if got := content(t, target); !slices.Equal(got, want) {
				t.Errorf("the target has %d objects, and not the %d of the source", len(got), len(want))
			}
		})
	}
}

// runCopy sends a signal to a copy once its target has enough objects of the last tenant. It reports whether the copy was
// still running.
func runCopy(t *testing.T, from, to string, target pfx.Store, sig syscall.Signal, enough int) bool {
	t.Helper()
	cmd := exec.Command(pfxrd(t), "copy", "--from", from, "--to", to)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	check(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("a copy ended by itself: %v: %s", err, &stderr)
			}
			return false
		case <-look.C:
		}
		n, err := target.Count(t.Context(), lastTenant, nil)
		check(t, err)
		if int(n) < enough {
			continue
		}
		_ = cmd.Process.Signal(sig) // it may have ended just now
		if err := <-ended; err == nil {
			return false
		}
		if code := cmd.ProcessState.ExitCode(); sig == syscall.SIGTERM && (code != 1 || !strings.Contains(stderr.String(), "run it again to resume")) {
			t.Errorf("SIGTERM ended a copy with %d: %s", code, &stderr)
		}
		return true
	}
}

var lastTenant = edm.Guid{0xff, 15: 0xff}

// fill gives a store unusual objects of several tenants, and many of the last one.
func fill(t *testing.T, s copying.Target) []pfx.Request {
	t.Helper()
	all := storetest.Odd()
	for i := range 14_000 {
		r := storetest.Request(lastTenant, fmt.Sprintf("z%06d", i))
		r.Version = pfx.NewVersion()
		all = append(all, r)
	}
	for part := range slices.Chunk(all, 10_000) {
		check(t, s.Put(t.Context(), part))
	}
	slices.SortFunc(all, func(a, b pfx.Request) int { return a.Key().Compare(b.Key()) })
	return all
}

func content(t *testing.T, s copying.Source) []pfx.Request {
	t.Helper()
	var all []pfx.Request
	for r, err := range s.Scan(t.Context(), pfx.Key{}) {
		check(t, err)
		all = append(all, r)
	}
	return all
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
