//go:build long && unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

// TestPage runs the command blocks of .github/OWN_API.md on a machine with Go, make and an empty module cache, with a
// released version of this module: for each router, from nothing to an accepted PATCH and a refused one.
func TestPage(t *testing.T) {
	t.Parallel()
	page := readFile(t, "../../.github/OWN_API.md")
	var blocks []string
	for _, match := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(page, -1) {
		blocks = append(blocks, match[1])
	}
	if len(blocks) != 4 {
		t.Fatalf("the page has %d command blocks, but the test runs 4", len(blocks))
	}
	env := machine(t)
	for i, server := range servers {
		if !every && i > 0 {
			continue
		}
		t.Run(server, func(t *testing.T) {
			m := &typist{t, t.TempDir(), env}
			write, serve, _ := strings.Cut(strings.TrimSpace(blocks[0]), "\n")
			m.typed(write + " -server " + server)
			m.patch(serve, blocks[1])
			m.typed("make -C todo test")
			if mod := readFile(t, filepath.Join(m.dir, "todo/go.mod")); strings.Contains(mod, "replace") || !strings.Contains(mod, thisModule+" "+released) {
				t.Errorf("the project does not pin the version of newapi that generated it:\n%s", mod)
			}
			writeFile(t, filepath.Join(m.dir, "openapi.yaml"), readFile(t, "testdata/parcels.yaml"))
			m.typed(strings.Replace(blocks[2], " -spec", " -server "+server+" -spec", 1))
			m.typed(blocks[3])
		})
	}
}

// released is the version of this checkout in the proxy.
const released = "v0.9.0"

// machine returns the environment of a machine with an empty module cache. Its proxies are this checkout as a released
// version, then this machine's module cache, so that only missing modules come from the network.
func machine(t *testing.T) []string {
	t.Helper()
	here, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache, proxies, _ := strings.Cut(strings.TrimSpace(string(here)), "\n")
	proxies = "file://" + proxy(t) + ",file://" + filepath.Join(cache, "cache/download") + "," + proxies
	// The checksum database knows every module but this checkout.
	return append(os.Environ(), "GOMODCACHE="+filepath.Join(t.TempDir(), "cache"), "GOFLAGS=-modcacherw -trimpath", "GOPROXY="+proxies, "GONOSUMDB="+thisModule, "GOWORK=off")
}

// proxy writes a folder for GOPROXY with the files that git tracks or would track.
func proxy(t *testing.T) string {
	t.Helper()
	copied, root := t.TempDir(), t.TempDir()
	dir := filepath.Join(root, thisModule, "@v")
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "-co", "--exclude-standard")
	list.Dir = "../.."
	names, err := list.Output()
	if err != nil {
		t.Fatalf("this test needs a git checkout: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		if info, err := os.Lstat(filepath.Join("../..", name)); err == nil && info.Mode().IsRegular() {
			writeFile(t, filepath.Join(copied, name), readFile(t, filepath.Join("../..", name)))
		}
	}
	writeFile(t, filepath.Join(dir, "list"), released+"\n")
	writeFile(t, filepath.Join(dir, released+".info"), fmt.Sprintf(`{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, released))
	writeFile(t, filepath.Join(dir, released+".mod"), readFile(t, "../../go.mod"))
	f, err := os.Create(filepath.Join(dir, released+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	if err := modzip.CreateFromDir(f, module.Version{Path: thisModule, Version: released}, copied); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return root
}

// typist runs the commands of the page in a folder.
type typist struct {
	*testing.T

	dir string
	env []string
}

func (m *typist) command(block string) *exec.Cmd {
	cmd := exec.CommandContext(m.Context(), "sh", "-eu", "-c", block)
	cmd.Dir, cmd.Env = m.dir, append(m.env, "ADDRESS=127.0.0.1:0")
	return cmd
}

func (m *typist) typed(block string) string {
	m.Helper()
	out, err := m.command(block).CombinedOutput()
	if err != nil {
		m.Fatalf("%s: %v\n%s", block, err, out)
	}
	return string(out)
}

// patch serves the project and sends the page's requests.
func (m *typist) patch(serve, block string) {
	m.Helper()
	cmd := m.command(serve)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		m.Fatal(err)
	}
	urls, drained := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(drained)
		defer close(urls)
		for lines := bufio.NewScanner(reader); lines.Scan(); { // to the end, so that the server can write
			var line struct{ Msg, URL string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				urls <- line.URL
			}
		}
	}()
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) // as Ctrl-C does
		_ = cmd.Wait()                                     // make reports the interrupt
		writer.Close()
		<-drained
	}()
	url := <-urls
	said := m.typed(strings.ReplaceAll(block, "http://127.0.0.1:8080", url))
	for _, want := range []string{"HTTP/1.1 200 OK", `Etag: "2"`, `"done":true`, "HTTP/1.1 400 Bad Request", `"pointer":"#/done"`, `"pointer":"#/colour"`} {
		if !strings.Contains(said, want) {
			m.Errorf("the responses to the page's requests lack %s:\n%s", want, said)
		}
	}
}
