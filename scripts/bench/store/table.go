//go:build linux

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// table has the results of a run.
type table struct{ rows [][4]string }

// title begins a part.
func (t *table) title(format string, args ...any) {
	t.rows = append(t.rows, [4]string{}, [4]string{fmt.Sprintf(format, args...)})
}

// tell adds a figure without a target.
func (t *table) tell(name, format string, args ...any) {
	t.rows = append(t.rows, [4]string{"  " + name, fmt.Sprintf(format, args...)})
}

// judge adds a figure, its target and whether it is met.
func (t *table) judge(name, figure, target string, met bool) {
	verdict := "MISSED"
	if met {
		verdict = "met"
	}
	t.rows = append(t.rows, [4]string{"  " + name, figure, target, verdict})
}

// atLeast is judge of a ratio.
func (t *table) atLeast(name string, ratio, target float64) {
	t.judge(name, fmt.Sprintf("%.2f times", ratio), fmt.Sprintf(">= %.2f times", target), ratio >= target)
}

func (t *table) print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	for _, r := range t.rows {
		if r[1] == "" {
			fmt.Fprintln(w, r[0]) // a title is not part of a column
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r[0], r[1], r[2], r[3])
	}
	return w.Flush()
}
