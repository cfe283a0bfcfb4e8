package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
)

// sums lists the checksums of copied documents, in the format of sha256sum: a copy that was edited since is not replaced.
const sums = apiFolder + "/documents.sha256"

// place copies the document into the project, with the files that it refers to.
func (p *project) place(ctx context.Context, isNew bool) error {
	if p.spec == "" && isNew {
		p.document = "openapi.yaml"
		data, err := starter.ReadFile("starter/todo/openapi.yaml")
		if err != nil {
			return err
		}
		return p.write(p.document, data)
	}
	from := p.spec
	if from == "" {
		from = p.path(p.document)
	}
	files, err := p.read(ctx, from)
	if err != nil {
		return err
	}
	if p.docs && len(files) > 1 {
		return errors.New("-docs needs a document in one file, and this one refers to others: bundle it first")
	}
	if isNew {
		p.document = filepath.Base(from)
	}
	if err := p.checkName(files, filepath.Base(from)); err != nil || isSame(from, p.path(p.document)) {
		return err
	}
	return p.copy(files)
}

// read reads a document and the files that it refers to, by their paths below its folder.
func (p *project) read(ctx context.Context, name string) (map[string][]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	document, err := spec.Load(ctx, data, spec.Options{Folder: filepath.Dir(name), Name: filepath.Base(name)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(document.Operations) == 0 {
		return nil, fmt.Errorf("%s has no operations: there is nothing to serve", name)
	}
	p.schemes, p.spots = schemesOf(document), document.Spots
	files := map[string][]byte{filepath.Base(name): data}
	for _, other := range document.Files {
		if files[other], err = os.ReadFile(filepath.Join(filepath.Dir(name), filepath.FromSlash(other))); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// checkName rejects a document with a changed name, and files that conflict with the project's own.
func (p *project) checkName(files map[string][]byte, name string) error {
	if name != p.document {
		return fmt.Errorf("the document of this project is %s, not %s", p.document, name)
	}
	for other := range files {
		if first, _, _ := strings.Cut(other, "/"); first == apiFolder || path.Ext(other) == ".go" || slices.Contains([]string{"go.mod", "go.sum", "Makefile"}, other) {
			return fmt.Errorf("the document refers to %s, a name that the project uses itself", other)
		}
	}
	return nil
}

func isSame(a, b string) bool {
	one, err1 := os.Stat(a)
	other, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(one, other)
}

// copy writes the files, but never over one that was edited in the project.
func (p *project) copy(files map[string][]byte) error {
	known, err := os.ReadFile(p.path(sums))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var lines bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		old, err := os.ReadFile(p.path(name))
		if err == nil && !bytes.Equal(old, files[name]) && !bytes.Contains(known, sumOf(name, old)) {
			return fmt.Errorf("%s was edited in the project: leave -spec out to use it, or remove it to copy %s", p.path(name), p.spec)
		}
		lines.Write(sumOf(name, files[name]))
		if err := p.write(name, files[name]); err != nil {
			return err
		}
	}
	return p.write(sums, lines.Bytes())
}

func sumOf(name string, data []byte) []byte {
	return fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(data), name)
}

// schemesOf returns the names of the security schemes that operations require, sorted.
func schemesOf(d *spec.Document) []string {
	var all []string
	for _, o := range d.Operations {
		for _, alternative := range o.Security {
			for _, r := range alternative {
				all = append(all, r.Scheme)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
