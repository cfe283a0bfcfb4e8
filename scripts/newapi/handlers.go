package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// method is a method of the generated StrictServerInterface.
type method struct {
	name   string
	doc    string // "(GET /todos)" and the summary, as oapi-codegen has them
	takes  string // the type of the request
	yields string // the type of the response
}

// interfaceMethods returns the methods that the handlers must have, in the document's order.
func interfaceMethods(dir string) ([]method, error) {
	files, err := parseFolder(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if i := interfaceIn(f.syntax, "StrictServerInterface"); i != nil {
			return methodsOf(i), nil
		}
	}
	return nil, fmt.Errorf("the generated code in %s has no StrictServerInterface: its configuration must say strict-server: true", dir)
}

// interfaceIn returns the declaration of an interface in a file, or nil.
func interfaceIn(f *ast.File, name string) *ast.InterfaceType {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range g.Specs {
			if t, ok := s.(*ast.TypeSpec); ok && t.Name.Name == name {
				i, _ := t.Type.(*ast.InterfaceType)
				return i
			}
		}
	}
	return nil
}

func methodsOf(i *ast.InterfaceType) []method {
	var all []method
	for _, field := range i.Methods.List {
		signature, ok := field.Type.(*ast.FuncType)
		if !ok || len(field.Names) != 1 || signature.Params.NumFields() != 2 || signature.Results.NumFields() != 2 {
			continue
		}
		all = append(all, method{field.Names[0].Name, field.Doc.Text(), typeName(signature.Params.List[1].Type), typeName(signature.Results.List[0].Type)})
	}
	return all
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// handler is a method of the user's type handlers for an operation that exists, or existed.
type handler struct{ name, takes, place string }

// goFile is a source file of a package.
type goFile struct {
	path   string
	text   []byte
	set    *token.FileSet
	syntax *ast.File
}

// parseFolder parses the Go files of a folder, without its tests.
func parseFolder(dir string) ([]*goFile, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var files []*goFile
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f := &goFile{path: path, text: text, set: token.NewFileSet()}
		if f.syntax, err = parser.ParseFile(f.set, path, text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// handlersIn returns the methods of the type handlers with the signature of an operation.
func handlersIn(files []*goFile) []handler {
	var all []handler
	for _, f := range files {
		for _, d := range f.syntax.Decls {
			d, ok := d.(*ast.FuncDecl)
			if !ok || d.Recv.NumFields() != 1 || d.Type.Params.NumFields() != 2 {
				continue
			}
			receiver := d.Recv.List[0].Type
			if star, ok := receiver.(*ast.StarExpr); ok {
				receiver = star.X
			}
			takes := typeName(d.Type.Params.List[len(d.Type.Params.List)-1].Type)
			if typeName(receiver) == "handlers" {
				all = append(all, handler{d.Name.Name, takes, f.set.Position(d.Pos()).String()})
			}
		}
	}
	return all
}

// addStubs appends a stub to handlers.go for each operation without a handler. It returns the names of those operations, and
// the handlers without an operation.
func addStubs(p *project) (added []string, stale []handler, err error) {
	wanted, err := interfaceMethods(p.path(apiFolder))
	if err != nil {
		return nil, nil, err
	}
	files, err := parseFolder(p.dir)
	if err != nil {
		return nil, nil, err
	}
	existing := handlersIn(files)
	var stubs bytes.Buffer
	for _, m := range wanted {
		if !slices.ContainsFunc(existing, func(h handler) bool { return h.name == m.name }) {
			stubs.WriteString(stub(m))
			added = append(added, m.name)
		}
	}
	for _, h := range existing {
		if strings.HasSuffix(h.takes, "RequestObject") && !slices.ContainsFunc(wanted, func(m method) bool { return m.name == h.name }) {
			stale = append(stale, h)
		}
	}
	return added, stale, p.appendStubs(files, stubs.Bytes())
}

// stub returns a handler that reports that it is not implemented.
func stub(m method) string {
	var b strings.Builder
	b.WriteByte('\n')
	for line := range strings.Lines(m.doc) {
		b.WriteString(strings.TrimRight("// "+line, " \n") + "\n")
	}
	fmt.Fprintf(&b, "func (h *handlers) %s(ctx context.Context, request api.%s) (api.%s, error) {\n\treturn nil, strict.ErrNotImplemented\n}\n", m.name, m.takes, m.yields)
	return b.String()
}

// appendStubs adds the stubs and their imports to handlers.go. The existing text stays unchanged.
func (p *project) appendStubs(files []*goFile, stubs []byte) error {
	if len(stubs) == 0 {
		return nil
	}
	i := slices.IndexFunc(files, func(f *goFile) bool { return filepath.Base(f.path) == "handlers.go" })
	if i < 0 {
		return p.write("handlers.go", append([]byte("package main\n\n"+importsOf(p.stubImports())), stubs...))
	}
	f := files[i]
	at := f.set.Position(f.syntax.Name.End()).Offset
	var missing []string
	for _, path := range p.stubImports() {
		if !slices.ContainsFunc(f.syntax.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == `"`+path+`"` && s.Name == nil }) {
			missing = append(missing, path)
		}
	}
	text := slices.Clone(f.text[:at])
	if len(missing) > 0 {
		text = append(text, "\n\n"+strings.TrimRight(importsOf(missing), "\n")...)
	}
	text = append(text, f.text[at:]...)
	return p.write("handlers.go", append(text, stubs...))
}

// stubImports are the packages that stubs need.
func (p *project) stubImports() []string {
	return []string{"context", p.module + "/" + apiFolder, strictPackage}
}

// importsOf returns one import declaration for each path, so that existing ones stay unchanged.
func importsOf(paths []string) string {
	if len(paths) == 1 {
		return fmt.Sprintf("import %q\n", paths[0])
	}
	var b strings.Builder
	b.WriteString("import (\n")
	for i, path := range paths {
		if i > 0 && !strings.Contains(paths[i-1], ".") && strings.Contains(path, ".") {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "\t%q\n", path)
	}
	b.WriteString(")\n")
	return b.String()
}
