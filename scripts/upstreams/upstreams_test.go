//go:build long

package upstreams_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exchange is a request that gets the same response from a service and through the gateway.
type exchange struct {
	method, target string
	fields         []string
	body           string
}

// modes are the gateway's settings for violations. Exchanges without violations pass in all modes.
var modes = map[string][]string{
	"watched":  {"--requests", "monitor", "--responses", "monitor"},
	"requests": {"--requests", "enforce", "--responses", "monitor"},
	"enforced": {"--requests", "enforce", "--responses", "enforce"},
}

func TestExpress(t *testing.T) {
	t.Parallel()
	upstream := startExpress(t)
	const ofJSON, ofForm = "Content-Type: application/json", "Content-Type: application/x-www-form-urlencoded"
	compareAll(t, upstream, "express", []exchange{
		{"GET", "/items?limit=2", nil, ""},
		{"GET", "/items/a", nil, ""},
		{"HEAD", "/items/a", nil, ""},
		{"GET", "/items/a", []string{`If-None-Match: W/"2d-none"`}, ""},
		{"GET", "/items", []string{"Accept-Encoding: gzip"}, ""},
		{"GET", "/items/none", nil, ""},
		{"POST", "/items", []string{ofJSON}, `{"name":"é","tags":["a"]}`},
		{"PUT", "/items/a", []string{ofJSON}, `{"name":"new"}`},
		{"DELETE", "/items/a", nil, ""},
		{"POST", "/form", []string{ofForm}, "a=1%2C2&b=1&b=2"},
		{"GET", "/cookies", []string{"Cookie: sid=x"}, ""},
		{"GET", "/old", nil, ""},
		{"GET", "/page", nil, ""},
		{"GET", "/long", nil, ""},
		{"GET", "/chunks", nil, ""},
	})
}

// TestConditional: a client with a current copy gets 304 (RFC 9110 §13.1.2).
func TestConditional(t *testing.T) {
	t.Parallel()
	upstream := startExpress(t)
	tag := send(t, upstream, exchange{method: "GET", target: "/items/a"}).Header.Get("ETag")
	compareAll(t, upstream, "express", []exchange{{"GET", "/items/a", []string{"If-None-Match: " + tag}, ""}})
}

func TestPython(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	programtest.SkipWithout(t, err)
	compareAll(t, run(t, python, "testdata/python/server.py", folder(t)), "python", []exchange{
		{"GET", "/", nil, ""},
		{"GET", "/a.txt", nil, ""},
		{"HEAD", "/a.txt", nil, ""},
		{"GET", "/b.json", nil, ""},
		{"GET", "/data.pdf", nil, ""},
		{"GET", "/none", nil, ""},
		{"GET", "/sub", nil, ""},
		{"GET", "/sub/", nil, ""},
	})
}

// TestCaddy sends range and conditional requests to a file server (RFC 9110 §13 and §14).
func TestCaddy(t *testing.T) {
	t.Parallel()
	caddy, err := exec.LookPath("caddy")
	programtest.SkipWithout(t, err)
	upstream := programtest.FreeAddress(t)
	programtest.Start(t, exec.Command(caddy, "file-server", "--root", folder(t), "--listen", upstream)).Drop()
	awaitTCP(t, upstream)
	tag := send(t, upstream, exchange{method: "GET", target: "/a.txt"}).Header.Get("ETag")
	compareAll(t, upstream, "caddy", []exchange{
		{"GET", "/a.txt", nil, ""},
		{"HEAD", "/a.txt", nil, ""},
		{"GET", "/b.json", nil, ""},
		{"GET", "/data.pdf", nil, ""},
		{"GET", "/data.pdf", []string{"Range: bytes=1000-1999"}, ""},
		{"GET", "/data.pdf", []string{"Range: bytes=-10"}, ""},
		{"GET", "/data.pdf", []string{"Range: bytes=99999999-"}, ""},
		{"GET", "/a.txt", []string{"If-None-Match: " + tag}, ""},
		{"GET", "/a.txt", []string{`If-Match: "other"`}, ""},
		{"GET", "/a.txt", []string{"Range: bytes=0-1", "If-Range: " + tag}, ""},
		{"GET", "/none", nil, ""},
	})
}

// TestEvents: each event arrives before the next one is sent.
func TestEvents(t *testing.T) {
	t.Parallel()
	upstream := startExpress(t)
	for name, flags := range modes {
		t.Run(name, func(t *testing.T) {
			// A client that seems to leave may only have half-closed its connection; the timeout decides.
			gateway := startGateway(t, upstream, "express", append([]string{"--timeout", "1s"}, flags...)...).Address
			response := send(t, gateway, exchange{method: "GET", target: "/events", fields: []string{"Accept: text/event-stream"}})
			events := bufio.NewReader(response.stream)
			for n := range 3 {
				if got := send(t, gateway, exchange{method: "POST", target: "/events/next"}); got.StatusCode != http.StatusNoContent {
					t.Fatalf("got %d %s", got.StatusCode, got.body)
				}
				var event string
				for range 3 {
					line, err := events.ReadString('\n')
					if err != nil {
						t.Fatal(err)
					}
					event += line
				}
				if want := fmt.Sprintf("id: %d\ndata: {\"n\": %d}\n\n", n, n); event != want {
					t.Errorf("got %q, want %q", event, want)
				}
			}
		})
	}
}

