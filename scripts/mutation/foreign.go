package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/scripts/mutation/cases"
)

// foreign are the test documents of validategen that are mutated like our own. Their cases are generated: the values at the
// bounds of each schema, with the verdicts of in-process evaluation.
var foreign = []string{"shop", "tree", "zoo"}

// foreignContract is a foreign document with its models.
func foreignContract(ctx context.Context, root, name string) (*contract, error) {
	folder := filepath.Join(root, "openapi", "validategen", "testdata", name)
	document, err := os.ReadFile(filepath.Join(folder, "openapi.yaml"))
	if err != nil {
		return nil, err
	}
	d, err := spec.Load(ctx, document, spec.Options{})
	if err != nil {
		return nil, err
	}
	c := &contract{equivalents: equivalentOf(foreignEquivalents[name]), name: name, document: document, models: "./openapi/validategen/testdata/" + name, judge: foreignSource}
	for _, o := range d.Operations {
		c.cases = append(c.cases, casesOf(o)...)
	}
	for i := range c.cases {
		c.cases[i].Want = cases.Judge(d.Operations, c.cases[i])
	}
	return c, nil
}

// casesOf returns the cases of an operation, without verdicts.
func casesOf(o *validate.Operation) []cases.Case {
	all := []cases.Case{{Kind: cases.Operation, OperationID: o.ID, Name: o.ID}}
	bodies := func(status string, list []*validate.Body) {
		for _, b := range list {
			if b.Schema == nil {
				continue
			}
			for _, text := range boundaries(b.Schema) {
				if text, ok := written(b.Type, text); ok {
					name := fmt.Sprintf("%s %s %s %s", o.ID, status, b.Type, text)
					all = append(all, cases.Case{Kind: cases.Body, OperationID: o.ID, Status: status, Type: b.Type, Body: text, Name: name})
				}
			}
		}
	}
	bodies("", o.Request)
	for _, r := range o.Responses {
		bodies(r.Status, r.Bodies)
	}
	return append(all, parametersOf(o)...)
}

// written formats a JSON text for a media type.
func written(mediaType, text string) (string, bool) {
	switch {
	case validate.IsJSON(mediaType):
		return text, true
	case mediaType == "application/x-www-form-urlencoded":
		var members map[string]any
		if json.Unmarshal([]byte(text), &members) != nil {
			return "", false
		}
		return query(members), true
	}
	var plain string
	err := json.Unmarshal([]byte(text), &plain)
	return plain, err == nil
}

// query formats members in the style form, exploded.
func query(members map[string]any) string {
	q := url.Values{}
	for name, v := range members {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, v := range list {
			q.Add(name, fmt.Sprint(v))
		}
	}
	return q.Encode()
}

// parametersOf returns cases in which one query parameter or cookie has each of its values.
func parametersOf(o *validate.Operation) []cases.Case {
	var all []cases.Case
	for _, p := range o.Parameters {
		c := cases.Case{Kind: cases.Parameters, OperationID: o.ID}
		values := append(boundaries(p.Schema), "")
		for _, text := range values {
			var v any
			if json.Unmarshal([]byte(text), &v) != nil {
				all = append(all, c) // without the parameter
				continue
			}
			c.Name = fmt.Sprint(o.ID, " ", p.Name, " ", text)
			switch p.In {
			case "query":
				c.Query = query(map[string]any{p.Name: v})
			case "cookie":
				c.Header = http.Header{"Cookie": {p.Name + "=" + url.QueryEscape(fmt.Sprint(v))}}
			}
			all = append(all, c)
		}
	}
	return all
}

// inProcess returns the fates of mutants evaluated in process.
func inProcess(ctx context.Context, c *contract, mutants []mutant) []fate {
	fates := make([]fate, len(mutants))
	for i, m := range mutants {
		fates[i] = fate{mutant: m, by: nobody, equivalent: c.equivalents[m.String()]}
		d, err := spec.Load(ctx, m.spec, spec.Options{})
		if err != nil {
			fates[i].by, fates[i].how = generator, oneLine(err.Error())
			continue
		}
		if at := slices.IndexFunc(c.cases, func(c cases.Case) bool { return cases.Judge(d.Operations, c) != c.Want }); at >= 0 {
			fates[i].by, fates[i].how = aCase, strings.TrimSpace(c.cases[at].Name+": "+cases.Judge(d.Operations, c.cases[at]))
		}
	}
	return fates
}
