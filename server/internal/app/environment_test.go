package app

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
)

// TestEnvironment: variables of the flags, of pfxr, of the tests and of Kubernetes are accepted. For a misspelled one the
// error suggests the right name.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&commands{}, kong.DefaultEnvars("PFXR"), kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	for variable, want := range map[string]string{
		"PFXR_LISTEN=x": "", "PFXR_LOG_LEVEL=x": "", "PFXR_UPSTREAM_CA=x": "", "PFXR_TEST_BIN=x": "", "PFXR_SERVER=x": "", "PFXR_TOKEN=x": "",
		"PFXR_SERVICE_HOST=x": "", "PFXR_SERVICE_PORT=x": "", "PFXR_SERVICE_PORT_HTTP=x": "", "PFXR_PORT=tcp://x": "", "PFXR_PORT_8080_TCP=x": "",
		"PFXR_PORT_8080_TCP_ADDR=x": "", "PFXR_GATEWAY_SERVICE_HOST=x": "", "PFXR_GATEWAY_PORT_80_TCP_PROTO=x": "",
		"PATH=x": "", "pfxr_x=x": "", "PFXRD_X=x": "", "PFXR=x": "",
		"PFXR_LISTN=x": "PFXR_LISTEN", "PFXR_LISTEN_ADDR=x": "PFXR_LISTEN", "PFXR_AUDIENCES=": "PFXR_AUDIENCE", "PFXR_TLS_CRT=x": "PFXR_TLS_CERT",
		"PFXR_VERSION=x": "PFXR_", "PFXR_=x": "PFXR_", "PFXR_MAXINFLIGHT=1": "PFXR_MAX_IN_FLIGHT",
	} {
		err := checkEnvironment(parser.Model, []string{"A=b", variable})
		if (err == nil) != (want == "") || err != nil && !regexp.MustCompile(`did you mean `+want).MatchString(err.Error()) {
			t.Errorf("%s: got %v, want %q", variable, err, want)
		}
	}
	// Both programs may share a shell.
	for _, command := range []string{"get", "list", "create", "patch", "delete", "import", "export"} {
		help, err := exec.CommandContext(t.Context(), filepath.Join(programtest.Dir(t), "pfxr"), command, "--help").Output()
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`PFXR_[A-Z_]+`).FindAllString(string(help), -1)
		if len(names) == 0 {
			t.Errorf("pfxr %s --help names no variable", command)
		}
		for _, name := range names {
			if err := checkEnvironment(parser.Model, []string{name + "=x"}); err != nil {
				t.Errorf("of pfxr %s: %v", command, err)
			}
		}
	}
}
