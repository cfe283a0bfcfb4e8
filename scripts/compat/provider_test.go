package compat

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// provider is an oidc-provider in its own process.
type provider struct {
	t      *testing.T
	issuer string
	in     io.WriteCloser
	out    *bufio.Reader
}

func startProvider(t *testing.T) *provider {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "js/provider.js", pageTenant, "DeviceManagementConfiguration.ReadWrite.All")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // the test's context may have killed it
	})
	p := &provider{t: t, in: in, out: bufio.NewReader(out)}
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	p.issuer = strings.TrimSpace(line)
	return p
}

// tokens sends the provider a command and returns a token of each algorithm, signed by its newest keys.
func (p *provider) tokens(what string) []string {
	p.t.Helper()
	if _, err := io.WriteString(p.in, what+"\n"); err != nil {
		p.t.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	var tokens []string
	if err := json.Unmarshal(line, &tokens); err != nil {
		p.t.Fatal(err)
	}
	return tokens
}

// TestProvider rotates the RS256 and ES256 keys of oidc-provider ten times under 500 requests per second. No valid
// token is refused, and no token of a withdrawn key is accepted after the next fetch, which SIGHUP triggers.
func TestProvider(t *testing.T) {
	t.Parallel()
	const rotations, perSecond, senders = 10, 500, 10
	p := startProvider(t)
	file := filepath.Join(t.TempDir(), "seed.json")
	if err := os.WriteFile(file, seed(t, "sample"), 0o600); err != nil {
		t.Fatal(err)
	}
	origin, process := startServe(t, "--store", "sqlite:"+filepath.Join(t.TempDir(), "pfxr.db"), "--seed", file,
		"--issuer", p.issuer, "--audience", "api://rs256", "--audience", "api://es256")
	transport := &http.Transport{MaxIdleConnsPerHost: 2 * senders}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}

	var newest atomic.Pointer[[]string]
	first := p.tokens("")
	newest.Store(&first)
	var sent, refused atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	pace := rate.NewLimiter(perSecond, perSecond/5) // makes up for busy moments
	var load sync.WaitGroup
	for i := range senders {
		load.Go(func() {
			for pace.Wait(ctx) == nil {
				if got, err := askStatus(t.Context(), client, origin, (*newest.Load())[i%2]); err != nil || got != http.StatusOK {
					t.Logf("a valid token: %d, %v", got, err)
					refused.Add(1)
				}
				sent.Add(1)
			}
		})
	}
	end := sync.OnceFunc(func() {
		stop()
		load.Wait()
	})
	defer end() // also if the test fails
	began, accepted := time.Now(), 0
	old := [][]string{first}
	for range rotations {
		fresh := p.tokens("rotate")
		old = append(old, fresh)
		newest.Store(&fresh)
		for until := sent.Load() + perSecond/2; sent.Load() < until; { // half a second of load
			time.Sleep(time.Millisecond)
		}
		for _, tokens := range old[:max(0, len(old)-2)] {
			for _, token := range tokens {
				if statusOf(t, client, origin, token) == http.StatusOK {
					accepted++
				}
			}
		}
	}
	took := time.Since(began)
	end()

	last := old[len(old)-1]
	p.tokens("withdraw")
	if err := process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for statusOf(t, client, origin, last[0]) == http.StatusOK { // endless if SIGHUP has no effect
		time.Sleep(10 * time.Millisecond)
	}
	for range 100 {
		for _, token := range last {
			if got := statusOf(t, client, origin, token); got != http.StatusUnauthorized {
				accepted++
			}
		}
	}
	t.Logf("%d rotations, %d requests, %.0f per second: %d valid tokens refused, %d withdrawn ones accepted",
		rotations, sent.Load(), float64(sent.Load())/took.Seconds(), refused.Load(), accepted)
	if refused.Load() > 0 || accepted > 0 {
		t.Errorf("%d valid tokens refused, %d withdrawn ones accepted", refused.Load(), accepted)
	}
}
