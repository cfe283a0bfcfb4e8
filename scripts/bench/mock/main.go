//go:build linux

// Mock measures the requests per second of pfxrd mock and Stoplight's Prism, and prints one table from one run.
//
//	go run ./mock -pfxrd ../../bin/pfxrd
//
// Each of the two runs on one core, and the load on another. Every round runs both in turn, so that a busy moment of
// the machine affects both alike. A figure is the median of the rounds. Both have their default logs, in a file; the
// last column has Prism without its log.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/pfxrecryption/pfxrecryption/scripts/bench/load"
)

var (
	pfxrd       = flag.String("pfxrd", "", "the program to measure")
	folder      = flag.String("prism", "../prism/testdata", "where the document is")
	rounds      = flag.Int("rounds", 3, "how often each runs")
	duration    = flag.Duration("duration", 3*time.Second, "how long it runs each time")
	connections = flag.Int("connections", 16, "how many connections send requests, one after another")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "mock: %v\n", err)
		os.Exit(1)
	}
}

// The cores of the measured program and of the load.
const (
	measuredCore = "0"
	loadCore     = "1"
)

type request struct{ name, method, path, fields, body string }

var requests = []request{
	{"an example", "GET", "/report", "Accept: text/csv\r\n", ""},
	{"a value made from the schema", "GET", "/report", "", ""},
	{"another value each time", "GET", "/report", "Prefer: dynamic=true\r\n", ""},
	{"a body that is checked", "POST", "/pay", "Content-Type: application/json\r\n", `{"kind":"card","number":"123456789012"}`},
}

func (r *request) text() []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: mock.test\r\n%sContent-Length: %d\r\n\r\n%s", r.method, r.path, r.fields, len(r.body), r.body)
}

// contender is a mock.
type contender struct {
	name  string
	start func() (*load.Process, error)
	seen  map[string][]float64 // requests per second
}

func run() error {
	if *pfxrd == "" {
		return errors.New("-pfxrd is needed")
	}
	if runtime.NumCPU() < 2 {
		return errors.New("two cores are needed")
	}
	if err := pin(); err != nil {
		return err
	}
	all := []*contender{
		{"pfxrd mock", ours, map[string][]float64{}},
		{"Prism", prism(), map[string][]float64{}},
		{"Prism, silent", prism("--verboseLevel", "silent"), map[string][]float64{}},
	}
	for round := range *rounds {
		for _, c := range all {
			if err := c.measure(); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, *rounds)
	}
	return report(all)
}

// pin moves this process to the core of the load.
func pin() error {
	runtime.GOMAXPROCS(1)
	return exec.Command("taskset", "-acp", loadCore, fmt.Sprint(os.Getpid())).Run()
}

// document is the mocks' document.
func document() string { return filepath.Join(*folder, "media.yaml") }

func ours() (*load.Process, error) {
	return load.Start(exec.Command("taskset", "-c", measuredCore, *pfxrd, "mock", "--listen=127.0.0.1:0", "--spec", document()))
}

func prism(args ...string) func() (*load.Process, error) {
	return func() (*load.Process, error) {
		address, err := load.FreeAddress()
		if err != nil {
			return nil, err
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		const program = "../node_modules/@stoplight/prism-cli/dist/index.js"
		cmd := exec.Command("taskset", append([]string{"-c", measuredCore, "node", program, "mock", "--host", host, "--port", port, document()}, args...)...)
		return load.StartAt(address, load.Listens, cmd)
	}
}

// measure runs one round.
func (c *contender) measure() error {
	p, err := c.start()
	if err != nil {
		return err
	}
	defer p.Stop()
	for i := range requests {
		r := &requests[i]
		l := load.Load{Address: p.Address, Connections: *connections, Duration: *duration / 3, Requests: load.Same(r.text())}
		if _, err := l.Run(); err != nil { // warms up
			return fmt.Errorf("%s: %w", r.name, err)
		}
		l.Duration = *duration
		seen, err := l.Run()
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		c.seen[r.name] = append(c.seen[r.name], seen.PerSecond())
	}
	return nil
}

func report(all []*contender) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "requests a second\t")
	for _, c := range all {
		fmt.Fprintf(w, "%s\t", c.name)
	}
	fmt.Fprintf(w, "of %s\tof %s\t\n", all[1].name, all[2].name)
	for i := range requests {
		var figures []float64
		for _, c := range all {
			figures = append(figures, load.Median(c.seen[requests[i].name], func(f float64) float64 { return f }))
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%.1f×\t%.1f×\t\n", requests[i].name, figures[0], figures[1], figures[2], figures[0]/figures[1], figures[0]/figures[2])
	}
	return w.Flush()
}
