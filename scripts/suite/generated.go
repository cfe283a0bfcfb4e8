package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// workshop is a folder in which the schemas of a series become one document, and that becomes a program: models of
// oapi-codegen, validation of validategen, and a table of the values.
type workshop struct {
	root, dir string // of the repository, and of the workshop
	log       io.Writer
	groups    []*numbered
}

// numbered is a group, whose component in the document is G and its number.
type numbered struct {
	group
	path    string
	number  int
	schemas map[string]any
	plain   bool   // the model is any, since oapi-codegen has none
	dropped string // what refused the schema, "" if nothing did
}

// generated checks the files with generated code. What oapi-codegen has no model for is decoded into any. What validategen
// refuses is unjudged.
func generated(ctx context.Context, files []file, s series, log io.Writer) (map[string]*counts, error) {
	w, err := newWorkshop(ctx, log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(w.dir) }() // what is left of it is the system's to clean
	results := map[string]*counts{}
	for _, f := range files {
		results[f.path] = &counts{}
		w.take(ctx, f, s.convert, results[f.path])
	}
	verdicts, err := w.run(ctx, s.version)
	if err != nil {
		return nil, err
	}
	for _, g := range w.groups {
		g.count(verdicts, results[g.path])
	}
	for _, f := range files {
		results[f.path].depart(cmp.Or(f.departure, modelDepartures[f.path]))
	}
	return results, nil
}

func newWorkshop(ctx context.Context, log io.Writer) (*workshop, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("looking for the module: %w", err)
	}
	dir, err := os.MkdirTemp("", "suite")
	if err != nil {
		return nil, err
	}
	w := &workshop{log: log, root: filepath.Dir(strings.TrimSpace(string(mod))), dir: dir}
	return w, errors.Join(w.module(), w.build(ctx, "oapi-codegen", "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"),
		w.build(ctx, "validategen", "./openapi/validategen"))
}

// module makes the workshop a module that has what the repository has.
func (w *workshop) module() error {
	mod, err := os.ReadFile(filepath.Join(w.root, "go.mod"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(w.root, "go.sum"))
	if err != nil {
		return err
	}
	name := regexp.MustCompile(`(?m)^module (.*)$`).FindSubmatch(mod)[1]
	mod = bytes.Replace(mod, []byte("module "+string(name)), []byte("module suite"), 1)
	mod = fmt.Appendf(mod, "\nrequire %s v0.0.0\nreplace %[1]s => %s\n", name, w.root)
	return errors.Join(w.write("go.mod", mod), w.write("go.sum", sum))
}

func (w *workshop) write(name string, data []byte) error {
	name = filepath.Join(w.dir, filepath.FromSlash(name))
	return errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, data, 0o666))
}

func (w *workshop) build(ctx context.Context, program, source string) error {
	command := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(w.dir, program), source)
	command.Dir = w.root
	return said(command)
}

// said runs a command; its error has what it said.
func said(command *exec.Cmd) error {
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(command.Path), err, out.Bytes())
	}
	return nil
}

// take adds the schemas of a file that can be judged in process.
func (w *workshop) take(ctx context.Context, f file, convert converter, c *counts) {
	for _, g := range f.groups {
		c.schemas++
		text, reason := convert(g.Schema)
		if reason != "" {
			c.unsaid++
			continue
		}
		if _, err := load(ctx, text); err != nil {
			c.unjudged++
			continue
		}
		n := len(w.groups)
		w.groups = append(w.groups, &numbered{group: g, path: f.path, number: n, schemas: renamed(g.Schema, text, n)})
	}
}

// componentName ends with a letter, so that no name that oapi-codegen derives from one is another.
func componentName(number int) string { return fmt.Sprintf("G%dE", number) }

