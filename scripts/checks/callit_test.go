package checks_test

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// TestLandingPage pastes the line of a development server's landing page.
func TestLandingPage(t *testing.T) {
	t.Parallel()
	server := pfxtest.Start(t, pfxtest.Config{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(server.URL, "/beta")+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile("(?s)<code>(.*?)</code>").FindSubmatch(page)
	if command == nil {
		t.Fatalf("the page has no command:\n%s", page)
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-ec", html.UnescapeString(string(command[1]))).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "HTTP/1.1 200 OK\r\n") || !strings.Contains(string(out), `"id":"sample"`) {
		t.Errorf("%v\n%s\n%s", err, command[1], out)
	}
}

// TestCallItFrom runs the blocks of client/README.md whose language is installed. A new block needs an entry here.
func TestCallItFrom(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../client/README.md")
	if err != nil {
		t.Fatal(err)
	}
	languages := map[string]struct {
		program string // that runs a file
		args    []string
		file    string
		needed  bool // CI has it
	}{
		"sh":         {"sh", nil, "call.sh", true},
		"python":     {"python3", nil, "call.py", true},
		"powershell": {"pwsh", []string{"-NoProfile", "-File"}, "call.ps1", false},
		"csharp":     {"dotnet", []string{"run"}, "call.cs", false},
	}
	blocks := regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != len(languages) {
		t.Errorf("the page has %d blocks, but the test knows %d", len(blocks), len(languages))
	}
	for _, block := range blocks {
		t.Run(block[1], func(t *testing.T) {
			t.Parallel()
			language, known := languages[block[1]]
			if !known {
				t.Fatal("no program is set for this language")
			}
			program, err := exec.LookPath(language.program)
			if err != nil && (!language.needed || os.Getenv("CI") == "") {
				t.Skipf("%s is not installed", language.program)
			}
			server := pfxtest.Start(t, pfxtest.Config{})
			file := filepath.Join(t.TempDir(), language.file)
			if err := os.WriteFile(file, []byte(block[2]), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), program, append(language.args, file)...)
			cmd.Env = append(os.Environ(), "PFXR_SERVER="+server.URL, "PFXR_TOKEN="+server.Token(t, pfxtest.Grant{}))
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			var object map[string]any
			if err != nil || json.Unmarshal(out, &object) != nil || object["status"] != 7.0 || object["eTag"] != nil || object["isDeleted"] != true {
				t.Errorf("%v, printed %s, want the object with the status 7", err, out)
			}
		})
	}
}
