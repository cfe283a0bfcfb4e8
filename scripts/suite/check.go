package main

import (
	"context"
	"fmt"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// counts are the results of a file.
type counts struct {
	schemas, unsaid, unjudged, values, undecoded, apart, wrong int
	notes                                                      []string
}

func (c *counts) add(d counts) {
	c.schemas += d.schemas
	c.unsaid += d.unsaid
	c.unjudged += d.unjudged
	c.values += d.values
	c.undecoded += d.undecoded
	c.apart += d.apart
	c.wrong += d.wrong
}

// depart counts wrong verdicts separately if there is a reason for them.
func (c *counts) depart(reason string) {
	if reason != "" && c.wrong > 0 {
		c.notes = []string{fmt.Sprintf("%d verdicts differ: %s", c.wrong, reason)}
		c.apart, c.wrong = c.wrong, 0
	}
}

func (f file) check(ctx context.Context, convert converter) counts {
	var c counts
	for i := range f.groups {
		c.schemas++
		f.groups[i].check(ctx, convert, &c)
	}
	c.depart(f.departure)
	return c
}

// check counts the verdicts of a group.
func (g *group) check(ctx context.Context, convert converter, c *counts) {
	document, reason := convert(g.Schema)
	if reason != "" {
		c.unsaid++
		return
	}
	schema, err := load(ctx, document)
	if err != nil {
		c.unjudged++
		c.notes = append(c.notes, fmt.Sprintf("not judged: %s: %v", g.Description, err))
		return
	}
	for _, test := range g.Tests {
		c.values++
		faults := schema.Check(ctx, test.Data)
		if (faults == nil) == test.Valid {
			continue
		}
		c.wrong++
		c.notes = append(c.notes, fmt.Sprintf("WRONG: %s / %s: %s is %s\n      %s", g.Description, test.Description, test.Data, verdict(faults), document))
	}
}

func verdict(faults *validate.Faults) string {
	if faults == nil {
		return "accepted"
	}
	return fmt.Sprintf("refused: %v", faults)
}

// load returns the schema of a document's request, or why it cannot be checked.
func load(ctx context.Context, document string) (schema *validate.Schema, err error) {
	d, err := spec.Load(ctx, []byte(document), spec.Options{})
	if err != nil {
		return nil, err
	}
	for _, spot := range d.Spots {
		return nil, fmt.Errorf("%s: %s", spot.Pointer, spot.Reason)
	}
	return d.Operations[0].Request[0].Schema, nil
}
