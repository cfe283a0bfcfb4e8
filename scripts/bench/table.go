package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// table has the figures of all rounds, in the order in which the benchmarks first ran.
type table struct {
	groups []*group
}

// group has the results of one benchmark; the first row is ours.
type group struct {
	name    string
	columns []string // the bodies, or none
	rows    []*row
}

type row struct {
	name  string
	cells map[string]*cell // by column
}

type cell struct {
	ns, allocs []float64
}

// line is one result of a benchmark that may report allocations: Group/row or Group/row/column, where a row may have
// slashes. The columns are the bodies.
var line = regexp.MustCompile(`^Benchmark(\w+)/(.+?)(?:/(full|small|invalid|flat|order|union|unevaluated))?(?:-\d+)?\s+\d+\s+([\d.]+) ns/op(?:\s.*?(\d+) allocs/op)?$`)

func newTable(lines []byte) *table {
	t := &table{}
	for s := bufio.NewScanner(bytes.NewReader(lines)); s.Scan(); {
		m := line.FindStringSubmatch(s.Text())
		if m == nil {
			continue
		}
		ns, _ := strconv.ParseFloat(m[4], 64) // the expression matches only numbers
		allocs, err := strconv.ParseFloat(m[5], 64)
		if err != nil {
			allocs = math.NaN() // another program's are unknown
		}
		c := t.cell(m[1], strings.ReplaceAll(m[2], "_", " "), m[3])
		c.ns, c.allocs = append(c.ns, ns), append(c.allocs, allocs)
	}
	return t
}

// cell returns the cell of a row's column and adds it if it is missing.
func (t *table) cell(groupName, rowName, column string) *cell {
	g := find(&t.groups, func(g *group) bool { return g.name == groupName }, &group{name: groupName})
	if !slices.Contains(g.columns, column) {
		g.columns = append(g.columns, column)
	}
	r := find(&g.rows, func(r *row) bool { return r.name == rowName }, &row{name: rowName, cells: map[string]*cell{}})
	if r.cells[column] == nil {
		r.cells[column] = &cell{}
	}
	return r.cells[column]
}

func find[T any](list *[]T, is func(T) bool, otherwise T) T {
	if i := slices.IndexFunc(*list, is); i >= 0 {
		return (*list)[i]
	}
	*list = append(*list, otherwise)
	return otherwise
}

// titles are the headings of the groups.
var titles = map[string]string{
	"Body":       "a body, validated and decoded",
	"Tokens":     "a body, its tokens only",
	"Parameters": "path, query and headers",
	"Handler":    "a whole request, in process",
	"Schemas":    "a body by a document of another project",
	"Decoded":    "the same, decoded by generated code",
	"Fault":      "the same with one fault",
}

// print writes the table. A ratio is the row's time divided by ours; lax says what a row wrongly accepts, by group and
// row.
func (t *table) print(to io.Writer, lax map[string]string) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	first := func(text string) { fmt.Fprintf(w, "%-*s\t", t.width(), text) }
	for i, g := range t.groups {
		if i > 0 {
			fmt.Fprintln(w)
		}
		first(titles[g.name])
		for _, column := range g.columns {
			fmt.Fprintf(w, "%s ns/op\tallocs\t× ours\t", column)
		}
		_, judged := lax[g.name+"/"+g.rows[0].name]
		if judged {
			fmt.Fprint(w, "  lets through")
		}
		fmt.Fprintln(w)
		for _, r := range g.rows {
			first(r.name)
			for _, column := range g.columns {
				c, ours := r.cells[column], g.rows[0].cells[column]
				fmt.Fprintf(w, "%.0f\t%.0f\t%.2f\t", median(c.ns), median(c.allocs), median(c.ns)/median(ours.ns))
			}
			if judged {
				fmt.Fprint(w, "  ", cmp.Or(lax[g.name+"/"+r.name], "nothing"))
			}
			fmt.Fprintln(w)
		}
	}
	return w.Flush()
}

// width is the length of the longest text in the first column.
func (t *table) width() int {
	width := 0
	for _, g := range t.groups {
		width = max(width, len(titles[g.name]))
		for _, r := range g.rows {
			width = max(width, len(r.name))
		}
	}
	return width
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
