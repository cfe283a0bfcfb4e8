package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/renameio/v2"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/traffic"
)

// lines is a log that announces each line.
type lines struct {
	mu   sync.Mutex
	b    bytes.Buffer
	told chan string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.told <- string(p):
	default: // there is no listener
	}
	return l.b.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// await waits for a line that contains a text.
func (l *lines) await(text string) {
	for line := range l.told {
		if strings.Contains(line, text) {
			return
		}
	}
}

// reloadable is a running gateway whose contract, policy and error form are files.
type reloadable struct {
	*Gateway
	spec, policy, errors string
	log                  *lines
}

func startReloadable(t *testing.T) *reloadable {
	t.Helper()
	dir := t.TempDir()
	r := &reloadable{
		spec: filepath.Join(dir, "openapi.yaml"), policy: filepath.Join(dir, "policy.yaml"), errors: filepath.Join(dir, "errors.tmpl"),
		log: &lines{told: make(chan string, 1000)},
	}
	for name, text := range map[string]string{r.spec: string(openapi.Document), r.policy: refusing, r.errors: houseForm} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(upstream.Close)
	enforce := policy.Enforce
	g, err := OpenGateway(t.Context(), GatewayConfig{
		Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Upstream: upstream.URL, MaxConns: 512, Timeout: time.Hour, MaxResponse: 1 << 20,
		Requests: &enforce, Docs: true, Spec: r.spec, Policy: r.policy, Errors: r.errors,
	}, slog.New(slog.NewJSONHandler(r.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	r.Gateway = g
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- g.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("stopping the gateway: %v", err)
		}
	})
	return r
}

// Policies that treat an unknown member differently, and files that are neither a policy nor a contract.
const (
	refusing = "responses: off\n"
	watching = "{responses: off, requests: {violations: {unknown-member: monitor}}}\n"
	badRules = "requests: log\n"
	badSpec  = "openapi: 3.0.3\npaths: {\n"

	houseForm = "Content-Type: application/vnd.house+json\n\n{\"house\":{{.Status}}}\n"
	otherForm = "Content-Type: application/vnd.other+json\n\n{\"other\":{{.Status}}}\n"
	badForm   = "Content-Type: application/vnd.other+json\n\n{\"other\":{{.Statsu}}}\n"
)

