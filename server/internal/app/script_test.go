package app_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pfxrd returns the path of the server.
func pfxrd(t testing.TB) string { return filepath.Join(programtest.Dir(t), "pfxrd") }

// commands are the commands of the scripts, in addition to testscript's own:
//
//	start ARGS…        runs pfxrd ARGS… and waits until it serves; sets $URL and $ADMIN
//	signal NAME CODE   sends a signal and expects the exit code (-1: it died of the signal)
//	patch KEY BODY [IF-MATCH]
//	                   sends an update with a token of the development issuer; the response is stdout, its entity tag $ETAG
//	get URL STATUS     expects a status
//	exits CODE PROGRAM ARGS…
//	                   expects an exit code
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"start": start, "signal": signal, "patch": patch, "get": get, "exits": exits,
}

// exits runs a program and expects its exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	code := "0"
	err := ts.Exec(args[1], args[2:]...)
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		code = strconv.Itoa(e.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v: %v", args, err)
	}
	if code != args[0] {
		ts.Fatalf("%v: exit code %s", args, code)
	}
}

// TestScript runs the program as a user does.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: commands, RequireExplicitExec: true, Setup: setup(t)})
}

// TestPostgres runs the program on a PostgreSQL. Each script has its own database, at $DATABASE.
func TestPostgres(t *testing.T) {
	t.Parallel()
	postgrestest.Database(t) // skips the test, with the reason, if there is no PostgreSQL
	setup := setup(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/postgres", Cmds: commands, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("DATABASE", postgrestest.Database(t))
			return setup(e)
		},
	})
}

// setup lets scripts run pfxrd without a drain delay, which TestDrainServesUntilBalancersNotice covers.
func setup(t *testing.T) func(*testscript.Env) error {
	program := pfxrd(t)
	return func(e *testscript.Env) error {
		e.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+e.Getenv("PATH"))
		e.Setenv("PFXRD", program)
		e.Setenv("PFXR_DRAIN_DELAY", "0s")
		return nil
	}
}

// TestPostgresStartsAtOnce starts servers on an empty database at the same time: each must find or create the tables.
func TestPostgresStartsAtOnce(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.Database(t)
	for range 3 {
		cmd := exec.Command(pfxrd(t), "serve", "--dev", "--listen", "127.0.0.1:0", "--admin-listen=", "--store", dsn)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Run("", func(t *testing.T) {
			t.Parallel()
			var seen strings.Builder
			serving := false
			for s := bufio.NewScanner(stderr); !serving && s.Scan(); {
				seen.WriteString(s.Text() + "\n")
				serving = strings.Contains(s.Text(), `"msg":"serving"`)
			}
			if !serving {
				t.Errorf("a server did not start to serve:\n%s", &seen)
			}
			_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
			if _, err := io.Copy(io.Discard, stderr); err != nil {
				t.Error(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// processes has the processes of the command start, by the script's working folder.
var processes sync.Map

type running struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func start(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command(ts.Getenv("PFXRD"), args...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = os.Environ()
	for _, name := range []string{"PFXR_DEV", "PFXR_DRAIN_DELAY", "PFXR_LISTEN", "PFXR_STORE"} {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	r := &running{cmd, make(chan struct{})}
	ts.Defer(func() {
		_ = cmd.Process.Kill() // it may have ended already
		<-r.ended
	})
	serving := make(chan map[string]any, 1)
	go func() {
		defer close(r.ended)
		defer close(serving)
		for s := bufio.NewScanner(stderr); s.Scan(); {
			var entry map[string]any
			if json.Unmarshal(s.Bytes(), &entry) == nil && entry["msg"] == "serving" {
				serving <- entry
			}
		}
		_ = cmd.Wait() // stop reads the state
	}()
	entry, ok := <-serving
	if !ok {
		ts.Fatalf("pfxrd %v did not start to serve", args)
	}
	ts.Setenv("URL", strings.TrimSuffix(entry["url"].(string), "/beta"))
	admin, _ := entry["admin"].(string) // empty for a mock
	ts.Setenv("ADMIN", admin)
	processes.Store(ts.Getenv("WORK"), r)
}

func signal(ts *testscript.TestScript, _ bool, args []string) {
	v, ok := processes.Load(ts.Getenv("WORK"))
	if !ok || len(args) != 2 {
		ts.Fatalf("usage: signal NAME CODE, after start")
	}
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL}
	r := v.(*running)
	ts.Check(r.cmd.Process.Signal(signals[args[0]]))
	<-r.ended
	if got := strconv.Itoa(r.cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("pfxrd ended with %s, want %s", got, args[1])
	}
}

func patch(ts *testscript.TestScript, _ bool, args []string) {
	token, err := exec.Command(ts.Getenv("PFXRD"), "token", "--server", ts.Getenv("URL")).Output()
	ts.Check(err)
	r, err := http.NewRequest(http.MethodPatch, ts.Getenv("URL")+"/beta/pfxRecryptionRequests/"+args[0], strings.NewReader(args[1]))
	ts.Check(err)
	r.Close = true
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	r.Header.Set("Content-Type", "application/json")
	if len(args) > 2 {
		r.Header.Set("If-Match", args[2])
	}
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Setenv("ETAG", resp.Header.Get("ETag"))
	_, err = io.WriteString(ts.Stdout(), resp.Status+"\n"+string(body))
	ts.Check(err)
}

func get(ts *testscript.TestScript, _ bool, args []string) {
	resp, err := http.Get(args[0])
	ts.Check(err)
	resp.Body.Close()
	if strconv.Itoa(resp.StatusCode) != args[1] {
		ts.Fatalf("GET %s: %s, want %s", args[0], resp.Status, args[1])
	}
}
