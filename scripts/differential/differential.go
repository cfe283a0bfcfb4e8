// Package differential compares validategen's code with in-process evaluation: verdicts and lists of faults, on random
// bodies of random documents, as requests and as responses.
package differential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/scripts/workshop"
)

// Comparison is a number of documents and the results.
type Comparison struct {
	Documents int
	Bodies    int    // of each document
	Seed      uint64 // of the first document

	// Unjudged documents cannot be checked in process, Dropped ones are rejected by a generator, and Plain ones have no
	// oapi-codegen model.
	Unjudged, Dropped, Plain int
	// Accepted and Refused count bodies on which both agree; Undecoded ones are accepted but have no Go value.
	Accepted, Refused, Undecoded int
	Differences                  []string
	Reasons                      []string // why documents were dropped
}

// drawn is a random document and its schemas in process.
type drawn struct {
	document *spectest.Document
	group    *workshop.Group
	judges   [2]*validate.Schema // for requests and for responses
	seed     uint64
}

// Run generates the documents, builds one program for those of each version, and compares.
func (c *Comparison) Run(ctx context.Context, log io.Writer) error {
	w, err := workshop.New(ctx, log)
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }() // a leftover is only a temporary folder
	w.Config = `{"skip-prune": true, "nullable-type": true}`
	byVersion := map[bool][]*drawn{}
	for seed := c.Seed; seed < c.Seed+uint64(c.Documents); seed++ {
		v31 := draw(seed, 0).document.V31
		d := draw(seed, len(byVersion[v31]))
		if !d.load(ctx) {
			c.Unjudged++
			continue
		}
		d.values(c.Bodies)
		byVersion[v31] = append(byVersion[v31], d)
	}
	return errors.Join(c.version(ctx, w, "3.0", byVersion[false]), c.version(ctx, w, "3.1", byVersion[true]))
}

// draw generates a document whose components have names for a group.
func draw(seed uint64, number int) *drawn {
	source := spectest.Seed(seed)
	d := spectest.NewDocument(source, spectest.Options{Prefix: workshop.ComponentName(number), Typed: seed%8 > 0})
	return &drawn{document: d, seed: seed}
}

// load reports whether the document can be checked in process.
func (d *drawn) load(ctx context.Context) bool {
	loaded, err := spec.Load(ctx, d.document.JSON(), spec.Options{})
	if err != nil || len(loaded.Spots) > 0 {
		return false
	}
	o := loaded.Operations[0]
	d.judges = [2]*validate.Schema{o.Request[0].Schema, o.Responses[0].Bodies[0].Schema}
	return true
}

// malformed is the number of bodies for each one that may be invalid JSON.
const malformed = 24

func (d *drawn) values(bodies int) {
	source := spectest.Seed(d.seed ^ 0xb0d1e5)
	d.group = &workshop.Group{}
	for i := range bodies {
		body := spectest.NewBody(source, d.document)
		if source.Chance(malformed) {
			body = spectest.Malform(source, body)
		}
		d.group.Values = append(d.group.Values, workshop.Value{Response: i%2 == 1, JSON: body})
	}
}

func (c *Comparison) version(ctx context.Context, w *workshop.Workshop, version string, list []*drawn) error {
	var groups []*workshop.Group
	for i, d := range list {
		d.group.Schemas = map[string]any{workshop.ComponentName(i): d.document.Schema}
		for name, schema := range d.document.Components {
			d.group.Schemas[name] = schema
		}
		groups = append(groups, d.group)
	}
	faults, err := w.Run(ctx, version, groups)
	if err != nil {
		return err
	}
	for i, d := range list {
		c.document(ctx, d, faults[i])
	}
	return nil
}

// document compares both verdicts on the bodies of a document. It keeps only the first difference.
func (c *Comparison) document(ctx context.Context, d *drawn, generated []*validate.Faults) {
	switch {
	case strings.HasPrefix(d.group.Dropped, "go: "):
		c.Differences = append(c.Differences, fmt.Sprintf("document %d: what is generated does not compile: %s\n%s", d.seed, d.group.Dropped, d.document.JSON()))
		return
	case d.group.Dropped != "":
		c.Dropped++
		c.Reasons = append(c.Reasons, fmt.Sprintf("document %d: %s", d.seed, d.group.Dropped))
		return
	case d.group.Plain != "":
		c.Plain++
		c.Reasons = append(c.Reasons, fmt.Sprintf("document %d has no model: %s", d.seed, d.group.Plain))
	}
	said := false
	for i, v := range d.group.Values {
		judge := d.judges[0]
		if v.Response {
			judge = d.judges[1]
		}
		difference := c.body(judge.Check(ctx, v.JSON), generated[i])
		if difference != "" && !said {
			said = true
			c.Differences = append(c.Differences, fmt.Sprintf("document %d, response %t: %s\n%s\n%s", d.seed, v.Response, v.JSON, difference, d.document.JSON()))
		}
	}
}

// body counts a body, and returns how the faults differ.
func (c *Comparison) body(inProcess, generated *validate.Faults) string {
	undecodable := generated != nil && generated.Undecodable
	want, got := text(inProcess), text(generated.Verdict())
	switch {
	case want != got:
		return fmt.Sprintf("in process: %s\ngenerated:  %s", want, text(generated))
	case inProcess != nil:
		c.Refused++
	default:
		c.Accepted++
		if undecodable {
			c.Undecoded++
		}
	}
	return ""
}

func text(f *validate.Faults) string {
	text, err := json.Marshal(f)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
