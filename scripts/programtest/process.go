package programtest

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// Process is a program that runs until the test ends.
type Process struct {
	*exec.Cmd
	// Lines are the lines of its standard output and error. The program waits if they are not read.
	Lines <-chan string
}

// Start runs a command until the test ends. It must end on SIGTERM, and not before.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	_ = w.Close() // the program has its own descriptor
	if err != nil {
		_ = r.Close() // nothing was written
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer func() { _ = r.Close() }() // it was only read
		defer close(lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have failed already; Wait reports that
		for range lines {                       // lets it write to the end
		}
		if err := cmd.Wait(); err != nil && !terminated(cmd.ProcessState) {
			t.Errorf("%s did not end well: %v", filepath.Base(cmd.Path), err)
		}
	})
	return &Process{cmd, lines}
}

// terminated reports whether SIGTERM killed a program.
func terminated(s *os.ProcessState) bool {
	status, ok := s.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM
}

// Await returns the next line that matches, and logs those before it.
func (p *Process) Await(t testing.TB, pattern *regexp.Regexp) string {
	t.Helper()
	for line := range p.Lines {
		if pattern.MatchString(line) {
			return line
		}
		t.Log(line)
	}
	t.Fatalf("%s ended without a line that matches %s", filepath.Base(p.Path), pattern)
	return ""
}

// Drop discards the remaining lines.
func (p *Process) Drop() {
	go func() {
		for range p.Lines {
		}
	}()
}

// Served is a pfxrd that serves.
type Served struct {
	URL     string // from its log, with the base path if there is one
	Origin  string // of URL
	Address string // host and port of URL
	Admin   string // the URL of the admin listener, if there is one
	Process *os.Process
}

var serving = regexp.MustCompile(`"msg":"serving"`)

// Serve runs a command of pfxrd on a port of loopback, and waits until it serves. It must drain when the test ends.
func Serve(t testing.TB, cmd *exec.Cmd) Served {
	t.Helper()
	cmd.Args = append(cmd.Args, "--listen", "127.0.0.1:0", "--drain-delay", "0s")
	t.Cleanup(func() { // Start's comes first
		if cmd.ProcessState != nil && !cmd.ProcessState.Success() {
			t.Errorf("pfxrd did not drain: %v", cmd.ProcessState)
		}
	})
	p := Start(t, cmd)
	line := p.Await(t, serving)
	p.Drop()
	var entry struct{ URL, Admin string }
	if err := json.Unmarshal([]byte(line), &entry); err != nil {
		t.Fatalf("reading %s: %v", line, err)
	}
	origin := strings.TrimSuffix(entry.URL, "/beta")
	_, address, _ := strings.Cut(origin, "://")
	return Served{entry.URL, origin, address, entry.Admin, cmd.Process}
}

// SkipWithout skips a test if err is not nil because something is missing. In CI it fails instead.
func SkipWithout(t testing.TB, err error) {
	t.Helper()
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// FreeAddress returns a free loopback address, for programs that cannot report which one they chose.
func FreeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // has accepted no connection
	return l.Addr().String()
}
