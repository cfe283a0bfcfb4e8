package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/scripts/mutation/cases"
)

const module = "github.com/pfxrecryption/pfxrecryption"

// judgeSource is added to each generated package: it returns the package's verdict on a case.
//
//go:embed testdata/judge.go.txt
var judgeSource []byte

// foreignSource is the same for the package of a foreign document.
//
//go:embed testdata/foreign.go.txt
var foreignSource []byte

// batchSource joins the generator's package for one build.
//
//go:embed testdata/batch.go.txt
var batchSource []byte

// workshop is the folder in which each mutant becomes a package of one program.
type workshop struct {
	root, dir string // of the repository, and of the workshop
	contract  *contract
}

// contract is a document with its cases.
type contract struct {
	name        string // "" for our own
	document    []byte
	models      string // the package
	judge       []byte // the source of Judge
	cases       []cases.Case
	equivalents map[string]*equivalent
}

func ownContract(root string, generated bool) (*contract, error) {
	document, err := os.ReadFile(filepath.Join(root, "openapi", "openapi.yaml"))
	c := &contract{document: document, models: "./gen/pfxapi", judge: judgeSource, cases: cases.All(), equivalents: equivalentOf(equivalents)}
	for i := range c.cases {
		if o := &c.cases[i]; o.Kind == cases.Operation && !generated {
			o.Want = o.Want[:strings.LastIndexByte(o.Want, ']')+1] // only generated code knows the Go type of a body
		}
	}
	return c, err
}

// measure returns the fates of a contract's mutants that pick selects, either in process or in generated code.
func measure(ctx context.Context, name string, generated bool, pick func(i int, m mutant) bool) (*result, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("looking for the module: %w", err)
	}
	dir, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system removes leftovers
	w := &workshop{root: filepath.Dir(strings.TrimSpace(string(mod))), dir: dir}
	if name == "" {
		w.contract, err = ownContract(w.root, generated)
	} else {
		w.contract, err = foreignContract(ctx, w.root, name)
	}
	if err != nil {
		return nil, err
	}
	mutants, err := w.contract.mutants(pick)
	if err != nil {
		return nil, err
	}
	var fates []fate
	if generated {
		fates, err = w.fates(ctx, mutants)
	} else {
		fates = inProcess(ctx, w.contract, mutants)
	}
	if err != nil {
		return nil, err
	}
	if f := fates[0]; f.by != nobody {
		return nil, fmt.Errorf("the unchanged document is rejected by %s %s", f.by, f.how)
	}
	return &result{contract: name, generated: generated, cases: len(w.contract.cases), fates: fates[1:]}, nil
}

// mutants returns the document itself and the mutants that pick selects. The document must pass; otherwise the fates
// prove nothing.
func (c *contract) mutants(pick func(i int, m mutant) bool) ([]mutant, error) {
	mutants, err := mutate(c.document)
	if err != nil {
		return nil, fmt.Errorf("mutating: %w", err)
	}
	if err := checkEquivalents(c.equivalents, mutants); err != nil {
		return nil, err
	}
	i := -1
	mutants = slices.DeleteFunc(mutants, func(m mutant) bool { i++; return !pick(i, m) })
	return slices.Insert(mutants, 0, mutant{"", "unchanged", c.document}), nil
}

// command runs a program in a folder. Its error contains the program's output.
func command(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-trimpath")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.Bytes(), &failure{name, stdout.String() + stderr.String(), err}
	}
	return stdout.Bytes(), nil
}

type failure struct {
	name, said string
	err        error
}

func (f *failure) Error() string { return fmt.Sprintf("%s: %v\n%s", f.name, f.err, f.said) }

func (f *failure) Unwrap() error { return f.err }

// fates generates, compiles and runs the mutants. Mutants with the same code share a package, because their verdicts
// are equal.
func (w *workshop) fates(ctx context.Context, mutants []mutant) ([]fate, error) {
	fates := make([]fate, len(mutants))
	packages := make([]string, len(mutants))
	refused, err := w.generate(ctx, mutants)
	if err != nil {
		return nil, err
	}
	for i, m := range mutants {
		fates[i] = fate{mutant: m, by: nobody, equivalent: w.contract.equivalents[m.String()]}
		name := fmt.Sprint("spec", i)
		if why, ok := refused[name+".yaml"]; ok {
			fates[i].by, fates[i].how = generator, oneLine(why)
			continue
		}
		if packages[i], err = w.name(filepath.Join(w.dir, name)); err != nil {
			return nil, err
		}
	}
	broken, err := w.compile(ctx)
	if err != nil {
		return nil, err
	}
	killers, err := w.judge(ctx, slices.DeleteFunc(slices.Clone(packages), func(p string) bool { return p == "" || broken[p] != "" }))
	if err != nil {
		return nil, err
	}
	for i, p := range packages {
		f := &fates[i]
		switch {
		case p == "":
		case broken[p] != "":
			f.by, f.how = compiler, broken[p]
		case killers[p] != "":
			f.by, f.how = aCase, killers[p]
		}
	}
	return fates, nil
}

