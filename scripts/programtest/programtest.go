// Package programtest runs programs for tests like users do: those of this module and others. Ours are built once for a
// whole run of go test, into bin/, without the race detector, before a test measures time.
//
//	server := programtest.Serve(t, programtest.Pfxrd(t, "serve", "--dev"))
package programtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Env is the variable with the folder of already built programs, which scripts/test.sh sets.
const Env = "PFXR_TEST_BIN"

// Dir returns the folder with pfxrd and pfxr.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// built builds under a lock; go build does not touch programs that are up to date.
var built = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv(Env); dir != "" {
		return dir, nil
	}
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("looking for the module: %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(mod)))
	dir := filepath.Join(root, "bin")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, ".lock")).Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	build := exec.Command("go", "build", "-trimpath", "-o", dir+string(filepath.Separator), "./server/cmd/pfxrd", "./client/cmd/pfxr")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the programs: %w\n%s", err, out)
	}
	return dir, nil
})

// Pfxrd returns a command of pfxrd.
func Pfxrd(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	return exec.Command(filepath.Join(Dir(t), "pfxrd"), args...)
}
