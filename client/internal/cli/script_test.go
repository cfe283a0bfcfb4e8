package cli_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestScript runs the program as a user does, against a real server of its own. In addition to testscript's commands there
// is
//
//	code N ARGS…   runs pfxr ARGS… and expects the exit code
func TestScript(t *testing.T) {
	t.Parallel()
	programs := programtest.Dir(t)
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": code},
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", programs+string(os.PathListSeparator)+env.Getenv("PATH"))
			return serve(env)
		},
		RequireExplicitExec: true,
	})
}

// serve starts a server and sets a user's environment variables.
func serve(env *testscript.Env) error {
	server, err := pfxtest.Open(pfxtest.Config{})
	if err != nil {
		return err
	}
	env.Defer(func() {
		if err := server.Close(); err != nil {
			env.T().Fatal("stopping the server:", err)
		}
	})
	for name, value := range map[string]string{
		"PFXR_SERVER": server.URL, "PFXR_TOKEN_URL": server.Credentials.TokenURL, "PFXR_CLIENT_ID": server.Credentials.ClientID,
		"PFXR_CLIENT_SECRET": server.Credentials.ClientSecret, "PFXR_SCOPE": server.Credentials.Scopes[0], "ISSUER": strings.Replace(server.Credentials.TokenURL, "/oauth2/v2.0/token", "/v2.0", 1),
		"HOME": env.WorkDir, "XDG_CONFIG_HOME": env.WorkDir + "/config",
	} {
		env.Setenv(name, value)
	}
	return nil
}

func code(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: code N ARGS…")
	}
	err := ts.Exec("pfxr", args[1:]...)
	got := "0"
	if exit, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		got = strconv.Itoa(exit.ExitCode())
	} else {
		ts.Check(err)
	}
	if got != args[0] {
		ts.Fatalf("pfxr %v ended with %s, want %s", args[1:], got, args[0])
	}
}
