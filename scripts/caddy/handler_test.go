package pfxcaddy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	_ "github.com/caddyserver/caddy/v2/modules/logging"

	_ "github.com/pfxrecryption/pfxrecryption/scripts/caddy"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// adapt converts the directives of a site to Caddy's native configuration. The site listens on a socket, so that no
// test needs a free port.
func adapt(t *testing.T, site string) (config []byte, socket string, err error) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pfxcaddy") // t.TempDir is too long for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket = filepath.Join(dir, "caddy.sock")
	file := fmt.Sprintf(`{
	admin off
	persist_config off
	auto_https off
	storage file_system %s
	log {
		output file %s
	}
}
http://gate.test {
	bind unix/%s
%s
}
`, dir, filepath.Join(dir, "log"), socket, site)
	config, _, err = caddyconfig.GetAdapter("caddyfile").Adapt([]byte(file), map[string]any{"filename": "Caddyfile"})
	return config, socket, err
}

// start runs Caddy, at most once per process, and returns a client of the site and the log file.
func start(t *testing.T, site string) (client *http.Client, log string) {
	t.Helper()
	config, socket, err := adapt(t, site)
	if err == nil {
		err = caddy.Load(config, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &http.Client{Transport: transport}, filepath.Join(filepath.Dir(socket), "log")
}

const sample = "/beta/pfxRecryptionRequests/sample"

// patch returns the status and the body of a response, and whether it has the form of Graph's errors.
func patch(t *testing.T, client *http.Client, path, token, body string) (status int, answer string, graph bool) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://gate.test"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var problem struct {
		Error struct{ Code, Message string }
	}
	graph = json.Unmarshal(data, &problem) == nil && problem.Error.Code != "" && problem.Error.Message != ""
	return response.StatusCode, string(data), graph
}

func TestInFrontOfAServer(t *testing.T) {
	server := pfxtest.Start(t, pfxtest.Config{})
	base := strings.TrimSuffix(server.URL, "/beta")
	client, log := start(t, `
	reverse_proxy `+base+`
	pfxgate {
		responses enforce
		issuer `+base+`/dev/{tenantid}/v2.0
		audience api://pfxrecryption
	}`)
	token := server.Token(t, pfxtest.Grant{})
	for name, tt := range map[string]struct {
		path, token, body string
		status            int
	}{
		"valid":              {sample, token, `{"status":6}`, http.StatusOK},
		"Graph's address":    {"/beta/pfxRecryptionRequests('sample')", token, `{"status":6}`, http.StatusOK},
		"an unknown member":  {sample, token, `{"tenantID":"x"}`, http.StatusBadRequest},
		"a duplicate member": {sample, token, `{"status":6,"status":7}`, http.StatusBadRequest},
		"an unknown option":  {sample + "?$top=1", token, `{"status":6}`, http.StatusBadRequest},
		"an unknown path":    {"/beta/pfxRecryptionRequest/sample", token, `{}`, http.StatusBadRequest},
		"no base path":       {"/v1/pfxRecryptionRequests/sample", token, `{}`, http.StatusNotFound},
		"no token":           {sample, "none", `{"status":6}`, http.StatusUnauthorized},
	} {
		status, answer, graph := patch(t, client, tt.path, tt.token, tt.body)
		if status != tt.status || graph != (status >= 400) {
			t.Errorf("%s: got %d %s, want %d", name, status, answer, tt.status)
		}
	}
	lines, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(lines), `"logger":"http.handlers.pfxgate","msg":"violation","operation":"updatePfxRecryptionRequest"`) {
		t.Errorf("Caddy's log has no violation: %v\n%s", err, lines)
	}
}

