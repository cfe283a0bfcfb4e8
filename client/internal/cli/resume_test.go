package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// TestImportAndExportSurviveKills: an import that is killed repeatedly creates each object once, and an export that is
// killed repeatedly writes each object once.
func TestImportAndExportSurviveKills(t *testing.T) {
	t.Parallel()
	testKills(t, 2500, 2)
}

// testKills imports and exports objects objects and kills each command kills times.
func testKills(t *testing.T, objects, kills int) {
	server := pfxtest.Start(t, pfxtest.Config{Seed: []byte("[]")})
	gate := startGate(t, server.URL)
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "out.jsonl")
	want := writeObjects(t, in, objects)

	program := filepath.Join(programtest.Dir(t), "pfxr")
	pfxr := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = append(os.Environ(), "PFXR_SERVER="+gate.url, "PFXR_TOKEN="+server.Token(t, pfxtest.Grant{}), "XDG_CONFIG_HOME="+dir)
		return cmd
	}
	run := func(args ...string) string {
		gate.shut.Store(false)
		defer gate.shut.Store(true)
		text, err := pfxr(args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return string(text)
	}
	for n := range kills {
		gate.killAt(t, pfxr("import", in), in+".import", objects*(n+1)/(kills+1))
	}
	if text := run("import", in); !strings.Contains(text, "Resuming after line") {
		t.Errorf("the import does not resume: %s", text)
	}
	for n := range kills {
		gate.killAt(t, pfxr("export", out), out+".export", objects*(n+1)/(kills+1))
	}
	run("export", out)
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got %d lines, or different ones, want %d", bytes.Count(got, []byte("\n")), objects)
	}
}

// writeObjects writes the objects in the order of their keys and returns them.
func writeObjects(t *testing.T, name string, objects int) []byte {
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

// gate is a proxy in front of a server. While it is shut, it lets only the requests through that killAt allows, so that no
// program can end before it is killed, however fast it is.
type gate struct {
	url     string
	shut    atomic.Bool
	arrived chan chan struct{} // one channel per waiting request
}

func startGate(t *testing.T, server string) *gate {
	t.Helper()
	target, err := url.Parse(strings.TrimSuffix(server, "/beta"))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	proxy := &httputil.ReverseProxy{Transport: transport, ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // the URL of the next page contains it
	}}
	g := &gate{arrived: make(chan chan struct{})}
	g.shut.Store(true)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // only after it does net/http notice that the client is gone
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if g.shut.Load() {
			pass := make(chan struct{})
			select {
			case g.arrived <- pass:
			case <-r.Context().Done(): // the client was killed
				return
			}
			select {
			case <-pass:
			case <-r.Context().Done():
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.Close()
		transport.CloseIdleConnections()
	})
	g.url = s.URL + "/beta"
	return g
}

// killAt runs cmd and kills it once its state file records that many lines. An import writes the file once per second, so
// the gate slows requests down after that many.
func (g *gate) killAt(t *testing.T, cmd *exec.Cmd, state string, lines int) {
	t.Helper()
	known := linesOf(state)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	slow := time.NewTicker(5 * time.Millisecond)
	defer slow.Stop()
	for n := known; ; n++ {
		var pass chan struct{}
		select {
		case pass = <-g.arrived:
		case err := <-ended:
			t.Fatalf("it ended before %d lines: %v", lines, err)
		}
		if linesOf(state) >= lines {
			break
		}
		if n >= lines {
			<-slow.C
		}
		close(pass)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Fatalf("it ended before it was killed at %d lines", lines)
	}
}

// linesOf returns the number of lines that a state file records; 0 without a file.
func linesOf(state string) int {
	var s struct{ Lines int }
	if text, err := os.ReadFile(state); err != nil || json.Unmarshal(text, &s) != nil {
		return 0
	}
	return s.Lines
}
