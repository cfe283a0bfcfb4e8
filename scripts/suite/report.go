package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// report prints counts.
type report struct {
	out     io.Writer
	verbose bool
	table   *tabwriter.Writer
	notes   []string
	total   counts
	wrong   int
}

func (r *report) begin(s series) {
	r.total, r.notes = counts{}, nil
	r.table = tabwriter.NewWriter(r.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(r.table, "%s in OpenAPI %s\tschemas\tunsaid\tunjudged\tvalues\tundecoded\tapart\twrong\t\n", s.draft, s.version)
}

func (r *report) add(path string, c counts) {
	r.total.add(c)
	r.wrong += c.wrong
	r.row(path, c)
	for _, note := range c.notes {
		r.notes = append(r.notes, path+": "+note)
	}
}

func (r *report) row(name string, c counts) {
	fmt.Fprintf(r.table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name, c.schemas, c.unsaid, c.unjudged, c.values, c.undecoded, c.apart, c.wrong)
}

func (r *report) end() {
	r.row("all", r.total)
	if err := r.table.Flush(); err != nil {
		r.wrong++ // otherwise the report is lost
	}
	if r.verbose {
		for _, note := range r.notes {
			fmt.Fprintln(r.out, note)
		}
	}
	fmt.Fprintln(r.out)
}
