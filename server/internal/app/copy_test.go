package app_test

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/app"
)

// TestCopyExitCodes: 2 for a usage error, 1 for a failure.
func TestCopyExitCodes(t *testing.T) {
	t.Parallel()
	absent := "sqlite:" + filepath.Join(t.TempDir(), "absent.db")
	for _, tt := range []struct {
		args []string
		want int
	}{
		{nil, 2},
		{[]string{"--from", absent}, 2},
		{[]string{"--to", absent}, 2},
		{[]string{"--from", absent, "--to", absent}, 2},
		{[]string{"--from", absent, "--to", "mysql:x"}, 2},
		{[]string{"--from", "sqlite:", "--to", absent}, 2},
		{[]string{"--from", "postgres://h/d", "--to", "postgres://u@h:5432/d?sslmode=disable"}, 2},
		{[]string{"--from", absent, "--to", "postgres://127.0.0.1:1/d"}, 1},
		{[]string{"--help"}, 0},
	} {
		if got := app.Main(append([]string{"copy"}, tt.args...), io.Discard, io.Discard); got != tt.want {
			t.Errorf("pfxrd copy %v: got %d, want %d", tt.args, got, tt.want)
		}
	}
}
