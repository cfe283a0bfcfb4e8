// Package workshop generates code for many schemas at once, as a user does: oapi-codegen's models, validategen's validation,
// and a program that checks values with both. The suite and the differential test use it.
package workshop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Workshop is a folder in which groups of schemas become one document and one program.
type Workshop struct {
	// Log receives how many groups have no oapi-codegen model.
	Log io.Writer
	// Config is oapi-codegen's output-options as JSON; "" means {"skip-prune": true}.
	Config string

	root, dir string // of the repository, and of the workshop
	groups    []*Group
}

// Group is a schema with its components, and values.
type Group struct {
	// Schemas are components, whose names begin with [ComponentName]. The one with exactly that name is the body of an
	// operation.
	Schemas map[string]any
	Values  []Value
	// Plain says why oapi-codegen has no model, so that it is any. Dropped says why the schema was rejected. Both may be "".
	Plain   string
	Dropped string

	number  int
	decoder string // the suffix of the function that decodes its requests, after Decode
}

// Value is a body of a request or a response.
type Value struct {
	Response bool
	JSON     []byte
}

// ComponentName returns the prefix of the names of a group's components. It ends with a letter, so that names that
// oapi-codegen derives cannot collide.
func ComponentName(number int) string { return fmt.Sprintf("G%dE", number) }

// New creates a workshop and builds the two generators. The caller must call Close.
func New(ctx context.Context, log io.Writer) (*Workshop, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("looking for the module: %w", err)
	}
	dir, err := os.MkdirTemp("", "workshop")
	if err != nil {
		return nil, err
	}
	w := &Workshop{Log: log, root: filepath.Dir(strings.TrimSpace(string(mod))), dir: dir}
	return w, errors.Join(w.module(), w.build(ctx, "oapi-codegen", "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"),
		w.build(ctx, "validategen", "./openapi/validategen"))
}

// Close removes the folder.
func (w *Workshop) Close() error { return os.RemoveAll(w.dir) }

// module makes the workshop a module with the repository's dependencies.
func (w *Workshop) module() error {
	mod, err := os.ReadFile(filepath.Join(w.root, "go.mod"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(w.root, "go.sum"))
	if err != nil {
		return err
	}
	name := regexp.MustCompile(`(?m)^module (.*)$`).FindSubmatch(mod)[1]
	mod = bytes.Replace(mod, []byte("module "+string(name)), []byte("module workshop"), 1)
	mod = fmt.Appendf(mod, "\nrequire %s v0.0.0\nreplace %[1]s => %s\n", name, w.root)
	return errors.Join(w.write("go.mod", mod), w.write("go.sum", sum))
}

func (w *Workshop) write(name string, data []byte) error {
	name = filepath.Join(w.dir, filepath.FromSlash(name))
	return errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, data, 0o666))
}

func (w *Workshop) build(ctx context.Context, program, source string) error {
	command := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", filepath.Join(w.dir, program), source)
	command.Dir = w.root
	return said(command)
}

// said runs a command. Its error contains the output.
func said(command *exec.Cmd) error {
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(command.Path), err, out.Bytes())
	}
	return nil
}

// step is a command of the workshop, with the files to write before it.
type step struct {
	tool  string
	args  []string
	first func() error
	back  int // the step to return to if it rejects a schema
}

func (w *Workshop) steps(version string) []step {
	modelled := func() error { return w.writeDocument(version, func(g *Group) bool { return g.Plain == "" }) }
	whole := func() error { return w.writeDocument(version, func(*Group) bool { return true }) }
	return []step{
		{"oapi-codegen", []string{"-config", "config.json", "openapi.json"}, modelled, 0},
		{"go", []string{"build", "./models"}, w.writePlain, 0},
		{"validategen", []string{"-spec", "openapi.json", "-models", "./models", "-package", "valid", "-o", "valid"}, whole, 2},
		{"go", []string{"build", "./valid"}, nil, 2},
		{"go", []string{"build", "-o", "program", "."}, w.writeProgram, 2},
	}
}

// Run builds the program of the groups and returns its faults, indexed by group and value. version is 3.0 or 3.1.
func (w *Workshop) Run(ctx context.Context, version string, groups []*Group) ([][]*validate.Faults, error) {
	w.groups = groups
	for i, g := range groups {
		g.number = i
	}
	if err := w.empty("models"); err != nil {
		return nil, err
	}
	steps := w.steps(version)
	for i := 0; i < len(steps); {
		if !slices.ContainsFunc(groups, func(g *Group) bool { return g.Dropped == "" }) {
			return make([][]*validate.Faults, len(groups)), nil
		}
		err := w.do(ctx, steps[i])
		switch {
		case err == nil:
			i++
		case ctx.Err() == nil && (w.drop(steps[i].tool, err.Error(), steps[i].back == 0) || steps[i].back == 0 && w.makePlain(ctx, steps[i], err.Error())):
			i = steps[i].back // without the rejected groups
		default:
			return nil, err
		}
	}
	return w.results(ctx)
}

// empty creates the folders of the packages, without leftovers of an earlier run. name is that of the models.
func (w *Workshop) empty(name string) error {
	config := w.Config
	if config == "" {
		config = `{"skip-prune": true}`
	}
	errs := []error{w.write("config.json", fmt.Appendf(nil, `{"package": %q, "output": "models/models.gen.go", "generate": {"models": true}, "output-options": %s}`, name, config))}
	for _, name := range []string{"models", "valid"} {
		dir := filepath.Join(w.dir, name)
		errs = append(errs, os.RemoveAll(dir), os.Mkdir(dir, 0o777))
	}
	return errors.Join(errs...)
}

// results runs the program.
func (w *Workshop) results(ctx context.Context) ([][]*validate.Faults, error) {
	command := exec.CommandContext(ctx, filepath.Join(w.dir, "program"))
	command.Dir = w.dir
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("running the generated code: %w", err)
	}
	plain := 0
	for _, g := range w.groups {
		if g.Plain != "" && g.Dropped == "" {
			plain++
		}
	}
	fmt.Fprintf(w.Log, "%d of %d schemas have no model of oapi-codegen and are decoded into any.\n", plain, len(w.groups))
	var results [][]*validate.Faults
	err = json.Unmarshal(out, &results)
	return results, err
}

func (w *Workshop) do(ctx context.Context, s step) error {
	if s.first != nil {
		if err := s.first(); err != nil {
			return err
		}
	}
	name := s.tool
	if name != "go" {
		name = filepath.Join(w.dir, name)
	}
	command := exec.CommandContext(ctx, name, s.args...)
	command.Dir = w.dir
	// All steps, and validategen, which loads the models, compile alike, so that each package is compiled once: with all
	// errors, and without optimisation, because compiling takes longer than running.
	command.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" '-gcflags=workshop/...=-e -N -l'")
	return said(command)
}
