package checks_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// maxREADME is the most lines of the README, so that it stays readable.
const maxREADME = 150

// TestREADME runs the command blocks of the README.
func TestREADME(t *testing.T) {
	t.Parallel()
	readme := page(t, "README.md")
	if lines := strings.Count(readme, "\n"); lines > maxREADME {
		t.Errorf("the README has %d lines, at most %d are allowed", lines, maxREADME)
	}
	runBlocks(t, readme, map[string]func(t *testing.T, block string){
		"make run":      runMakeRun,
		"make test":     func(t *testing.T, _ string) { makeKnows(t, "test") }, // this test is part of it
		"pfxrd gateway": runGateway,
		"go run":        isOnItsPage,

		"export PFXR_TOKEN=$(pfxrd": runClient,
	})
	for target := range strings.SplitSeq("demo check help generate", " ") {
		makeKnows(t, target)
	}
}

// TestRunning runs the command blocks of the page about running pfxrd.
func TestRunning(t *testing.T) {
	t.Parallel()
	runBlocks(t, page(t, ".github/RUNNING.md"), map[string]func(t *testing.T, block string){
		"pfxrd serve": runServe, "pfxrd gateway": runGateway,
	})
}

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// runBlocks runs the command blocks of a page, each with the runner for its first two words. A new block needs a
// runner.
func runBlocks(t *testing.T, text string, runners map[string]func(t *testing.T, block string)) {
	t.Helper()
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(text, -1)
	if len(blocks) != len(runners) {
		t.Errorf("the page has %d command blocks, but the test runs %d", len(blocks), len(runners))
	}
	for _, b := range blocks {
		words := strings.Fields(b[1])
		run := runners[strings.Join(words[:2], " ")]
		if run == nil {
			t.Errorf("no test runs this block:\n%s", b[1])
			continue
		}
		t.Run(strings.Join(words[:2], "_"), func(t *testing.T) {
			t.Parallel()
			run(t, b[1])
		})
	}
}

// TestLinks: each link to a file of the repository leads to an existing file.
func TestLinks(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../.github/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(pages, "../../README.md", "../../client/README.md", "../../server/LIMITS.md", "../../openapi/DIVERGENCES.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), link[1])); err != nil {
				t.Errorf("%s links to %s, which does not exist", filepath.Base(name), link[1])
			}
		}
	}
}

func makeKnows(t *testing.T, target string) {
	cmd := exec.CommandContext(t.Context(), "make", "-n", target)
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("make %s: %v\n%s", target, err, out)
	}
}

// isOnItsPage checks that OWN_API.md has the same block; the test of scripts/newapi runs that page's blocks.
func isOnItsPage(t *testing.T, block string) {
	if !strings.Contains(page(t, ".github/OWN_API.md"), "```sh\n"+block+"```") {
		t.Errorf(".github/OWN_API.md does not have the block\n%s", block)
	}
}

// runMakeRun runs make run, executes the line that it prints, and interrupts it.
func runMakeRun(t *testing.T, block string) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is needed to run the printed line")
	}
	programtest.Dir(t) // built before, so that make run does not replace what other tests run
	server := start(t, block, "PFXR_LISTEN=127.0.0.1:0", "PFXR_ADMIN_LISTEN=127.0.0.1:0",
		"PFXR_STORE=sqlite:"+filepath.Join(t.TempDir(), "pfxr.db"))
	line := server.waitFor(t, regexp.MustCompile(`^curl .*`))
	out, err := exec.CommandContext(t.Context(), "sh", "-c", line).Output()
	if err != nil {
		t.Fatalf("the printed line failed: %v\n%s", err, line)
	}
	head, body, _ := strings.Cut(string(out), "\r\n\r\n")
	if !strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") {
		t.Fatalf("the printed line got the response\n%s", out)
	}
	actual := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(actual, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	compare := exec.CommandContext(t.Context(), "go", "run", "./scripts/sameentity", "openapi/examples/update-response.json", actual)
	compare.Dir = "../.."
	if out, err := compare.CombinedOutput(); err != nil {
		t.Errorf("the response is not the page's: %v\n%s", err, out)
	}
	server.stop(t)
}

