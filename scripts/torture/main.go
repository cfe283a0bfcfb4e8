//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// harness tests one promise.
type harness struct {
	name  string
	limit [3]time.Duration // time limit, by size
	run   func(context.Context, *rig) (string, error)
}

// harnesses are in the order in which they run: cheap ones that find much come first.
var harnesses = []harness{
	{"crash", [3]time.Duration{5 * time.Minute, 5 * time.Minute, 4 * time.Hour}, crash},
	{"linear", [3]time.Duration{5 * time.Minute, 5 * time.Minute, 4 * time.Hour}, linear},
	{"model", [3]time.Duration{time.Minute, 4 * time.Minute, 2 * time.Hour}, modelBased},
	{"audit", [3]time.Duration{2 * time.Minute, 5 * time.Minute, 4 * time.Hour}, audit},
	{"backup", [3]time.Duration{time.Minute, 3 * time.Minute, time.Hour}, backup},
	{"postgres", [3]time.Duration{time.Minute, 5 * time.Minute, 2 * time.Hour}, postgres},
	{"network", [3]time.Duration{2 * time.Minute, 4 * time.Minute, 2 * time.Hour}, network},
	{"switchover", [3]time.Duration{2 * time.Minute, 4 * time.Minute, 2 * time.Hour}, switchover},
	{"pgbouncer", [3]time.Duration{time.Minute, 3 * time.Minute, time.Hour}, pgbouncer},
	{"fsync", [3]time.Duration{2 * time.Minute, 6 * time.Minute, 2 * time.Hour}, fsync},
	{"overload", [3]time.Duration{time.Minute, 2 * time.Minute, 20 * time.Minute}, overload},
	{"slow", [3]time.Duration{2 * time.Minute, 3 * time.Minute, 10 * time.Minute}, slow},
	{"mangled", [3]time.Duration{time.Minute, 3 * time.Minute, 40 * time.Minute}, mangled},
	{"upgrade", [3]time.Duration{time.Minute, 2 * time.Minute, time.Hour}, upgrade},
	{"rolling", [3]time.Duration{time.Minute, 3 * time.Minute, time.Hour}, rolling},
	{"resources", [3]time.Duration{time.Minute, 3 * time.Minute, time.Hour}, resources},
	{"soak", [3]time.Duration{2 * time.Minute, 5 * time.Minute, 90 * time.Minute}, soak},
}

// errTooLong ends a harness that has neither passed nor found anything.
var errTooLong = errors.New("it takes longer")

// inQuick are the harnesses of a quick run.
var inQuick = []string{"crash", "linear"}

// size is how much a run does.
type size int

const (
	quick size = iota
	short
	long
)

// of returns the figure for the size.
func of[T any](s size, quick, short, long T) T { return [3]T{quick, short, long}[s] }

func main() {
	flags := flag.NewFlagSet("torture", flag.ExitOnError) // rapid adds its own flags to flag.CommandLine
	pfxrd := flags.String("pfxrd", "bin/pfxrd", "the server's `program`")
	old := flags.String("old", "", "the `program` of an earlier release, for upgrade; empty means that of -pfxrd")
	keep := flags.String("keep", "bin/torture", "the `folder` for the evidence of a harness that fails")
	seed := flags.Uint64("seed", 0, "seed of all random choices; 0 means a new one")
	isLong := flags.Bool("long", false, "run for hours")
	isQuick := flags.Bool("quick", false, "run crash and linear for about a minute")
	mutants := flags.Bool("mutants", false, "plant the faults of scripts/torture/mutants, which the harnesses must find; run it at the top of the repository")
	_ = flags.Parse(os.Args[1:]) // exits on an error
	s := short
	switch {
	case *isLong:
		s = long
	case *isQuick:
		s = quick
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	c := config{pfxrd: *pfxrd, old: *old, keep: *keep, size: s, seed: *seed}
	var err error
	if *mutants {
		err = plantAll(ctx, c, flags.Args())
	} else {
		err = runAll(ctx, c, flags.Args())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

// choose returns the named harnesses, or all.
func choose(names []string, s size) ([]harness, error) {
	if len(names) == 0 {
		if s != quick {
			return harnesses, nil
		}
		names = inQuick
	}
	var chosen []harness
	for _, name := range names {
		i := slices.IndexFunc(harnesses, func(h harness) bool { return h.name == name })
		if i < 0 {
			var known []string
			for _, h := range harnesses {
				known = append(known, h.name)
			}
			return nil, fmt.Errorf("there is no harness %q: want %s", name, strings.Join(known, ", "))
		}
		chosen = append(chosen, harnesses[i])
	}
	return chosen, nil
}

// runAll runs every harness, even after a failure.
func runAll(ctx context.Context, c config, names []string) error {
	chosen, err := choose(names, c.size)
	if err != nil {
		return err
	}
	var failed []string
	for _, h := range chosen {
		start := time.Now()
		line, err := c.run(ctx, h)
		took := time.Since(start).Round(time.Second)
		if err != nil {
			fmt.Printf("%-10s FAILED after %s (seed %d): %v\n", h.name, took, c.seed, err)
			failed = append(failed, h.name)
			continue
		}
		fmt.Printf("%-10s %s (%s)\n", h.name, line, took)
	}
	if len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

// run runs one harness in its own rig. The files of a failed harness are kept.
func (c config) run(ctx context.Context, h harness) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, h.limit[c.size], fmt.Errorf("%w than %s", errTooLong, h.limit[c.size]))
	defer cancel()
	r, err := newRig(ctx, c)
	if err != nil {
		return "", err
	}
	line, err := h.run(ctx, r)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return line, errors.Join(err, r.close(h.name, err != nil))
}

// evidence returns the folder for the evidence of a failed harness.
func (c config) evidence(name string) string {
	return filepath.Join(c.keep, name+"-"+time.Now().UTC().Format("20060102T150405"))
}
