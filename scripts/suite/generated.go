package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	groups    []*numbered
}

// numbered is a group, whose component in the document is G and its number.
type numbered struct {
	group
	path    string
	number  int
	schemas map[string]any
	dropped string // what refused the schema, "" if nothing did
}

// generated checks the files with generated code. What oapi-codegen has no models for is unsaid; what validategen refuses
// is unjudged.
func generated(ctx context.Context, files []file, s series) (map[string]*counts, error) {
	w, err := newWorkshop(ctx)
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
		results[f.path].depart(f.departure)
	}
	return results, nil
}

func newWorkshop(ctx context.Context) (*workshop, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("looking for the module: %w", err)
	}
	dir, err := os.MkdirTemp("", "suite")
	if err != nil {
		return nil, err
	}
	w := &workshop{root: filepath.Dir(strings.TrimSpace(string(mod))), dir: dir}
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

// renamed returns the components of a document of one schema under names of their own. Identifiers, too, are made unique.
func renamed(schema any, text string, number int) map[string]any {
	name := fmt.Sprint("G", number)
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
	document := func() error { return w.writeDocument(version) }
	build := func(packages ...string) []string { return append([]string{"build", "-gcflags=-e"}, packages...) }
	return []step{
		{"oapi-codegen", []string{"-generate", "types,skip-prune", "-package", "models", "-o", "models/models.gen.go", "openapi.json"}, document, 0},
		{"go", build("./models"), nil, 0},
		{"validategen", []string{"-spec", "openapi.json", "-models", "./models", "-package", "valid", "-o", "valid"}, document, 2},
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
		case ctx.Err() == nil && w.drop(steps[i].tool, err.Error()):
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
	named    = regexp.MustCompile(`\bG([0-9]+)`)
	inSource = regexp.MustCompile(`(?m)^\.?/?((?:models|valid)/[a-z_.]+\.go|main\.go):([0-9]+):`)
)

// drop takes out the groups that a message names, or in whose code it names a line. It reports whether there are any.
func (w *workshop) drop(tool, message string) bool {
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
	any := false
	for _, g := range w.groups {
		if line, ok := numbers[g.number]; ok && g.dropped == "" {
			g.dropped = tool + ": " + line
			any = true
		}
	}
	return any
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

func (w *workshop) writeDocument(version string) error {
	paths, schemas := map[string]any{}, map[string]any{}
	for _, g := range w.groups {
		if g.dropped != "" {
			continue
		}
		name := fmt.Sprint("G", g.number)
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
		fmt.Fprintf(&source, "\t%d: func(data []byte) bool { var v models.G%[1]d; return valid.DecodeG%[1]d(data, &v) == nil },\n", g.number)
		for _, test := range g.Tests {
			values[g.number] = append(values[g.number], test.Data)
		}
	}
	source.WriteString("}\n")
	text, err := json.Marshal(values)
	return errors.Join(err, w.write("main.go", source.Bytes()), w.write("values.json", text))
}

// count adds the verdicts of a group.
func (g *numbered) count(verdicts map[int][]bool, c *counts) {
	if g.dropped != "" {
		if strings.HasPrefix(g.dropped, "oapi-codegen") || strings.Contains(g.dropped, "models/") {
			c.unsaid++
		} else {
			c.unjudged++
		}
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
