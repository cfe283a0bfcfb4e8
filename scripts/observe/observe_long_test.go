//go:build long

package observe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
)

// startServe runs a development server until the test ends. It returns the origin and the address of the metrics.
func startServe(t *testing.T, args ...string) (string, string) {
	t.Helper()
	arguments := []string{"serve", "--dev", "--admin-listen", "127.0.0.1:0", "--store", "sqlite:" + filepath.Join(t.TempDir(), "pfxr.db")}
	s := programtest.Serve(t, programtest.Pfxrd(t, append(arguments, args...)...))
	return s.Origin, s.Admin + "/metrics"
}

// send sends a request and returns its status.
func send(t *testing.T, method, url, token, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// metrics returns a server's metrics after some requests.
func metrics(t *testing.T) string {
	t.Helper()
	origin, address := startServe(t, "--throttle", "graph")
	out, err := exec.CommandContext(t.Context(), filepath.Join(programtest.Dir(t), "pfxrd"), "token", "--server", origin).Output()
	if err != nil {
		t.Fatal(err)
	}
	token, sample := strings.TrimSpace(string(out)), origin+"/beta/pfxRecryptionRequests/sample"
	for status, got := range map[int]int{
		200: send(t, "GET", sample, token, ""), 401: send(t, "GET", sample, "x.y.z", ""), 404: send(t, "GET", sample+"x", token, ""),
		400: send(t, "PATCH", sample, token, `{"a":1}`), 405: send(t, "PUT", sample, token, ""),
	} {
		if got != status {
			t.Errorf("got %d, want %d", got, status)
		}
	}
	for send(t, "PATCH", sample, token, `{"status":1}`) != http.StatusTooManyRequests {
		// on a slow machine some permits return meanwhile
	}
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return string(text)
}

// promtool runs promtool and returns its output.
func promtool(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("promtool is not installed")
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// elsewhere are the metrics of other configurations: PostgreSQL, TLS, issuers whose keys are fetched.
var elsewhere = regexp.MustCompile(`^pfxr_(store_connections.*|certificate_expiry_timestamp_seconds|key_fetches_total|store_failures_total|reloads_total|last_reload_successful)$`)

// TestMetrics: a server's metrics are well-formed and complete, and dashboard and rules use no others.
func TestMetrics(t *testing.T) {
	t.Parallel()
	shown := metrics(t)
	if out := promtool(t, shown, "check", "metrics"); out != "" {
		t.Errorf("promtool check metrics: %s", out)
	}
	for _, line := range []string{
		`pfxr_requests_total{operation="getPfxRecryptionRequest",reason="",status="200"} 1`,
		`pfxr_requests_total{operation="getPfxRecryptionRequest",reason="InvalidAuthenticationToken",status="401"} 1`,
		`pfxr_requests_total{operation="getPfxRecryptionRequest",reason="ResourceNotFound",status="404"} 1`,
		`pfxr_requests_total{operation="updatePfxRecryptionRequest",reason="ModelValidationFailure",status="400"} 1`,
		`pfxr_requests_total{operation="updatePfxRecryptionRequest",reason="TooManyRequests",status="429"} `,
		`pfxr_requests_total{operation="",reason="Request_BadRequest",status="405"} 1`,
		`pfxr_token_checks_total{outcome="accepted"} `, `pfxr_token_checks_total{outcome="invalid"} 1`,
		`pfxr_store_duration_seconds_count{call="update"} `, `pfxr_store_duration_seconds_count{call="get"} `,
		`pfxr_store_batch_size_sum `, `pfxr_store_queue_duration_seconds_bucket{le="+Inf"} `, `pfxr_store_commit_duration_seconds_bucket{le="+Inf"} `,
		`pfxr_store_log_bytes `, `pfxr_requests_in_flight `, `pfxr_connections `, `pfxr_build_info{version="`,
		`pfxr_request_duration_seconds_bucket{operation="updatePfxRecryptionRequest",le="0.0005"} `,
	} {
		if !strings.Contains(shown, "\n"+line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
	for _, file := range []string{"dashboard.json", "alerts.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`\bpfxr_[a-z_]+`).FindAllString(string(text), -1) {
			base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			known := strings.Contains(shown, "\n# TYPE "+base+" ")
			if !known && !(elsewhere.MatchString(base) && inPackage(t, strings.TrimPrefix(base, "pfxr_"))) {
				t.Errorf("%s uses %s, which no server has", file, name)
			}
		}
	}
}

// inPackage reports whether the program has a metric with the name.
func inPackage(t *testing.T, name string) bool {
	t.Helper()
	files, err := filepath.Glob("../../server/internal/app/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(`"`+name+`"`)) {
			return true
		}
	}
	return false
}

// TestRules: the rules are well-formed, and fire only when they should.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool(t, "", "check", "rules", "alerts.yaml")
	promtool(t, "", "test", "rules", "alerts_test.yaml")
	rules, err1 := os.ReadFile("alerts.yaml")
	tests, err2 := os.ReadFile("alerts_test.yaml")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllSubmatch(rules, -1) {
		if fires := `ALERTS{alertname="` + string(m[1]) + `",alertstate="firing",instance="a"`; !bytes.Contains(tests, []byte(fires)) {
			t.Errorf("no test makes %s fire", m[1])
		}
	}
}

// TestDashboard: every expression of the dashboard is valid.
func TestDashboard(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	type rule struct {
		Record string            `json:"record"`
		Expr   string            `json:"expr"`
		Labels map[string]string `json:"labels"`
	}
	var rules []rule
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*").Replace(target.Expr)
			rules = append(rules, rule{"panel:value", expr, map[string]string{"panel": p.Title, "expr": target.Expr}})
		}
	}
	if len(rules) < 20 {
		t.Errorf("the dashboard has %d expressions", len(rules))
	}
	// JSON is also YAML.
	if text, err = json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", "--lint=none", file)
}