func TestWrongAnswersAreNotPassedOn(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"sample","hunter2":1}`)
	}))
	t.Cleanup(upstream.Close)
	for mode, want := range map[string]int{"enforce": http.StatusBadGateway, "monitor": http.StatusOK} {
		t.Run(mode, func(t *testing.T) {
			client, _ := start(t, "reverse_proxy "+upstream.URL+"\npfxgate {\nresponses "+mode+"\n}")
			status, answer, graph := patch(t, client, sample, "any", `{"status":6}`)
			if status != want || graph == strings.Contains(answer, "hunter2") {
				t.Errorf("got %d %s, want %d", status, answer, want)
			}
		})
	}
}

// TestErrorsAreCaddys: an unreachable upstream is not a violation of the contract.
func TestErrorsAreCaddys(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, mode := range []string{"enforce", "monitor", "off"} {
		t.Run(mode, func(t *testing.T) {
			client, _ := start(t, "reverse_proxy "+gone.URL+"\npfxgate {\nresponses "+mode+`
}
	handle_errors {
		respond "sorry: {err.status_code}" 503
	}`)
			if status, answer, _ := patch(t, client, sample, "any", `{"status":6}`); status != http.StatusServiceUnavailable || answer != "sorry: 502" {
				t.Errorf("got %d %s", status, answer)
			}
		})
	}
}

// TestPlaceholdersUseTheCheckedRequest: everything behind the gate sees the checked request, including directives with
// placeholders.
func TestPlaceholdersUseTheCheckedRequest(t *testing.T) {
	client, _ := start(t, "respond {uri}\npfxgate")
	status, answer, _ := patch(t, client, "/beta/pfxRecryptionRequests(%27%73ample%27)", "any", `{"status":6}`)
	if status != http.StatusOK || answer != sample {
		t.Errorf("got %d %s, want %s", status, answer, sample)
	}
}

func TestOwnContractAndPolicy(t *testing.T) {
	spec, policy := filepath.Join(t.TempDir(), "spec.yaml"), filepath.Join(t.TempDir(), "policy.yaml")
	for name, text := range map[string]string{
		spec: `
openapi: 3.1.0
info: { title: Pets, version: '1' }
paths:
  /pets/{id}:
    patch:
      operationId: updatePet
      parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
      requestBody: { content: { application/json: { schema: { type: object, additionalProperties: false } } } }
      responses: { '200': { description: A pet. } }
`,
		policy: "requests: {violations: {unknown-member: monitor}}",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	client, _ := start(t, "respond {uri}\npfxgate {\nspec "+spec+"\npolicy "+policy+"\nrequests enforce\nunknown pass\n}")
	for path, want := range map[string]int{"/pets/7": http.StatusOK, "/pets/rex": http.StatusBadRequest, "/healthz": http.StatusOK} {
		if status, answer, _ := patch(t, client, path, "any", `{"name":"Rex"}`); status != want {
			t.Errorf("%s: got %d %s, want %d", path, status, answer, want)
		}
	}
}

// TestWrongDirectives checks the errors of `caddy validate`.
func TestWrongDirectives(t *testing.T) {
	for directive, want := range map[string]string{
		"pfxgate {\nrequest enforce\n}":                `pfxgate has no option "request": must be spec,`,
		"pfxgate {\nrequests\n}":                       "wrong argument count",
		"pfxgate {\nrequests enforce monitor\n}":       "wrong argument count",
		"pfxgate {\nrequests enforce\nrequests off\n}": "requests is a duplicate",
		"pfxgate enforce":                              "wrong argument count",
		"pfxgate {\nrequests block\n}":                 `Requests is "block": must be enforce, monitor or off`,
		"pfxgate {\nunknown enforce\n}":                `unknown is "enforce": must be refuse or pass`,
		"pfxgate {\nissuer https://login.example\n}":   "Issuers and Audiences go together",
		"pfxgate {\nspec /no/such/spec.yaml\n}":        "reading spec: open /no/such/spec.yaml",
		"pfxgate {\npolicy /no/such/policy.yaml\n}":    "reading policy: open /no/such/policy.yaml",
	} {
		config, _, err := adapt(t, directive)
		if err == nil {
			var parsed caddy.Config
			if err = json.Unmarshal(config, &parsed); err != nil {
				t.Fatal(err)
			}
			err = caddy.Validate(&parsed)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", directive, err, want)
		}
	}
}
