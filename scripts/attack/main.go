// Attack runs the tables of attacks, which are tests of several packages. It prints for each table the number of rows
// and how many passed. A row fails unless its response is the one of the broken rule. No response may be a 5xx, except
// 501 for an unknown transfer coding (RFC 9112 §6.1).
//
//	go run ./scripts/attack
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// table is a set of rows, which are subtests of one or more packages.
type table struct {
	name  string
	least int // the least number of rows
	tests []tests
}

// tests are the tests of a package that match an expression of go test -run.
type tests struct{ pkg, run string }

var tables = []table{
	{"tokens of version 1", 300, []tests{{"./server/internal/auth", "^(TestVerify|TestVerifyForm|TestPrincipal)$/^v1$"}}},
	{"tokens of version 2", 300, []tests{{"./server/internal/auth", "^(TestVerify|TestVerifyForm|TestPrincipal)$/^v2$"}}},
	{"requests on the wire", 500, []tests{{"./server/pfxtest", "^TestWire$"}, {"./server/internal/gateway", "^TestAttacks$/./^http1$"}, {"./server/internal/api", "^TestRequestLines$"}}},
	{"requests over HTTP/2", 100, []tests{{"./server/internal/gateway", "^TestAttacks$/./^http2$"}}},
	{"bodies", 600, []tests{{"./gen/pfxvalid", "^(TestUpdate|TestEntity|FuzzJSONSchema|FuzzDifferential)$"}}},
	{"objects of other tenants", 68, []tests{{"./server/pfxtest", "^TestTenants$"}}},
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "attack: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	var errs []error
	for _, t := range tables {
		held, failed, err := t.count()
		rows := held + failed
		fmt.Printf("%-26s %4d rows, at least %d; held: %.1f %%\n", t.name, rows, t.least, 100*float64(held)/float64(max(rows, 1)))
		if err == nil && rows < t.least {
			err = fmt.Errorf("%s: %d rows, want at least %d", t.name, rows, t.least)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fmt.Println("No response was a 5xx, except 501 for an unknown transfer coding.")
	return nil
}

// count runs the tests of a table.
func (t *table) count() (held, failed int, err error) {
	for _, tests := range t.tests {
		cmd := exec.Command("go", "test", "-json", "-count=1", "-run", tests.run, tests.pkg)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			return 0, 0, err
		}
		if err := cmd.Start(); err != nil {
			return 0, 0, err
		}
		h, f, err := countRows(out, os.Stderr)
		if err = errors.Join(err, cmd.Wait()); err != nil {
			return held + h, failed + f, fmt.Errorf("%s: %w", t.name, err)
		}
		held, failed = held+h, failed+f
	}
	return held, failed, nil
}

// countRows counts the subtests without subtests in the output of go test -json, and forwards the output of failed ones.
func countRows(in io.Reader, failures io.Writer) (held, failed int, err error) {
	outcome, said, parents := map[string]string{}, map[string]string{}, map[string]bool{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return 0, 0, fmt.Errorf("reading the output of go test: %w", err)
		}
		if e.Test == "" {
			continue // of the package
		}
		switch e.Action {
		case "run":
			for i, c := range e.Test {
				if c == '/' {
					parents[e.Test[:i]] = true
				}
			}
		case "output":
			said[e.Test] += e.Output
		case "pass", "fail", "skip":
			outcome[e.Test] = e.Action
		}
	}
	for name, action := range outcome {
		switch {
		case action == "fail":
			fmt.Fprint(failures, said[name])
			if !parents[name] {
				failed++
			}
		case action == "pass" && strings.Contains(name, "/") && !parents[name]:
			held++
		}
	}
	return held, failed, lines.Err()
}
