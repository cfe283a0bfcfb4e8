package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/scripts/workshop"
)

// numbered is a group with generated code.
type numbered struct {
	*group
	path string
	made *workshop.Group
}

// generated checks the files with generated code. Schemas without an oapi-codegen model are decoded into any. Schemas that
// validategen rejects are unjudged.
func generated(ctx context.Context, files []file, s series, log io.Writer) (map[string]*counts, error) {
	w, err := workshop.New(ctx, log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Close() }() // a leftover is only a temporary folder
	results := map[string]*counts{}
	var all []numbered
	var made []*workshop.Group
	for _, f := range files {
		c := &counts{}
		results[f.path] = c
		for i := range f.groups {
			if g := f.groups[i].code(ctx, s.convert, len(all), c); g != nil {
				all, made = append(all, numbered{&f.groups[i], f.path, g}), append(made, g)
			}
		}
	}
	faults, err := w.Run(ctx, s.version, made)
	if err != nil {
		return nil, err
	}
	for i, g := range all {
		g.count(faults[i], results[g.path])
	}
	for _, f := range files {
		results[f.path].depart(f.departure)
	}
	return results, nil
}

// code returns the workshop's group, or nil for a schema that cannot be checked in process.
func (g *group) code(ctx context.Context, convert converter, number int, c *counts) *workshop.Group {
	c.schemas++
	text, reason := convert(g.Schema)
	if reason != "" {
		c.unsaid++
		return nil
	}
	if _, err := load(ctx, text); err != nil {
		c.unjudged++
		return nil
	}
	made := &workshop.Group{Schemas: renamed(g.Schema, text, number)}
	for _, test := range g.Tests {
		made.Values = append(made.Values, workshop.Value{JSON: test.Data})
	}
	return made
}

// renamed returns the components of a one-schema document under unique names. Identifiers also become unique.
func renamed(schema any, text string, number int) map[string]any {
	name := workshop.ComponentName(number)
	if object, ok := schema.(map[string]any); ok && strings.Contains(text, `nchor":`) && strings.Contains(text, `"openapi":"3.1`) && object["$id"] == nil {
		object["$id"] = "urn:suite:" + name
		text, _ = convert31(schema)
		delete(object, "$id")
	}
	text = strings.ReplaceAll(text, `"#/components/schemas/S`, `"#/components/schemas/`+name)
	text = strings.ReplaceAll(text, `"#/components/schemas/D`, `"#/components/schemas/`+name+"D")
	text = strings.ReplaceAll(text, `"http://localhost:1234/`, `"http://localhost:1234/`+name+"/")
	var document struct {
		Components struct{ Schemas map[string]any }
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&document); err != nil {
		panic(err) // it was written here
	}
	schemas := map[string]any{}
	for component, schema := range document.Components.Schemas {
		schemas[name+strings.TrimPrefix(component, "S")] = schema
	}
	return schemas
}

// count adds the verdicts of a group.
func (g *numbered) count(faults []*validate.Faults, c *counts) {
	if g.made.Dropped != "" {
		c.unjudged++
		c.notes = append(c.notes, fmt.Sprintf("not generated: %s: %s", g.Description, g.made.Dropped))
		return
	}
	for i, test := range g.Tests {
		c.values++
		if faults[i] != nil && faults[i].Undecodable {
			c.undecoded++
		}
		if accepted := faults[i].Verdict() == nil; accepted != test.Valid {
			c.wrong++
			text, _ := json.Marshal(g.Schema)
			c.notes = append(c.notes, fmt.Sprintf("WRONG: %s / %s: %s, accepted %v\n      %s", g.Description, test.Description, test.Data, accepted, text))
		}
	}
}