// TestWebSocket: with --upgrade allow a message returns unchanged (RFC 6455 §5.7); otherwise no request reaches the
// upstream.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	upstream := startExpress(t)
	const handshake = "GET /socket HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	for name, flags := range modes {
		t.Run(name, func(t *testing.T) {
			gateway := startGateway(t, upstream, "express", append([]string{"--upgrade", "allow"}, flags...)...).Address
			c := dial(t, gateway)
			fmt.Fprint(c, handshake)
			in := bufio.NewReader(c)
			response, err := http.ReadResponse(in, nil)
			if err != nil || response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
				t.Fatalf("got %v, %v", response, err)
			}
			fmt.Fprint(c, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58") // Hello, masked
			frame := make([]byte, 7)
			if _, err := io.ReadFull(in, frame); err != nil || string(frame) != "\x81\x05Hello" {
				t.Errorf("got %q, %v", frame, err)
			}

			closed := startGateway(t, upstream, "express", flags...).Address
			c = dial(t, closed)
			fmt.Fprint(c, handshake)
			if response, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || response.StatusCode != http.StatusNotImplemented {
				t.Errorf("without --upgrade: got %v, %v", response, err)
			}
		})
	}
}

const (
	uploadBytes = 200 << 20
	maxResident = 64 << 10 // KiB
)

// TestUpload: the gateway streams an unchecked upload of 200 MB without holding it in memory.
func TestUpload(t *testing.T) {
	t.Parallel()
	gateway := startGateway(t, startExpress(t), "express", "--requests", "monitor")
	piece := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
	hash := sha256.New()
	c := dial(t, gateway.Address)
	fmt.Fprintf(c, "POST /upload HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", uploadBytes)
	for sent := 0; sent < uploadBytes; sent += len(piece) {
		if _, err := c.Write(piece); err != nil {
			t.Fatal(err)
		}
		hash.Write(piece)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"length":%d,"sha256":%q}`, uploadBytes, hex.EncodeToString(hash.Sum(nil)))
	if response.StatusCode != http.StatusOK || string(body) != want {
		t.Errorf("got %d %s, want %s", response.StatusCode, body, want)
	}
	if resident := peak(t, gateway.Process.Pid); resident > maxResident {
		t.Errorf("the gateway held %d KiB", resident)
	} else {
		t.Logf("the gateway held at most %d KiB", resident)
	}
}

// peak returns the peak memory of a process in KiB.
func peak(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); fields[0] == "VmHWM:" {
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// compareAll sends each exchange to the upstream and through gateways of each mode.
func compareAll(t *testing.T, upstream, document string, exchanges []exchange) {
	for name, flags := range modes {
		t.Run(name, func(t *testing.T) {
			gateway := startGateway(t, upstream, document, flags...).Address
			for _, e := range exchanges {
				direct, through := send(t, upstream, e), send(t, gateway, e)
				if direct.Header.Get("Content-Length") == "" {
					through.Header.Del("Content-Length") // a gateway that has read all chunks may send their length (RFC 9112 §6.2)
				}
				if diff := cmp.Diff(direct.seen(), through.seen()); diff != "" {
					t.Errorf("%s %s %v: -direct +through\n%s", e.method, e.target, e.fields, diff)
				}
			}
		})
	}
}

type response struct {
	*http.Response
	body   []byte
	stream io.Reader // of a stream, whose body is endless
}

// seen returns what a client sees of a response, without fields for one connection and without the date.
func (r *response) seen() map[string]any {
	header := r.Header.Clone()
	for _, name := range []string{"Connection", "Keep-Alive", "Date"} {
		header.Del(name)
	}
	body := string(r.body)
	if len(body) > 1000 {
		body = fmt.Sprintf("%d bytes, SHA-256 %x", len(body), sha256.Sum256(r.body))
	}
	return map[string]any{"status": r.StatusCode, "header": header, "body": body}
}

func send(t *testing.T, address string, e exchange) *response {
	t.Helper()
	c := dial(t, address)
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: api.test\r\n", e.method, e.target)
	for _, f := range e.fields {
		fmt.Fprintf(c, "%s\r\n", f)
	}
	if e.body != "" {
		fmt.Fprintf(c, "Content-Length: %d\r\n", len(e.body))
	}
	fmt.Fprintf(c, "\r\n%s", e.body)
	got, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: e.method})
	if err != nil {
		t.Fatalf("%s %s: %v", e.method, e.target, err)
	}
	if strings.HasPrefix(got.Header.Get("Content-Type"), "text/event-stream") {
		return &response{got, nil, got.Body}
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", e.method, e.target, err)
	}
	return &response{got, body, nil}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// startExpress runs the Express application and returns its address.
func startExpress(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	programtest.SkipWithout(t, err)
	if _, err := os.Stat("../node_modules/express"); err != nil {
		programtest.SkipWithout(t, fmt.Errorf("scripts/npm-ci.sh scripts has not run: %w", err))
	}
	return run(t, node, "testdata/express/server.cjs")
}

// folder has files of several media types.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"a.txt": "é, and more\n", "b.json": `{"n": 1}`, "sub/c.txt": "c", "data.pdf": strings.Repeat("\x00\x01\x02\xff", 50_000),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// startGateway runs the gateway in front of an upstream with a document.
func startGateway(t *testing.T, upstream, document string, flags ...string) programtest.Served {
	t.Helper()
	args := []string{"gateway", "--admin-listen", "", "--upstream", "http://" + upstream, "--spec", "testdata/" + document + "/openapi.yaml"}
	return programtest.Serve(t, programtest.Pfxrd(t, append(args, flags...)...))
}

var number = regexp.MustCompile(`^[0-9]+$`)

// run runs a program until the test ends and returns the address of the port that it prints.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	p := programtest.Start(t, exec.Command(name, args...))
	defer p.Drop()
	return "127.0.0.1:" + p.Await(t, number)
}

// awaitTCP waits until a server listens.
func awaitTCP(t *testing.T, address string) {
	t.Helper()
	for t.Context().Err() == nil {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return
		}
	}
}
