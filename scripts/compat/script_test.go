package compat

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
)

// script is a client in a driver, a program that makes one call for each line of its input.
type script struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

func newNode(t *testing.T, name, baseURL, token string) *script {
	return newScript(t, "node", "js/driver.js", name, baseURL, token)
}

func newPython(t *testing.T, style, baseURL, token string) *script {
	python := cmp.Or(os.Getenv("PFXR_TEST_PYTHON"), "python3")
	return newScript(t, python, "python/driver.py", style, baseURL, token)
}

func newScript(t *testing.T, program string, args ...string) *script {
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // the test's context may have killed it
	})
	return &script{t, in, bufio.NewReader(out)}
}

func (s *script) get(ctx context.Context, id string) outcome {
	return s.make(ctx, call{Op: "get", ID: id})
}

func (s *script) patch(ctx context.Context, id, body, ifMatch string) outcome {
	return s.make(ctx, call{Op: "patch", ID: id, Body: json.RawMessage(body), IfMatch: ifMatch})
}

func (s *script) make(_ context.Context, c call) (o outcome) {
	line, err := json.Marshal(c)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		s.t.Fatal(err)
	}
	answer, err := s.out.ReadBytes('\n')
	if err != nil {
		s.t.Fatalf("the driver ended: %v", err)
	}
	if err := json.Unmarshal(answer, &o); err != nil {
		s.t.Fatal(err)
	}
	return o
}
