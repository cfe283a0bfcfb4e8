package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"golang.org/x/mod/modfile"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

const (
	apiFolder     = "api"
	strictPackage = thisModule + "/server/strict"
)

//go:embed starter
var starter embed.FS

// project is the folder to write.
type project struct {
	*options

	document string          // the path of the document in the folder
	schemes  []string        // the security schemes that operations require
	spots    []validate.Spot // what cannot be read in the document
	source   *source
	before   *snapshot
	log      io.Writer
}

func (p *project) path(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }

// write writes a new project, or updates one. If a step fails, it restores the folder.
func write(ctx context.Context, o *options, stderr io.Writer) error {
	p := &project{options: o, log: stderr}
	isNew, err := p.recognize()
	if err != nil {
		return err
	}
	if p.before, err = takeSnapshot(p.dir); err != nil {
		return err
	}
	if err := p.make(ctx, isNew); err != nil {
		return errors.Join(err, p.before.restore())
	}
	return nil
}

// make runs the steps in order. Each generator needs the previous one's output, and a go.mod with its imports.
func (p *project) make(ctx context.Context, isNew bool) error {
	if err := p.place(ctx, isNew); err != nil {
		return err
	}
	if isNew {
		fmt.Fprintf(p.log, "writing %s; the first time, fetching and building what generates it takes minutes\n", p.dir)
		if err := p.begin(); err != nil {
			return err
		}
	}
	if err := p.prepare(); err != nil {
		return err
	}
	if err := p.generate(ctx); err != nil {
		return err
	}
	if isNew {
		if err := p.expand("starter/every", p.kind()); err != nil {
			return err
		}
	}
	added, stale, err := addStubs(p)
	if err != nil {
		return err
	}
	if err := p.run(ctx, "go", "mod", "tidy"); err != nil {
		return err
	}
	return p.report(ctx, isNew, added, stale)
}

func (p *project) generate(ctx context.Context) error {
	for _, args := range []string{"mod tidy", "generate -run oapi-codegen ./api", "mod tidy", "generate -run validategen ./api"} {
		if err := p.run(ctx, "go", strings.Fields(args)...); err != nil {
			return p.withSpots(err)
		}
	}
	return nil
}

// withSpots adds to a generator's error the places of the document that may be its cause.
func (p *project) withSpots(err error) error {
	for _, s := range p.spots {
		err = fmt.Errorf("%w\nin %s, %s: %s", err, p.document, s.Pointer, s.Reason)
	}
	return err
}

// kind is the folder with the handlers of a new project.
func (p *project) kind() string {
	if p.spec == "" {
		return "starter/todo"
	}
	return "starter/stubs"
}

// recognize reports whether the project is new, and completes the options from an existing one.
func (p *project) recognize() (bool, error) {
	generate, err := os.ReadFile(p.path(apiFolder + "/generate.go"))
	if errors.Is(err, fs.ErrNotExist) {
		return true, p.checkNew()
	}
	if err != nil {
		return false, err
	}
	return false, p.checkExisting(generate)
}

// checkNew rejects a folder in which a file would be overwritten.
func (p *project) checkNew() error {
	if p.module == "" {
		return errors.New("a new project needs -module, its module path, such as example.com/todo")
	}
	if p.server == "" {
		p.server = "std"
	}
	for _, name := range []string{"go.mod", "main.go", "handlers.go", "Makefile", apiFolder} {
		if _, err := os.Lstat(p.path(name)); err == nil {
			return fmt.Errorf("%s exists and is not a project of newapi; -o names another folder", p.path(name))
		}
	}
	return nil
}

// checkExisting reads the module, the router and the document from a project, and rejects flags that differ.
func (p *project) checkExisting(generate []byte) error {
	mod, err := os.ReadFile(p.path("go.mod"))
	if err != nil {
		return err
	}
	config, err := os.ReadFile(p.path(apiFolder + "/oapi-codegen.yaml"))
	if err != nil {
		return err
	}
	was := options{module: modfile.ModulePath(mod), server: serverOf(config)}
	if p.document = documentOf(generate); p.document == "" {
		return fmt.Errorf("%s/generate.go names no document: its directives must read ../openapi.yaml, or what the document is called", apiFolder)
	}
	if p.module != "" && p.module != was.module {
		return fmt.Errorf("the module of this project is %s, not %s; go mod edit -module changes it", was.module, p.module)
	}
	if p.docs {
		return fmt.Errorf("-docs is for a new project; in this one, main.go can wrap its handler by package %s/server/docs", thisModule)
	}
	if p.server != "" && p.server != was.server {
		return fmt.Errorf("the router of this project is %s, not %s; %s/generate.go, %[3]s/oapi-codegen.yaml and main.go name it", was.server, p.server, apiFolder)
	}
	p.module, p.server = was.module, was.server
	return nil
}

// oapiServers are oapi-codegen's names for the routers.
var oapiServers = map[string]string{"echo": "echo-server", "std": "std-http-server", "chi": "chi-server"}

// serverOf returns the router in a configuration of oapi-codegen.
func serverOf(config []byte) string {
	for name, option := range oapiServers {
		if bytes.Contains(config, []byte(option+": true")) {
			return name
		}
	}
	return ""
}

// documentOf returns the document that the go:generate directives read.
func documentOf(generate []byte) string {
	for word := range strings.FieldsSeq(string(generate)) {
		if document, ok := strings.CutPrefix(word, "../"); ok {
			return document
		}
	}
	return ""
}

