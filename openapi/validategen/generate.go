package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// config is what a package is made of.
type config struct {
	packageName string
	spec        []byte
	models      *models
	ignored     []string // extensions that do not validate
}

// generate returns the files of the package, by name.
func generate(c config) (map[string][]byte, error) {
	doc, err := parse(c.spec)
	if err != nil {
		return nil, err
	}
	g := &generator{
		packageName: c.packageName,
		doc:         doc,
		schemas:     &builder{schemas: map[string]*schema{}, ignored: c.ignored},
		models:      c.models,
		names:       map[string]string{},
		taken:       map[string]bool{},
		wants:       map[string]expectation{},
		formats:     map[string]string{},
		structs:     map[string]string{},
		texts:       map[string]bool{},
	}
	operations, err := g.operations()
	if err != nil {
		return nil, err
	}
	files := map[string]*output{"bodies": newOutput(), "encoders": newOutput(), "parameters": newOutput(), "operations": newOutput(), "patterns": newOutput()}
	if err := g.write(files, operations); err != nil {
		return nil, err
	}
	if err := check(c.spec); err != nil {
		return nil, err
	}
	out := map[string][]byte{"doc.gen.go": fmt.Appendf(nil, packageDoc, header, c.packageName)}
	for name, f := range files {
		if f.Len() == 0 {
			continue
		}
		if out[name+".gen.go"], err = g.source(f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

const packageDoc = `%s// Package %s checks and decodes the bytes of the contract in one pass, and encodes them.
//
// Decode functions return nil or the faults; Append functions append JSON to a buffer; [Operations] says what a server
// has to know before it reads a request. All of it is safe for concurrent use.
package %[2]s
`

func (g *generator) write(files map[string]*output, operations []*operation) error {
	if err := g.checkComponents(); err != nil {
		return err
	}
	bodies, err := g.bodies(operations)
	if err != nil {
		return err
	}
	g.file = files["bodies"]
	for _, b := range bodies {
		if err := g.writeBody(b); err != nil {
			return err
		}
	}
	g.file = files["parameters"]
	for _, o := range operations {
		if err := g.writeParameters(o); err != nil {
			return err
		}
	}
	g.file = files["bodies"]
	if err := g.drain(); err != nil {
		return err
	}
	g.writeWants()
	g.file = files["encoders"]
	for _, b := range bodies {
		if err := g.writeEncoder(b); err != nil {
			return err
		}
	}
	if err := g.drain(); err != nil {
		return err
	}
	g.file = files["operations"]
	g.writeOperations(operations, bodies)
	g.file = files["patterns"]
	g.writeFormats()
	g.writePatterns()
	return nil
}

// checkComponents reads every named schema: what no operation uses must not hide what cannot be honoured.
func (g *generator) checkComponents() error {
	list, _ := g.doc.node().at("components", "schemas")
	for _, n := range list.members() {
		if _, err := g.schemas.schema(n); err != nil {
			return err
		}
	}
	return g.schemas.finish()
}

func (g *generator) writeWants() {
	g.p("// What faults expect.\nvar (")
	for _, name := range slices.Sorted(maps.Keys(g.wants)) {
		e := g.wants[name]
		if e.format == "" {
			g.p("%s = validate.Expected{Type: %q}", name, e.typ)
			continue
		}
		g.p("%s = validate.Expected{Type: %q, Format: %q}", name, e.typ, e.format)
	}
	g.p(")")
}

// writeFiles writes the files into a folder and removes those of an earlier run that are no longer made.
func writeFiles(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.gen.go"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if data, err := os.ReadFile(path); err == nil && bytes.HasPrefix(data, []byte(header)) && files[filepath.Base(path)] == nil {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o666); err != nil {
			return err
		}
	}
	return nil
}
