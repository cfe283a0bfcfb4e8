package compat

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
)

// script is a JavaScript client behind js/driver.js.
type script struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

func newScript(t *testing.T, name, baseURL, token string) caller {
	cmd := exec.CommandContext(t.Context(), "node", "js/driver.js", name, baseURL, token)
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
		_ = cmd.Wait() // the test's context has ended it if it did not end by itself
	})
	return &script{t, in, bufio.NewReader(out)}
}

func (s *script) get(_ context.Context, id string) outcome {
	return s.call(map[string]any{"op": "get", "id": id})
}

func (s *script) patch(_ context.Context, id, body, ifMatch string) outcome {
	return s.call(map[string]any{"op": "patch", "id": id, "body": json.RawMessage(body), "ifMatch": ifMatch})
}

func (s *script) call(call map[string]any) (o outcome) {
	line, err := json.Marshal(call)
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
