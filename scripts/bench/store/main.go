//go:build linux

// Store measures durable updates over HTTP, compared with the naive build and with the stores alone, and the cost of
// ten million objects instead of ten thousand. It prints one table from one run.
//
//	go run ./store -pfxrd ../../bin/pfxrd -naive ../../bin/bench-naive
//
// Servers, databases and the load share the machine's cores. Every round measures everything once, so that a busy
// moment of the machine affects all alike. A figure is the median of the rounds. CPU is the user and system time of the
// process in the kernel's accounting. The servers log one line per request to a file. PostgreSQL has its default
// settings and runs on the same machine, with a Unix socket.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

var (
	pfxrd       = flag.String("pfxrd", "", "the program to measure")
	naive       = flag.String("naive", "", "the naive build")
	tree        = flag.String("tree", "../..", "the repository, with the benchmarks of the stores")
	dir         = flag.String("dir", "", "folder for databases (a temporary one)")
	rounds      = flag.Int("rounds", 5, "how often each figure is measured")
	duration    = flag.Duration("duration", 5*time.Second, "how long it is measured each time")
	connections = flag.Int("connections", 64, "how many connections send updates, one after another")
	sizes       = flag.Bool("sizes", false, "measure only what many objects cost instead of few")
	observation = flag.Bool("observation", false, "measure only what audit trail, metrics, traces and log cost")
	objects     = flag.Int("objects", 10_000_000, "how many objects the large databases have; 0 for none of them")
)

// smallObjects is the number of objects in the small databases.
const smallObjects = 10_000

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "store: %v\n", err)
		os.Exit(1)
	}
}

func run() (err error) {
	if *pfxrd == "" || *naive == "" {
		return errors.New("-pfxrd and -naive are needed")
	}
	folder, err := os.MkdirTemp(*dir, "bench-store")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	go removeWhenInterrupted(folder)
	if err := os.Setenv("TMPDIR", folder); err != nil { // the stores' benchmarks must use the same disk
		return err
	}
	if err := os.Chmod(folder, 0o755); err != nil { // PostgreSQL's user needs access to its folder
		return err
	}
	busy, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err
	}
	r := &rig{dir: folder}
	defer r.close()
	if err := r.open(); err != nil {
		return err
	}
	t := &table{}
	t.title("load average of the machine before: %s", busy[:bytes.IndexByte(busy, ' ')])
	measures := []func(*table) error{r.measureRates, r.measureLatency, r.measureObservation, r.measureSizes}
	switch {
	case *observation:
		measures = measures[2:3]
	case *objects == 0:
		measures = measures[:3]
	case *sizes:
		measures = measures[3:]
	}
	for _, measure := range measures {
		if err := measure(t); err != nil {
			return errors.Join(err, t.print(os.Stdout)) // keeps the figures so far
		}
	}
	return t.print(os.Stdout)
}

// removeWhenInterrupted removes the gigabytes of an interrupted run. The servers end with this process.
func removeWhenInterrupted(folder string) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	<-interrupted
	_ = os.RemoveAll(folder) // the process ends anyway
	os.Exit(1)
}

// progress prints a line about the progress.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
