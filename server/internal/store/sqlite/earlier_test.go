package sqlite

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

var writeEarlier = flag.Bool("write-earlier", false, "write the file of the present schema version into testdata, if there is none")

// earlier names the file that a release with that schema version has written. It contains storetest.Odd.
func earlier(version int) string { return fmt.Sprintf("testdata/schema-%d.sqlite", version) }

// TestOpensWhatEarlierReleasesWrote opens a file of every schema version, including the current one. When you add a step to
// the schema, add a file of the new version with
//
//	go test -run Earlier ./server/internal/store/sqlite -write-earlier
func TestOpensWhatEarlierReleasesWrote(t *testing.T) {
	t.Parallel()
	if *writeEarlier {
		writeFixture(t, earlier(len(schema.Migrations)))
	}
	for version := 1; version <= len(schema.Migrations); version++ {
		t.Run(fmt.Sprint("schema-", version), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(earlier(version))
			check(t, err)
			path := tempPath(t)
			check(t, os.WriteFile(path, data, 0o600))
			if got := userVersion(t, path); got != version {
				t.Errorf("the file has schema version %d", got)
			}
			storetest.RunEarlier(t, mustOpen(t, Config{Path: path}))
			if got := userVersion(t, path); got != len(schema.Migrations) {
				t.Errorf("got schema version %d after Open, want %d", got, len(schema.Migrations))
			}
		})
	}
}

func writeFixture(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s is there, %v: what a release has written is never written anew", name, err)
	}
	path := tempPath(t)
	s, err := Open(t.Context(), Config{Path: path})
	check(t, err)
	check(t, s.Put(t.Context(), storetest.Odd()))
	check(t, s.Close())
	data, err := os.ReadFile(path)
	check(t, err)
	check(t, os.WriteFile(name, data, 0o644)) // everybody may read it
}

func userVersion(t *testing.T, path string) int {
	t.Helper()
	sc, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	check(t, err)
	c := &conn{Conn: sc}
	text, err := c.text("PRAGMA user_version")
	check(t, err)
	check(t, c.Close())
	var version int
	_, err = fmt.Sscan(text, &version)
	check(t, err)
	return version
}