// begin writes the input of the generators.
func (p *project) begin() error {
	var err error
	if p.source == nil {
		if p.source, err = thisSource(); err != nil {
			return err
		}
	}
	mod, err := p.goMod()
	if err != nil {
		return err
	}
	return errors.Join(p.write("go.mod", mod), p.expand("starter/generate"))
}

// expand writes the templates of folders.
func (p *project) expand(folders ...string) error {
	for _, folder := range folders {
		err := fs.WalkDir(starter, folder, func(file string, _ fs.DirEntry, err error) error {
			name, isTemplate := strings.CutSuffix(strings.TrimPrefix(file, folder+"/"), ".tmpl")
			if err != nil || !isTemplate {
				return err
			}
			return p.expandFile(file, strings.Replace(name, "dot.", ".", 1))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// expandFile writes a template to a file, unless the template is empty for this project.
func (p *project) expandFile(file, name string) error {
	t, err := template.ParseFS(starter, file)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p.facts()); err != nil || b.Len() == 0 {
		return err
	}
	text := b.Bytes()
	if strings.HasSuffix(name, ".go") {
		if text, err = format.Source(text); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return p.write(name, text)
}

// facts are the data of the templates.
func (p *project) facts() map[string]any {
	return map[string]any{
		"Module": p.module, "Document": p.document, "Server": p.server, "Skip": p.skip, "Strict": strictPackage, "This": thisModule,
		"OapiServer": oapiServers[p.server], "Todo": p.spec == "", "Name": path.Base(p.module), "Schemes": p.schemes, "Docs": p.docs,
	}
}

func (p *project) write(name string, data []byte) error {
	path := p.path(name)
	if err := errors.Join(p.before.keep(path), os.MkdirAll(filepath.Dir(path), 0o777)); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o666)
}

// run runs a command in the project. Its output is shown and is part of an error.
func (p *project) run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS="+strings.ReplaceAll(os.Getenv("GOFLAGS"), "-mod=vendor", ""))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(withoutProgress(out.String())))
	}
	fmt.Fprint(p.log, withoutProgress(out.String()))
	return nil
}

var progress = regexp.MustCompile(`(?m)^go: (downloading|finding|found|warning) .*\n`)

func withoutProgress(said string) string { return progress.ReplaceAllString(said, "") }

// report builds the project and says what to do next.
func (p *project) report(ctx context.Context, isNew bool, added []string, stale []handler) error {
	for _, h := range stale {
		fmt.Fprintf(p.log, "stale: %s: the document has no operation for the handler %s any more\n", h.place, h.name)
	}
	if !isNew {
		for _, name := range added {
			fmt.Fprintf(p.log, "added: a stub for %s in handlers.go\n", name)
		}
		if len(added)+len(stale) == 0 {
			fmt.Fprintln(p.log, "up to date: each operation has a handler")
		}
		return nil
	}
	if err := p.run(ctx, "go", "build", "./..."); err != nil {
		return err
	}
	if p.source.replace != "" {
		fmt.Fprintf(p.log, "go.mod replaces %s by the checkout %s: it is not a released version\n", thisModule, p.source.replace)
	}
	fmt.Fprintf(p.log, "%s is written. Next: make -C %[1]s run (ADDRESS=127.0.0.1:8070 for another port), make -C %[1]s test; the handlers are in handlers.go\n", p.dir)
	return nil
}

// snapshot has the previous content of the files that newapi writes. Others, such as the data of a running server, are not
// touched.
type snapshot struct {
	dir, api        string
	existed, hadAPI bool
	files           map[string][]byte // nil for a file that did not exist
}

// takeSnapshot keeps the files that the go command and the generators write.
func takeSnapshot(dir string) (*snapshot, error) {
	s := &snapshot{dir: dir, api: filepath.Join(dir, apiFolder), files: map[string][]byte{}}
	s.existed, s.hadAPI = exists(dir), exists(s.api)
	if s.hadAPI {
		if err := walk(s.api, s.keep); err != nil {
			return nil, err
		}
	}
	return s, errors.Join(s.keep(filepath.Join(dir, "go.mod")), s.keep(filepath.Join(dir, "go.sum")))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// keep saves a file before it is written.
func (s *snapshot) keep(path string) error {
	if _, kept := s.files[path]; kept {
		return nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = nil, nil
	}
	s.files[path] = data
	return err
}

// walk calls f for each regular file of a folder.
func walk(folder string, f func(path string) error) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		return f(path)
	})
}

// restore restores the files.
func (s *snapshot) restore() error {
	if !s.existed {
		return os.RemoveAll(s.dir)
	}
	var errs []error
	for path, data := range s.files {
		errs = append(errs, put(path, data))
	}
	if !s.hadAPI {
		return errors.Join(append(errs, os.RemoveAll(s.api))...)
	}
	return errors.Join(append(errs, walk(s.api, func(path string) error {
		if s.files[path] == nil {
			return os.Remove(path)
		}
		return nil
	}))...)
}

// put restores a file; nil removes it.
func put(path string, data []byte) error {
	if data == nil {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if now, err := os.ReadFile(path); err == nil && bytes.Equal(now, data) {
		return nil
	}
	return os.WriteFile(path, data, 0o666)
}
