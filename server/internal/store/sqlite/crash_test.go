package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

// crashEnv makes the test binary the process that is killed. Its value is the path of the store.
const crashEnv = "PFXR_TEST_CRASH"

const crashObjects = 8

// updateUntilKilled changes every request in a loop and prints each acknowledged version. The strings are so long that a
// request covers several pages, of which a crash could keep some.
func updateUntilKilled(path string) {
	ctx := context.Background()
	s, err := Open(ctx, Config{Path: path, Readers: 1})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, err = s.do(ctx, func(*conn, *job) error {
		s.logTarget, s.logLimit = 32, 32 // pages: overwrites the log a few times before the kill
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var mu sync.Mutex
	report := func(r *pfx.Request) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf("%s %d\n", r.ID, r.Version)
	}
	for n := range crashObjects {
		id := fmt.Sprint(n)
		first := storetest.Request(tenant, id)
		_ = step(&first)
		r, err := s.Insert(ctx, first)
		if e, ok := errors.AsType[*pfx.Error](err); ok && e.Kind == pfx.Exists {
			r, err = s.Get(ctx, tenant, id)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		report(r)
		go func() {
			for {
				r, err := s.Update(ctx, tenant, id, step)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				report(r)
			}
		}()
	}
	select {}
}

// step changes several members to values that belong together.
func step(r *pfx.Request) error {
	r.Status++
	r.SourceType = r.Status
	text := edm.Value(strings.Repeat(string('a'+r.Status%26), 1024))
	r.Thumbprint, r.DeviceKeyThumbprint, r.ETag = text, text, text
	return nil
}

// TestCrash repeatedly kills a process that updates, and looks for every update that was acknowledged.
func TestCrash(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	acked := map[string]pfx.Version{}
	total := 0
	for range 10 {
		total += crash(t, path, acked)
		s, err := Open(t.Context(), Config{Path: path})
		check(t, err)
		for id, version := range acked {
			got, err := s.Get(t.Context(), tenant, id)
			if err != nil {
				t.Fatalf("request %s, version %d answered: %v", id, version, err)
			}
			if got.Version < version {
				t.Errorf("request %s: got version %d, %d fewer than was answered", id, got.Version, version-got.Version)
			}
			if got.Thumbprint != got.ETag || got.Thumbprint != got.DeviceKeyThumbprint || got.Status != got.SourceType {
				t.Errorf("request %s: got half of an update: %+v", id, got)
			}
		}
		if got, err := s.writer.text("PRAGMA integrity_check"); err != nil || got != "ok" {
			t.Errorf("got %q, %v, want an intact file", got, err)
		}
		check(t, s.Close())
	}
	if total < 10*crashObjects {
		t.Errorf("got %d answered updates, want enough to tell", total)
	}
	t.Logf("%d updates answered", total)
}

// crash runs the process and kills it at a random moment. It stores in acked the last version printed for each request, and
// returns how many versions were printed.
func crash(t *testing.T, path string, acked map[string]pfx.Version) int {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	var kill *time.Timer
	lines := 0
	in := bufio.NewReader(stdout)
	for {
		line, err := in.ReadString('\n')
		if err != nil { // also a line that the kill has truncated
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			break
		}
		var id string
		var version pfx.Version
		if _, err := fmt.Sscan(line, &id, &version); err != nil {
			t.Fatalf("reading %q: %v", line, err)
		}
		acked[id] = max(acked[id], version)
		lines++
		if lines == crashObjects { // updates are in progress
			kill = time.AfterFunc(rand.N(60*time.Millisecond), func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait() // killed
	if kill == nil || stderr.Len() > 0 {
		t.Fatalf("the process ended by itself after %d lines: %s", lines, stderr.String())
	}
	kill.Stop()
	return lines
}