// statusOf sends a body and returns the status of the response.
func (r *reloadable) statusOf(client *http.Client, body string) (int, error) {
	req, err := http.NewRequest(http.MethodPatch, r.URL+"/beta/pfxRecryptionRequests/k", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer x.y.z")
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func (r *reloadable) metric(t *testing.T, name string) string {
	t.Helper()
	resp, err := http.Get(r.AdminURL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func replace(t *testing.T, name, text string) {
	t.Helper()
	if err := renameio.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestReloadUnderLoad reads valid and invalid files in turn under load. No request fails, and invalid files change nothing.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	testReloadUnderLoad(t, 8)
}

func testReloadUnderLoad(t *testing.T, reloads int) {
	r := startReloadable(t)
	var (
		done     = make(chan struct{})
		callers  sync.WaitGroup
		requests atomic.Int64
		start    = time.Now()
	)
	for range 4 {
		callers.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-done:
					return
				default:
				}
				if status, err := r.statusOf(client, `{"status":1}`); err != nil || status != http.StatusNoContent {
					t.Errorf("a valid request: %d, %v", status, err)
					return
				}
				if status, err := r.statusOf(client, `{"status":"x"}`); err != nil || status != http.StatusBadRequest {
					t.Errorf("an invalid request: %d, %v", status, err)
					return
				}
				requests.Add(2)
			}
		})
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	want, failed := http.StatusBadRequest, 0
	for i := range reloads {
		switch i % 4 {
		case 0:
			replace(t, r.policy, watching)
			want = http.StatusNoContent
		case 1:
			replace(t, r.policy, badRules)
		case 2:
			replace(t, r.policy, refusing)
			want = http.StatusBadRequest
		case 3:
			replace(t, r.spec, badSpec)
		}
		r.reload(t.Context(), true)
		good := i%2 == 0
		if !good {
			failed++
		}
		if got := r.metric(t, "pfxr_gateway_last_reload_successful"); got != map[bool]string{true: "1", false: "0"}[good] {
			t.Errorf("reload %d: successful = %s", i, got)
		}
		if got, err := r.statusOf(client, `{"strange":1}`); err != nil || got != want {
			t.Fatalf("reload %d: an unknown member got %d, %v, want %d", i, got, err, want)
		}
		if i%4 == 3 {
			replace(t, r.spec, string(openapi.Document))
		}
	}
	close(done)
	callers.Wait()
	t.Logf("%d reloads, %d of them of invalid files, under %d requests, %s", reloads, failed, requests.Load(), time.Since(start).Round(time.Millisecond))
	if got := r.log.count("not reloaded: the current ones stay in effect"); got < failed {
		t.Errorf("%d lines report %d reloads of invalid files", got, failed)
	}
	// The watcher has also reloaded some of the files.
	var n int
	if _, err := fmt.Sscan(r.metric(t, `pfxr_gateway_reloads_total{result="failed"}`), &n); err != nil || n < failed {
		t.Errorf("%d failed reloads were counted, %v, want %d", n, err, failed)
	}
	if requests.Load() == 0 {
		t.Error("there was no load")
	}
	if got, want := r.traffic.Hour(time.Now()).Counts, int(requests.Load())+reloads; got.Total() != want || got.Outcomes[traffic.Failed] > 0 {
		t.Errorf("after the reloads, the last hour has %+v, want %d requests", got, want)
	}
}

// TestDrainEndsTheLiveView: a page that follows events does not delay the gateway's end.
func TestDrainEndsTheLiveView(t *testing.T) {
	t.Parallel()
	var open *http.Response
	t.Cleanup(func() { _ = open.Body.Close() }) // after the gateway's end
	r := startReloadable(t)
	page, err := http.Get(r.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	if page.StatusCode != http.StatusOK || page.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("the page: %d %v", page.StatusCode, page.Header)
	}
	if open, err = http.Get(r.AdminURL + "/view/events"); err != nil {
		t.Fatal(err)
	}
	if _, err := open.Body.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

// TestReloadOnChange: a file that is rewritten or replaced is reloaded without a signal, even in a folder that changes all
// the time.
func TestReloadOnChange(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*testing.T, string, string){
		"write": func(t *testing.T, name, text string) {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"rename": replace,
		"busy folder": func(t *testing.T, name, text string) {
			stop, stopped := make(chan struct{}), make(chan struct{})
			t.Cleanup(func() { close(stop); <-stopped })
			go func() {
				defer close(stopped)
				for tick := time.NewTicker(settle / 100); ; {
					select {
					case <-stop:
						tick.Stop()
						return
					case <-tick.C:
						_ = os.WriteFile(filepath.Join(filepath.Dir(name), "other.log"), []byte("x"), 0o600)
					}
				}
			}()
			replace(t, name, text)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startReloadable(t)
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			// The response shows that Run has begun; the watcher starts before it.
			if got, err := r.statusOf(client, `{"strange":1}`); err != nil || got != http.StatusBadRequest {
				t.Fatalf("got %d, %v", got, err)
			}
			write(t, r.policy, watching)
			r.log.await(`"msg":"contract and policy reloaded"`)
			if got, err := r.statusOf(client, `{"strange":1}`); err != nil || got != http.StatusNoContent {
				t.Errorf("got %d, %v", got, err)
			}
			replace(t, r.policy, badRules)
			r.log.await("not reloaded: the current ones stay in effect")
			if got, err := r.statusOf(client, `{"strange":1}`); err != nil || got != http.StatusNoContent {
				t.Errorf("after an invalid file: got %d, %v", got, err)
			}
		})
	}
}

// TestReloadThroughLinks: a change of a link's target is noticed, and so is a changed link.
func TestReloadThroughLinks(t *testing.T) {
	t.Parallel()
	r := startReloadable(t)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	if got, err := r.statusOf(client, `{"strange":1}`); err != nil || got != http.StatusBadRequest { // Run has begun
		t.Fatalf("got %d, %v", got, err)
	}
	dir, status := filepath.Dir(r.policy), map[string]int{watching: http.StatusNoContent, refusing: http.StatusBadRequest}
	write := func(name, text string) {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		if err := errors.Join(os.Symlink(target, name+".new"), os.Rename(name+".new", name)); err != nil {
			t.Fatal(err)
		}
	}
	write("a/policy.yaml", watching)
	write("b/policy.yaml", refusing)
	for _, step := range []struct {
		change func()
		policy string
	}{
		{func() { link("a/policy.yaml", r.policy) }, watching},
		{func() { write("a/policy.yaml", refusing) }, refusing},
		{func() { replace(t, filepath.Join(dir, "a", "policy.yaml"), watching) }, watching},
		{func() { link("b/policy.yaml", r.policy) }, refusing},
		{func() { write("b/policy.yaml", watching) }, watching},
		{func() {
			link(filepath.Join(dir, "a", "policy.yaml"), filepath.Join(dir, "b", "next"))
			write("a/policy.yaml", watching+"# a\n")
			link("b/next", r.policy)
		}, watching},
		{func() { write("a/policy.yaml", refusing) }, refusing},
	} {
		step.change()
		r.log.await(`"msg":"contract and policy reloaded"`)
		if got, err := r.statusOf(client, `{"strange":1}`); err != nil || got != status[step.policy] {
			t.Errorf("got %d, %v, want that of %q", got, err, step.policy)
		}
	}
}

// TestReloadErrorForm: the form of errors is reloaded with the contract, and an invalid one changes nothing.
func TestReloadErrorForm(t *testing.T) {
	t.Parallel()
	r := startReloadable(t)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	mediaType := func() string {
		resp, err := client.Get(r.URL + "/nothing")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.Header.Get("Content-Type")
	}
	for _, step := range []struct{ text, log, want string }{
		{"", "", "application/vnd.house+json"},
		{otherForm, `"msg":"contract and policy reloaded"`, "application/vnd.other+json"},
		{badForm, "errors.tmpl:3:11: executing", "application/vnd.other+json"},
	} {
		if step.text != "" {
			replace(t, r.errors, step.text)
			r.log.await(step.log)
		}
		if got := mediaType(); got != step.want {
			t.Errorf("after %q: got %s, want %s", step.text, got, step.want)
		}
	}
}