// runServe runs the block for a real deployment with temporary paths and a free port.
func runServe(t *testing.T, block string) {
	dir := t.TempDir()
	writeCertificate(t, dir)
	block = strings.NewReplacer(
		"pfxrd serve", "exec "+filepath.Join(programtest.Dir(t), "pfxrd")+" serve --admin-listen 127.0.0.1:0", "0.0.0.0:8443", "127.0.0.1:0",
		"/var/lib/pfxr", dir, "cert.pem", filepath.Join(dir, "cert.pem"), "key.pem", filepath.Join(dir, "key.pem"),
	).Replace(block)
	server := start(t, block)
	server.waitFor(t, regexp.MustCompile(`"msg":"serving","url":"https://127`))
	server.stop(t)
}

// runGateway runs a block of the gateway in front of a server: as written, and without monitor mode.
func runGateway(t *testing.T, block string) {
	enforcing, watches := strings.CutSuffix(strings.TrimSpace(block), " --requests monitor")
	if watches {
		sendInvalid(t, block, http.StatusUnauthorized, "Access token is empty.") // by the server
	}
	sendInvalid(t, enforcing, http.StatusBadRequest, "'colour'")
}

// sendInvalid runs a gateway with the policy of the page and sends an invalid request without a token.
func sendInvalid(t *testing.T, block string, status int, text string) {
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	yaml := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindStringSubmatch(page(t, ".github/RUNNING.md"))[1]
	if err := os.WriteFile(policy, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	server := pfxtest.Start(t, pfxtest.Config{})
	block = strings.NewReplacer(
		"pfxrd gateway", "exec "+filepath.Join(programtest.Dir(t), "pfxrd")+" gateway --admin-listen 127.0.0.1:0 --policy "+policy, "127.0.0.1:8090", "127.0.0.1:0",
		"http://127.0.0.1:8080", strings.TrimSuffix(server.URL, "/beta"),
	).Replace(block)
	gateway := start(t, block)
	line := gateway.waitFor(t, regexp.MustCompile(`"msg":"serving"`))
	url := regexp.MustCompile(`"url":"([^"]*)"`).FindStringSubmatch(line)[1]
	resp, err := http.Get(url + "/beta/pfxRecryptionRequests?colour=red")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != status || !strings.Contains(string(body), text) {
		t.Errorf("the gateway responded with %s, %v\n%s", resp.Status, err, body)
	}
	gateway.waitFor(t, regexp.MustCompile(`"msg":"violation".*"keyword":"additionalProperties"`))
	http.DefaultClient.CloseIdleConnections()
	gateway.stop(t)
}

// runClient runs the block of the command line on a server with the page's example.
func runClient(t *testing.T, block string) {
	run := exec.CommandContext(t.Context(), "sh", "-euxc", block)
	run.Dir = t.TempDir()
	run.Env = append(os.Environ(), "PATH="+programtest.Dir(t)+":"+os.Getenv("PATH"), "PFXR_SERVER="+pfxtest.Start(t, pfxtest.Config{}).URL, "XDG_CONFIG_HOME="+run.Dir)
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "1 objects written") || !strings.Contains(string(out), "0 objects written, 1 existed") {
		t.Errorf("%v\n%s", err, out)
	}
}

func writeCertificate(t *testing.T, dir string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// process is a shell that runs a block, with its child processes.
type process struct {
	cmd   *exec.Cmd
	lines chan string
	seen  bytes.Buffer
}

func start(t *testing.T, block string, env ...string) *process {
	cmd := exec.Command("sh", "-c", block)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, lines: make(chan string)}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // an early end of the test kills the process
		w.Close()
		close(ended)
	}()
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // already gone if the test passed
		for range p.lines {                                 // lets the process write until it ends
		}
		<-ended
	})
	return p
}

func (p *process) waitFor(t *testing.T, pattern *regexp.Regexp) string {
	for line := range p.lines {
		p.seen.WriteString(line + "\n")
		if pattern.MatchString(line) {
			return line
		}
	}
	t.Fatalf("no line matches %s:\n%s", pattern, &p.seen)
	return ""
}

// stop interrupts the process as Ctrl-C does and expects it to drain.
func (p *process) stop(t *testing.T) {
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	p.waitFor(t, regexp.MustCompile(`"msg":"drained"`))
}
