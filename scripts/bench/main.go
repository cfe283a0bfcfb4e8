// Bench measures the cost of a body, the parameters and a whole request, compared with the peers, and prints one table
// of ratios from one run. It is a separate module, to keep the peers out of the project's go.mod.
//
//	./generate.sh && go run . -rounds 6
//
// Every round runs every benchmark once, so that a busy moment of the machine affects all rows alike. A figure is the
// median of the rounds. The raw lines go to -raw, for benchstat.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// packages have the benchmarks, by the folder in which the go command runs.
var packages = []struct{ folder, path string }{
	{".", "."},
	{"../..", "./server/internal/api"},
}

func main() {
	rounds := flag.Int("rounds", 6, "how often each benchmark runs")
	each := flag.Duration("each", 200*time.Millisecond, "how long it runs each time")
	raw := flag.String("raw", "", "file for the raw lines (none)")
	flag.Parse()
	if err := run(*rounds, *each, *raw); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(rounds int, each time.Duration, raw string) error {
	if rounds < 1 {
		return errors.New("-rounds must be at least 1")
	}
	lines, err := measure(rounds, each)
	if err != nil {
		return err
	}
	if raw != "" {
		if err := os.WriteFile(raw, lines, 0o644); err != nil {
			return fmt.Errorf("writing the raw lines: %w", err)
		}
	}
	rows, err := readers()
	if err != nil {
		return err
	}
	lax := map[string]string{}
	for _, r := range rows {
		lax["Body/"+r.name] = r.lax(len(hostile))
	}
	for _, r := range lexers() {
		lax["Tokens/"+r.name] = r.lax(lexical)
	}
	return newTable(lines).print(os.Stdout, lax)
}

// measure builds each package's benchmarks once, runs them in turn and returns their output.
func measure(rounds int, each time.Duration) ([]byte, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the programs: %w", err)
	}
	defer os.RemoveAll(dir)
	program := func(i int) string { return filepath.Join(dir, fmt.Sprintf("bench%d.test", i)) }
	for i, p := range packages {
		if _, err := output(p.folder, "go", "test", "-c", "-o", program(i), p.path); err != nil {
			return nil, err
		}
	}
	var lines []byte
	for range rounds {
		for i, p := range packages {
			out, err := output(filepath.Join(p.folder, p.path), program(i), "-test.run=^$", "-test.bench=^Benchmark(Body|Tokens|Parameters|Handler|Schemas|Decoded|Fault)$",
				"-test.benchmem", "-test.benchtime="+each.String())
			if err != nil {
				return nil, err
			}
			lines = append(lines, out...)
		}
		out, err := measureAjv(1)
		if err != nil {
			return nil, err
		}
		lines = append(lines, out...)
	}
	return lines, nil
}

func output(folder, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = folder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("running %s: %w\n%s%s", name, err, out, stderr.Bytes())
	}
	return out, nil
}
