//go:build long

package nginx_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestConfiguration: a client → nginx → `pfxrd gateway` → a recorder → a server.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx, err = exec.LookPath("/usr/sbin/nginx") // not in every PATH
	}
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("nginx is not installed")
	}
	if err != nil {
		t.Fatal(err)
	}
	server := pfxtest.Start(t, pfxtest.Config{})
	token := server.Token(t, pfxtest.Grant{})
	upstream := record(t, strings.TrimSuffix(server.URL, "/beta"))
	gateway := startGateway(t, upstream.URL)
	client, base, log := startNginx(t, nginx, gateway)

	example, err := os.ReadFile("../../openapi/examples/update-request.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		target, body string
		status       int
	}{
		"the page's example": {"/beta/pfxRecryptionRequests/sample", string(example), http.StatusOK},
		"Graph's address":    {"/beta/pfxRecryptionRequests('sample')", `{"status":6}`, http.StatusOK},
		"an unknown member":  {"/beta/pfxRecryptionRequests/sample", `{"tenantID":"x"}`, http.StatusBadRequest},
		"a duplicate member": {"/beta/pfxRecryptionRequests/sample", `{"status":6,"status":7}`, http.StatusBadRequest},
		"a key with a slash": {"/beta/pfxRecryptionRequests/a%2Fb", `{"status":6}`, http.StatusBadRequest},
		"two slashes":        {"/beta//pfxRecryptionRequests/sample", `{"status":6}`, http.StatusBadRequest},
		"a long body":        {"/beta/pfxRecryptionRequests/sample", strings.Repeat(" ", 1<<20+1), http.StatusRequestEntityTooLarge},
	} {
		before := upstream.count()
		response, body := send(t, client, base+tt.target, token, tt.body)
		if response.StatusCode != tt.status || response.ProtoMajor != 2 {
			t.Errorf("%s: got %s %d, want HTTP/2.0 %d: %s", name, response.Proto, response.StatusCode, tt.status, body)
		}
		if tt.status == http.StatusOK {
			continue
		}
		var problem struct {
			Error struct {
				Code, Message string
				InnerError    map[string]string
			}
		}
		if err := json.Unmarshal(body, &problem); err != nil || problem.Error.InnerError["client-request-id"] != "00000000-0000-4000-8000-000000000001" {
			t.Errorf("%s: the response is not the gateway's own: %v: %s", name, err, body)
		}
		if upstream.count() != before {
			t.Errorf("%s: the request reached the upstream", name)
		}
	}

	// nginx logs a line only for its own responses; the gateway logs the others.
	if response, _ := send(t, client, base+"/beta/pfxRecryptionRequests/own?secret=1", token, strings.Repeat(" ", 2<<20+1)); response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body above nginx's limit: got %d", response.StatusCode)
	}
	for line := range log {
		if !strings.Contains(line, `"msg":"answered by nginx"`) {
			continue
		}
		if !strings.Contains(line, `"path":"/beta/pfxRecryptionRequests/own","status":413`) || strings.Contains(line, "secret") || !json.Valid([]byte(line)) {
			t.Errorf("nginx logs %s", line)
		}
		break
	}

	got := upstream.last(t)
	want := http.Header{
		"X-Forwarded-For": {"127.0.0.1, 127.0.0.1"}, "X-Forwarded-Host": {"localhost"}, "X-Forwarded-Proto": {"https"}, "Via": {"1.1 pfxrd"},
		"Forwarded": {`for=127.0.0.1, for=127.0.0.1;host="localhost";proto=https`}, // nginx's element, from the older fields, then the gateway's
	}
	for _, name := range []string{"X-Real-Ip", "X-Http-Method-Override", "Proxy", "X_forwarded_for", "Connection", "Upgrade"} {
		want[name] = nil
	}
	for name, values := range want {
		if diff := cmp.Diff(values, got[name]); diff != "" {
			t.Errorf("the upstream's %s: %s", name, diff)
		}
	}
}

// send sends a PATCH with header fields that clients must not control.
func send(t *testing.T, client *http.Client, target, token, body string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token},
		"Client-Request-Id": {"00000000-0000-4000-8000-000000000001"},
		"X-Forwarded-For":   {"192.0.2.1"}, "X-Forwarded-Proto": {"gopher"}, "X-Forwarded-Host": {"evil.example"},
		"Forwarded": {"for=192.0.2.1"}, "X-Real-Ip": {"192.0.2.1"}, "X_forwarded_for": {"192.0.2.1"},
		"X-Http-Method-Override": {"DELETE"}, "Proxy": {"http://evil.example"},
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, data
}

// recorder is an upstream that keeps the header fields of valid requests.
type recorder struct {
	*httptest.Server
	mu      sync.Mutex
	headers []http.Header
}

func record(t *testing.T, target string) *recorder {
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }, Transport: transport}
	rec := &recorder{}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec.mu.Lock()
		rec.headers = append(rec.headers, r.Header.Clone())
		rec.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		rec.Close()
		transport.CloseIdleConnections()
	})
	return rec
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.headers)
}

func (r *recorder) last(t *testing.T) http.Header {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.headers) == 0 {
		t.Fatal("no request reached the upstream")
	}
	return r.headers[len(r.headers)-1]
}

// startGateway runs the gateway and returns its address.
func startGateway(t *testing.T, upstream string) string {
	return programtest.Serve(t, programtest.Pfxrd(t, "gateway", "--admin-listen", "", "--trusted-proxy", "127.0.0.1/32", "--upstream", upstream, "--responses", "enforce")).Address
}

// startNginx runs nginx with the example, in which it changes only what an operator changes. It returns a client that
// trusts the certificate, the address, and the log.
func startNginx(t *testing.T, nginx, gateway string) (*http.Client, string, <-chan string) {
	prefix := t.TempDir()
	roots := certify(t, prefix)
	conf, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	address := programtest.FreeAddress(t)
	for from, to := range map[string]string{
		"127.0.0.1:8090": gateway, "listen 443 ": "listen " + address + " ", "server_name graph.example": "server_name localhost",
	} {
		if bytes.Count(conf, []byte(from)) == 0 {
			t.Fatalf("the example no longer has %q", from)
		}
		conf = bytes.ReplaceAll(conf, []byte(from), []byte(to))
	}
	file := filepath.Join(prefix, "nginx.conf")
	if err := os.WriteFile(file, conf, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), nginx, "-e", "stderr", "-t", "-p", prefix, "-c", file).CombinedOutput(); err != nil || bytes.Contains(out, []byte("[warn]")) {
		t.Errorf("nginx -t: %v\n%s", err, out)
	}
	directives := "daemon off; error_log stderr notice;"
	if os.Geteuid() == 0 {
		directives += " user root;" // another user has no access to the test's folder
	}
	p := programtest.Start(t, exec.Command(nginx, "-e", "stderr", "-p", prefix, "-c", file, "-g", directives))
	p.Await(t, regexp.MustCompile("start worker process ")) // by then it listens
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: transport}, "https://localhost:" + port, p.Lines
}

// certify writes a certificate for localhost and its key, and returns a pool that trusts it.
func certify(t *testing.T, dir string) *x509.CertPool {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	roots.AppendCertsFromPEM(text)
	for name, data := range map[string][]byte{"cert.pem": text, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return roots
}
