//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/pfxrecryption/pfxrecryption/scripts/bench/load"
)

// hotObjects is the number of objects that updates change in turn to measure rates: the same as in the stores'
// benchmarks.
const hotObjects = 1000

// contender is one way to update.
type contender struct {
	name    string
	measure func() (sample, error)
	seen    []sample
}

func (c *contender) perSecond() float64 {
	return load.Median(c.seen, func(s sample) float64 { return s.perSecond })
}

func (c *contender) tell(t *table) {
	cpu := func(of func(sample) float64) float64 { return load.Median(c.seen, of) }
	figure := fmt.Sprintf("%.0f/s", c.perSecond())
	if server := cpu(func(s sample) float64 { return s.serverCPU }); server > 0 {
		figure += fmt.Sprintf(", CPU µs each: server %.0f", server)
		if db := cpu(func(s sample) float64 { return s.databaseCPU }); db > 0 {
			figure += fmt.Sprintf(", PostgreSQL %.0f", db)
		}
		figure += fmt.Sprintf(", load %.0f", cpu(func(s sample) float64 { return s.loadCPU }))
	}
	t.tell(c.name, "%s", figure)
}

// measureRates measures the updates per second of each contender.
func (r *rig) measureRates(t *table) error {
	benchmarks, err := r.buildBenchmarks("sqlite", "postgres")
	if err != nil {
		return err
	}
	lite, postgres := r.kinds[0], r.kinds[1]
	alone := &contender{name: "SQLite store alone, in process", measure: func() (sample, error) { return benchmarks["sqlite"].run("^callers=64$") }}
	usual := &contender{name: "SQLite, naive build over HTTP", measure: func() (sample, error) { return rateOf(&naiveDatabase{lite.small.(*sqliteDatabase)}) }}
	ours := &contender{name: "SQLite, pfxrd over HTTP", measure: func() (sample, error) { return rateOf(lite.small) }}
	shared := &contender{name: "PostgreSQL store alone, shared commits", measure: func() (sample, error) { return benchmarks["postgres"].run("^callers=64$/^shared$") }}
	single := &contender{name: "PostgreSQL store alone, a statement each", measure: func() (sample, error) { return benchmarks["postgres"].run("^callers=64$/^alone$") }}
	theirs := &contender{name: "PostgreSQL, pfxrd over HTTP", measure: func() (sample, error) { return rateOf(postgres.small) }}
	all := []*contender{alone, usual, ours, shared, single, theirs}
	for round := range *rounds {
		for _, c := range all {
			s, err := c.measure()
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			c.seen = append(c.seen, s)
		}
		progress("rates: round %d of %d", round+1, *rounds)
	}
	lite.capacity, postgres.capacity = ours.perSecond(), theirs.perSecond()

	t.title("updates, %d at a time, an fsync before every answer", *connections)
	for _, c := range all[:3] {
		c.tell(t)
	}
	t.atLeast("  of the naive build", ours.perSecond()/usual.perSecond(), 4)
	t.atLeast("  of the store alone", ours.perSecond()/alone.perSecond(), 0.4)
	for _, c := range all[3:] {
		c.tell(t)
	}
	t.atLeast("  shared commits, of a statement each", shared.perSecond()/single.perSecond(), 1.5)
	return nil
}

// rateOf measures a server on a database.
func rateOf(d database) (sample, error) {
	var got sample
	err := served(d, func(s *server) error {
		if _, _, err := s.send(*connections, 0, *duration/4, s.updates(hotObjects, pageUpdate)); err != nil { // warms up
			return err
		}
		var err error
		_, got, err = s.send(*connections, 0, *duration, s.updates(hotObjects, pageUpdate))
		return err
	})
	return got, err
}

// naiveDatabase is one of pfxrd's databases, served by the naive build.
type naiveDatabase struct{ *sqliteDatabase }

func (d *naiveDatabase) serve() (*server, error) { return d.rig.serve("sqlite:"+d.file, *naive) }

// benchmark is a program with a store's own benchmarks, and the folder in which it runs.
type benchmark struct{ program, folder string }

// buildBenchmarks builds the stores' benchmarks, which only their internal packages can contain.
func (r *rig) buildBenchmarks(stores ...string) (map[string]benchmark, error) {
	all := map[string]benchmark{}
	for _, name := range stores {
		b := benchmark{r.path(name + ".test"), filepath.Join(*tree, "server/internal/store", name)}
		cmd := exec.Command("go", "test", "-c", "-o", b.program, ".")
		cmd.Dir, cmd.Stderr = b.folder, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("building the benchmarks of %s: %w", name, err)
		}
		all[name] = b
	}
	return all, nil
}

var (
	updatesPerSecond = regexp.MustCompile(`([\d.]+) updates/s`)
	membersOfOff     = regexp.MustCompile(`([\d.]+) members/off`)
)

// run runs the cases of BenchmarkUpdate that match an expression.
func (b benchmark) run(which string) (sample, error) {
	perSecond, err := b.figure("^BenchmarkUpdate$/"+which, duration.String(), updatesPerSecond)
	return sample{perSecond: perSecond}, err
}

// figure runs a benchmark for some time and returns the figure that an expression finds.
func (b benchmark) figure(which, benchtime string, figure *regexp.Regexp) (float64, error) {
	cmd := exec.Command(b.program, "-test.run=^$", "-test.bench="+which, "-test.benchtime="+benchtime)
	cmd.Dir, cmd.Stderr = b.folder, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("running the benchmark: %w: %s", err, out)
	}
	m := figure.FindSubmatch(out)
	if m == nil {
		return 0, errors.New("the benchmark printed no figure")
	}
	return strconv.ParseFloat(string(m[1]), 64)
}
