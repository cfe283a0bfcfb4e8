package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

const kills = 4

// TestImportAndExportSurviveKills: an import that is killed again and again leaves each object there once, and an export
// that is killed writes each of them once.
func TestImportAndExportSurviveKills(t *testing.T) {
	t.Parallel()
	server := pfxtest.Start(t, pfxtest.Config{Seed: []byte("[]")})
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "out.jsonl")
	want := writeObjects(t, in)

	pfxr := func(args ...string) *exec.Cmd {
		program, err := exec.LookPath("pfxr")
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(os.Environ(), "PFXR_SERVER="+server.URL, "PFXR_TOKEN="+server.Token(t, pfxtest.Grant{}), "XDG_CONFIG_HOME="+dir)
		return cmd
	}
	for n := range kills {
		killAt(t, pfxr("import", in), in+".import", objects*(n+1)/(kills+1))
	}
	if text, err := pfxr("import", in).CombinedOutput(); err != nil || !strings.Contains(string(text), "Going on behind line") {
		t.Fatalf("%v: %s", err, text)
	}
	for n := range kills {
		killAt(t, pfxr("export", out), out+".export", objects*(n+1)/(kills+1))
	}
	if text, err := pfxr("export", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d lines came back, or others, want %d", bytes.Count(got, []byte("\n")), objects)
	}
}

// writeObjects writes the objects in the order of their keys and returns them.
func writeObjects(t *testing.T, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	for i := range objects {
		fmt.Fprintf(&b, `{"@odata.type":"#microsoft.graph.pfxRecryptionRequest","id":"k%06d","tenantId":"f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9",`+
			`"userId":"a991071c-071c-a991-1c07-91a91c0791a9","deviceId":"b30de46d-e46d-b30d-6de4-0db36de40db3",`+
			`"profileId":"19ecf6e8-f6e8-19ec-e8f6-ec19e8f6ec19","thumbprint":"t%d","deviceKeyThumbprint":null,"status":%d,`+
			`"sourceType":0,"createdTime":"2017-01-01T00:03Z","lastModifiedTime":"2017-01-01T00:03Z","isDeleted":false,"eTag":null}`+"\n", i, i, i)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// killAt kills cmd when its state says that so many lines are done.
func killAt(t *testing.T, cmd *exec.Cmd, state string, lines int) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case err := <-ended:
			t.Fatalf("it ended before %d lines: %v", lines, err)
		case <-poll.C:
		}
		var s struct{ Lines int }
		if text, err := os.ReadFile(state); err != nil || json.Unmarshal(text, &s) != nil || s.Lines < lines {
			continue
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil {
			t.Fatalf("it ended before it was killed at %d lines", lines)
		}
		return
	}
}