// renamed returns the components of a document of one schema under names of their own. Identifiers, too, are made unique.
func renamed(schema any, text string, number int) map[string]any {
	name := componentName(number)
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

// step is a command of the workshop, and what has to be written before it.
type step struct {
	tool  string
	args  []string
	first func() error
	back  int // where to begin again if it refuses a schema
}

func (w *workshop) steps(version string) []step {
	modelled := func() error { return w.writeDocument(version, func(g *numbered) bool { return !g.plain }) }
	whole := func() error { return w.writeDocument(version, func(*numbered) bool { return true }) }
	build := func(packages ...string) []string { return append([]string{"build", "-gcflags=-e"}, packages...) }
	return []step{
		{"oapi-codegen", []string{"-generate", "types,skip-prune", "-package", "models", "-o", "models/models.gen.go", "openapi.json"}, modelled, 0},
		{"go", build("./models"), w.writePlain, 0},
		{"validategen", []string{"-spec", "openapi.json", "-models", "./models", "-package", "valid", "-o", "valid"}, whole, 2},
		{"go", build("./valid"), nil, 2},
		{"go", build("-o", "program", "."), w.writeProgram, 2},
	}
}

// run makes the program and returns its verdicts, by group and value.
func (w *workshop) run(ctx context.Context, version string) (map[int][]bool, error) {
	if err := errors.Join(os.Mkdir(filepath.Join(w.dir, "models"), 0o777), os.Mkdir(filepath.Join(w.dir, "valid"), 0o777)); err != nil {
		return nil, err
	}
	steps := w.steps(version)
	for i := 0; i < len(steps); {
		if !slices.ContainsFunc(w.groups, func(g *numbered) bool { return g.dropped == "" }) {
			return nil, nil
		}
		err := w.do(ctx, steps[i])
		switch {
		case err == nil:
			i++
		case ctx.Err() == nil && (w.drop(steps[i].tool, err.Error(), steps[i].back == 0) || steps[i].back == 0 && w.makePlain(ctx, steps[i], err.Error())):
			i = steps[i].back // without what was refused
		default:
			return nil, err
		}
	}
	command := exec.CommandContext(ctx, filepath.Join(w.dir, "program"))
	command.Dir = w.dir
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("running the generated code: %w", err)
	}
	plain := 0
	for _, g := range w.groups {
		if g.plain && g.dropped == "" {
			plain++
		}
	}
	fmt.Fprintf(w.log, "%d of %d schemas have no model of oapi-codegen and are decoded into any.\n", plain, len(w.groups))
	var verdicts map[int][]bool
	err = json.Unmarshal(out, &verdicts)
	return verdicts, err
}

func (w *workshop) do(ctx context.Context, s step) error {
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
	return said(command)
}

var (
	named     = regexp.MustCompile(`\bG([0-9]+)E`)
	quotation = regexp.MustCompile(`"[^"]{3,}"`)
	inSource  = regexp.MustCompile(`(?m)^\.?/?((?:models|valid)/[a-z_.]+\.go|main\.go):([0-9]+):`)
)

// drop takes out the groups that a message names, or in whose code it names a line, if it is about models first of all
// their models. It reports whether there are any.
func (w *workshop) drop(tool, message string, models bool) bool {
	numbers := map[int]string{}
	for line := range strings.SplitSeq(message, "\n") {
		for _, match := range named.FindAllStringSubmatch(line, -1) {
			if n, err := strconv.Atoi(match[1]); err == nil {
				numbers[n] = line
			}
		}
		if at := inSource.FindStringSubmatch(line); at != nil && len(named.FindString(line)) == 0 {
			if n, ok := w.before(at[1], at[2]); ok {
				numbers[n] = line
			}
		}
	}
	found := false
	for _, g := range w.groups {
		line, ok := numbers[g.number]
		switch {
		case !ok || g.dropped != "":
			continue
		case models && !g.plain:
			g.plain = true
		default:
			g.dropped = tool + ": " + line
		}
		found = true
	}
	return found
}

// makePlain takes models away where oapi-codegen names no schema: from those that hold what it quotes, else from those that
// name themselves, else from those that it refuses. It reports whether there were any.
func (w *workshop) makePlain(ctx context.Context, s step, message string) bool {
	marks := []string{`"$id"`}
	if quoted := quotation.FindAllString(message, -1); quoted != nil {
		marks = slices.Insert(marks, 0, quoted[len(quoted)-1])
	}
	modelled := slices.DeleteFunc(slices.Clone(w.groups), func(g *numbered) bool { return g.plain || g.dropped != "" })
	for _, mark := range marks {
		found := false
		for _, g := range modelled {
			if text, err := json.Marshal(g.schemas); err == nil && bytes.Contains(text, []byte(mark)) {
				g.plain, found = true, true
			}
		}
		if found {
			return true
		}
	}
	return w.refused(ctx, s, modelled)
}

// refused takes the models from the groups that oapi-codegen refuses, by halves.
func (w *workshop) refused(ctx context.Context, s step, groups []*numbered) bool {
	all := w.groups
	w.groups = groups
	err := w.do(ctx, s)
	w.groups = all
	switch {
	case err == nil, ctx.Err() != nil:
		return false
	case len(groups) == 1:
		groups[0].plain = true
		return true
	}
	half := len(groups) / 2
	first := w.refused(ctx, s, groups[:half])
	return w.refused(ctx, s, groups[half:]) || first
}