// generate writes the package of each mutant. It returns why some cannot be generated, by file name. The generator is
// the repository's with another main, to load the models only once.
func (w *workshop) generate(ctx context.Context, mutants []mutant) (map[string]string, error) {
	for i, m := range mutants {
		if err := os.WriteFile(filepath.Join(w.dir, fmt.Sprintf("spec%d.yaml", i)), m.spec, 0o666); err != nil {
			return nil, err
		}
	}
	batch := filepath.Join(w.dir, "batch.go.txt")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(w.root, "openapi", "validategen", "batch.go"): batch}})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(w.dir, "overlay.json")
	if err := errors.Join(os.WriteFile(batch, batchSource, 0o666), os.WriteFile(file, overlay, 0o666)); err != nil {
		return nil, err
	}
	program := filepath.Join(w.dir, "generate")
	if _, err := command(ctx, w.root, "go", "build", "-overlay", file, "-o", program, "./openapi/validategen"); err != nil {
		return nil, err
	}
	out, err := command(ctx, w.root, program, w.dir, w.contract.models)
	if err != nil {
		return nil, err
	}
	var refused map[string]string
	err = json.Unmarshal(out, &refused)
	return refused, err
}

// name renames a generated package after a hash of its code, so that equal code is compiled only once, in this run and
// in later ones.
func (w *workshop) name(out string) (string, error) {
	sum := sha256.New()
	entries, err := os.ReadDir(out)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		path := filepath.Join(out, e.Name())
		switch {
		case e.Name() == "encoders.gen.go": // no case uses it, so it is not compiled
			if err := os.Remove(path); err != nil {
				return "", err
			}
			continue
		}
		source, err := withoutComments(path)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(path, source, 0o666); err != nil {
			return "", err
		}
		fmt.Fprintln(sum, e.Name(), len(source))
		sum.Write(source)
	}
	if err := os.WriteFile(filepath.Join(out, "judge.go"), w.contract.judge, 0o666); err != nil {
		return "", err
	}
	name := fmt.Sprintf("m%x", sum.Sum(nil)[:8])
	err = os.Rename(out, filepath.Join(w.dir, name))
	if errors.Is(err, fs.ErrExist) {
		err = os.RemoveAll(out) // another package has the same code
	}
	return name, err
}

// withoutComments returns a file's code without comments, which may differ for equal code.
func withoutComments(path string) ([]byte, error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = format.Node(&b, set, f)
	return b.Bytes(), err
}

// compile compiles every package and returns the compiler's errors by package.
func (w *workshop) compile(ctx context.Context) (map[string]string, error) {
	goMod, err := os.ReadFile(filepath.Join(w.root, "go.mod"))
	if err != nil {
		return nil, err
	}
	goMod = bytes.Replace(goMod, []byte("module "+module+"\n"), []byte("module mutants\n"), 1)
	goMod = fmt.Appendf(goMod, "\nrequire %s v0.0.0\n\nreplace %[1]s => %q\n", module, w.root)
	goSum, err := os.ReadFile(filepath.Join(w.root, "go.sum"))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.WriteFile(filepath.Join(w.dir, "go.mod"), goMod, 0o666), os.WriteFile(filepath.Join(w.dir, "go.sum"), goSum, 0o666)); err != nil {
		return nil, err
	}
	_, err = command(ctx, w.dir, "go", "build", quick, "./...")
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return nil, err
	}
	broken := map[string]string{}
	for _, said := range regexp.MustCompile(`(?m)^# mutants/(m[0-9a-f]+)\n(.*)`).FindAllStringSubmatch(f.said, -1) {
		broken[said[1]] = said[2]
	}
	if len(broken) == 0 {
		return nil, err
	}
	return broken, nil
}

// quick turns optimisation off, because compiling takes longer than running the cases.
const quick = "-gcflags=mutants/...=-N -l"

// judge builds one program of all packages and returns the first case that each one fails.
func (w *workshop) judge(ctx context.Context, packages []string) (map[string]string, error) {
	slices.Sort(packages)
	packages = slices.Compact(packages)
	var b bytes.Buffer
	fmt.Fprintf(&b, "package main\n\nimport (\n\t\"encoding/gob\"\n\t\"encoding/json\"\n\t\"os\"\n\n\t%q\n", module+"/scripts/mutation/cases")
	for _, p := range packages {
		fmt.Fprintf(&b, "\t%s %q\n", p, "mutants/"+p)
	}
	b.WriteString(")\n\nvar judges = map[string]func(cases.Case) string{\n")
	for _, p := range packages {
		fmt.Fprintf(&b, "\t%q: %s.Judge,\n", p, p)
	}
	b.WriteString(`}

func main() {
	var all []cases.Case
	file, err := os.Open("cases.gob")
	if err != nil {
		panic(err)
	}
	if err := gob.NewDecoder(file).Decode(&all); err != nil {
		panic(err)
	}
	for name, judge := range judges {
		for _, c := range all {
			if got := judge(c); got != c.Want {
				json.NewEncoder(os.Stdout).Encode([]string{name, string(c.Kind) + " " + c.Name + ": got " + got + ", want " + c.Want})
				break
			}
		}
	}
}
`)
	var all bytes.Buffer // JSON would replace invalid UTF-8
	if err := gob.NewEncoder(&all).Encode(w.contract.cases); err != nil {
		return nil, err
	}
	if err := errors.Join(os.WriteFile(filepath.Join(w.dir, "main.go"), b.Bytes(), 0o666), os.WriteFile(filepath.Join(w.dir, "cases.gob"), all.Bytes(), 0o666)); err != nil {
		return nil, err
	}
	program := filepath.Join(w.dir, "judge")
	if _, err := command(ctx, w.dir, "go", "build", quick, "-ldflags=-s -w", "-o", program, "."); err != nil {
		return nil, err
	}
	out, err := command(ctx, w.dir, program)
	if err != nil {
		return nil, err
	}
	killers := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		var line [2]string
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			return nil, err
		}
		killers[line[0]] = line[1]
	}
	return killers, nil
}
