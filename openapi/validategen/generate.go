package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// config is the input for a package.
type config struct {
	packageName string
	spec        []byte
	folder      string // the document's folder, for references to other files; "" for none
	name        string // of the document's file
	models      *models
	server      *server  // nil if no server is generated
	ignored     []string // extensions that do not validate
	skip        bool     // leave out operations that cannot be generated
}

// result is a package with notes for the user.
type result struct {
	files  map[string][]byte
	server map[string][]byte // of the package of the handler
	notes  []string
}

// generate returns the files of the package. Its error lists everything that cannot be generated.
func generate(c config) (*result, error) {
	document, err := load(c.spec, spec.Options{Folder: c.folder, Name: c.name, IgnoredExtensions: c.ignored})
	if err != nil {
		return nil, err
	}
	c.models = c.models.renamed(document.goNames())
	g := newGenerator(c, document)
	operations := g.operations()
	files, err := g.write(operations)
	var skipped []leftOut
	if err != nil && c.skip {
		operations, skipped = c.writable(document, operations)
		g = newGenerator(c, document)
		files, err = g.write(operations)
	}
	if err != nil {
		return nil, err
	}
	handler := newOutput()
	if c.server != nil {
		g.file = handler
		if err := g.writeServer(operations, skipped); err != nil {
			return nil, err
		}
	}
	r := &result{files: map[string][]byte{"doc.gen.go": fmt.Appendf(nil, packageDoc, header, c.packageName)}}
	for _, w := range document.Warnings {
		r.notes = append(r.notes, w.Pointer+": "+w.Text)
	}
	r.notes = append(r.notes, g.notes...)
	for _, l := range skipped {
		for line := range strings.SplitSeq(l.reason, "\n") {
			r.notes = append(r.notes, l.ID+" is left out: "+line)
		}
	}
	for name, f := range files {
		if f.Len() == 0 {
			continue
		}
		if r.files[name+".gen.go"], err = g.source(f, c.packageName); err != nil {
			return nil, err
		}
	}
	return r, c.addServer(g, handler, r)
}

// addServer adds the package of the handler.
func (c *config) addServer(g *generator, handler *output, r *result) error {
	if c.server == nil {
		return nil
	}
	source, err := g.source(handler, c.server.name)
	text := fmt.Sprintf(serverDoc, header, c.server.name, c.packageName)
	r.server = map[string][]byte{"doc.gen.go": []byte(text), "server.gen.go": source}
	return err
}

func newGenerator(c config, document *contract) *generator {
	return &generator{
		packageName: c.packageName, contract: document, models: c.models, server: c.server, lenient: c.skip,
		names: map[string]string{}, taken: map[string]bool{"Operations": true, "schemas": true, "headers": true}, wants: map[string]validate.Expected{},
		formats: map[string]string{}, structs: map[string]string{}, texts: map[string]string{}, literals: map[int]int{},
		resolved: map[string]*schema{},
	}
}

// leftOut is an operation that cannot be generated, with the reason.
type leftOut struct {
	*operation
	reason string // a line for each place
}

// writable returns the operations that can be generated, and the others.
func (c *config) writable(document *contract, all []*operation) ([]*operation, []leftOut) {
	var good []*operation
	var skipped []leftOut
	for _, o := range all {
		if _, err := newGenerator(*c, document).write([]*operation{o}); err != nil {
			skipped = append(skipped, leftOut{o, err.Error()})
			continue
		}
		good = append(good, o)
	}
	return good, skipped
}

const packageDoc = `%s// Package %s checks and decodes the bytes of the contract in one pass, and encodes them.
//
// Decode functions return nil or the faults; Append functions append JSON to a buffer; [Operations] says what a server
// has to know before it reads a request. All of it is safe for concurrent use.
package %[2]s
`

const serverDoc = `%s// Package %s serves the operations of the document over HTTP: [New] returns the handler of an implementation of
// StrictServerInterface. What reaches it has been checked and decoded by package %[3]s.
package %[2]s
`

// write writes the files. It continues after errors, to report all of them.
func (g *generator) write(operations []*operation) (map[string]*output, error) {
	files := map[string]*output{"bodies": newOutput(), "encoders": newOutput(), "parameters": newOutput(), "operations": newOutput(), "patterns": newOutput(), "schemas": newOutput()}
	bodies, err := g.bodies(operations)
	errs := []error{err}
	for _, b := range bodies {
		for _, name := range []string{"Decode", "Append"} {
			g.taken[name+b.name] = true
		}
	}
	g.file = files["bodies"]
	for _, b := range bodies {
		errs = append(errs, g.writeBody(b))
	}
	g.file = files["parameters"]
	for _, o := range operations {
		errs = append(errs, g.writeParameters(o))
	}
	g.file = files["bodies"]
	errs = append(errs, g.writeDecoders(operations), g.drain())
	g.file = files["encoders"]
	for _, b := range bodies {
		errs = append(errs, g.writeEncoder(b))
	}
	errs = append(errs, g.drain())
	for _, b := range bodies {
		if g.isStraight(b.schema) {
			b.check = g.unique("check" + b.name)
		}
	}
	g.file = files["operations"]
	g.writeOperations(operations, bodies)
	g.file = files["bodies"]
	g.writeWants()
	g.file = files["patterns"]
	g.writeMatchers()
	g.file = files["schemas"]
	g.writeLiterals()
	return files, distinctErrors(errs)
}

// distinctErrors joins errors without duplicate texts.
func distinctErrors(errs []error) error {
	var all []error
	seen := map[string]bool{"": true}
	err := errors.Join(errs...)
	if err == nil {
		return nil
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		if !seen[line] {
			seen[line] = true
			all = append(all, errors.New(line))
		}
	}
	return errors.Join(all...)
}

// isStraight reports whether package validate checks no part of the schema. Then the decoder is also the fastest check.
func (g *generator) isStraight(s *schema) bool {
	return !slices.ContainsFunc(spec.Reached(s.Schema), func(s *validate.Schema) bool { return s.Types != 0 && g.contract.schema(s).whole })
}

func (g *generator) writeWants() {
	if len(g.wants) == 0 {
		return
	}
	g.p("// The types that faults report as expected.\nvar (")
	for _, name := range slices.Sorted(maps.Keys(g.wants)) {
		g.p("%s = %s", name, g.text(g.wants[name]))
	}
	g.p(")")
}

// writeFiles writes the files into a folder and removes files of an earlier run that are no longer generated.
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