// before returns the group that is named last before a line of a file.
func (w *workshop) before(name, line string) (int, bool) {
	source, err := os.ReadFile(filepath.Join(w.dir, name))
	end, _ := strconv.Atoi(line)
	lines := strings.Split(string(source), "\n")
	if err != nil || end > len(lines) {
		return 0, false
	}
	for _, text := range slices.Backward(lines[:end]) {
		if match := named.FindStringSubmatch(text); match != nil {
			n, err := strconv.Atoi(match[1])
			return n, err == nil
		}
	}
	return 0, false
}

// writeDocument writes the document of the groups that are still there and that include picks.
func (w *workshop) writeDocument(version string, include func(*numbered) bool) error {
	paths, schemas := map[string]any{}, map[string]any{}
	for _, g := range w.groups {
		if g.dropped != "" || !include(g) {
			continue
		}
		name := componentName(g.number)
		for component, schema := range g.schemas {
			schemas[component] = schema
		}
		paths["/"+name] = map[string]any{"post": operation("op"+name, "#/components/schemas/"+name)}
	}
	text, err := json.MarshalIndent(map[string]any{
		"openapi": version + ".0", "info": map[string]any{"title": "suite", "version": "1"}, "paths": paths,
		"components": map[string]any{"schemas": schemas},
	}, "", " ")
	return errors.Join(err, w.write("openapi.json", text))
}

// writePlain writes the models of the schemas that oapi-codegen has none for.
func (w *workshop) writePlain() error {
	source := []byte("package models\n\n")
	for _, g := range w.groups {
		if g.plain {
			for _, component := range slices.Sorted(maps.Keys(g.schemas)) {
				source = fmt.Appendf(source, "type %s = any\n", component)
			}
		}
	}
	return w.write("models/plain.go", source)
}

func (w *workshop) writeProgram() error {
	var source bytes.Buffer
	source.WriteString("package main\n\nimport (\n\t\"encoding/json\"\n\t\"os\"\n\n\t\"suite/models\"\n\t\"suite/valid\"\n)\n\n" +
		"func main() {\n\tvar values map[int][]json.RawMessage\n\tdata, err := os.ReadFile(\"values.json\")\n" +
		"\tif err != nil || json.Unmarshal(data, &values) != nil {\n\t\tos.Exit(1)\n\t}\n\tverdicts := map[int][]bool{}\n" +
		"\tfor number, list := range values {\n\t\tfor _, value := range list {\n\t\t\tverdicts[number] = append(verdicts[number], checks[number](value))\n\t\t}\n\t}\n" +
		"\tif json.NewEncoder(os.Stdout).Encode(verdicts) != nil {\n\t\tos.Exit(1)\n\t}\n}\n\nvar checks = map[int]func([]byte) bool{\n")
	values := map[int][]json.RawMessage{}
	for _, g := range w.groups {
		if g.dropped != "" {
			continue
		}
		fmt.Fprintf(&source, "\t%d: func(data []byte) bool { var v models.%[2]s; return valid.Decode%[2]s(data, &v) == nil },\n", g.number, g.target())
		for _, test := range g.Tests {
			values[g.number] = append(values[g.number], test.Data)
		}
	}
	source.WriteString("}\n")
	text, err := json.Marshal(values)
	return errors.Join(err, w.write("main.go", source.Bytes()), w.write("values.json", text))
}

// target returns the component that the group's own is: one that is a reference alone has no code.
func (g *numbered) target() string {
	own := componentName(g.number)
	for range g.schemas {
		schema, _ := g.schemas[own].(map[string]any)
		ref, _ := schema["$ref"].(string)
		name, ok := strings.CutPrefix(ref, "#/components/schemas/")
		if !ok || len(schema) > 1 || g.schemas[name] == nil {
			break
		}
		own = name
	}
	return own
}

// count adds the verdicts of a group.
func (g *numbered) count(verdicts map[int][]bool, c *counts) {
	if g.dropped != "" {
		c.unjudged++
		c.notes = append(c.notes, fmt.Sprintf("not generated: %s: %s", g.Description, g.dropped))
		return
	}
	for i, test := range g.Tests {
		c.values++
		if verdicts[g.number][i] != test.Valid {
			c.wrong++
			text, _ := json.Marshal(g.Schema)
			c.notes = append(c.notes, fmt.Sprintf("WRONG: %s / %s: %s, accepted %v\n      %s", g.Description, test.Description, test.Data, verdicts[g.number][i], text))
		}
	}
}
