package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/tools/go/packages"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// strictPath is the package that serves the generated handler.
const strictPath = "github.com/pfxrecryption/pfxrecryption/server/strict"

// server is oapi-codegen's StrictServerInterface.
type server struct {
	typ     types.Type
	methods map[string]*types.Func // by the method and the path in their comments, else by their folded names
	// name and valid are those of the package to write, and the import path of the package of the operations.
	name, valid string
}

// newServer finds the interface in a package.
func newServer(pkg *packages.Package) (*server, error) {
	const name = "StrictServerInterface"
	t, ok := pkg.Types.Scope().Lookup(name).(*types.TypeName)
	if !ok {
		return nil, fmt.Errorf("the package %s has no %s: generate it with strict-server, and with the server of any router that net/http serves", pkg.PkgPath, name)
	}
	s := &server{typ: t.Type(), methods: map[string]*types.Func{}}
	routes := routesOf(pkg.Syntax, name)
	for method := range t.Type().Underlying().(*types.Interface).Methods() {
		s.methods[fold(method.Name())] = method
		if route := routes[method.Name()]; route != "" {
			s.methods[route] = method
		}
	}
	return s, nil
}

// routeComment is what oapi-codegen writes above a method: the method of HTTP and the path.
var routeComment = regexp.MustCompile(`(?m)^\(([A-Z]+ /.*)\)$`)

// routesOf returns the routes of the methods of an interface, by their names.
func routesOf(files []*ast.File, name string) map[string]string {
	routes := map[string]string{}
	visit := func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != name {
			return true
		}
		for _, f := range spec.Type.(*ast.InterfaceType).Methods.List {
			found := routeComment.FindAllStringSubmatch(f.Doc.Text(), -1)
			if len(f.Names) == 1 && found != nil {
				routes[f.Names[0].Name] = found[len(found)-1][1]
			}
		}
		return false
	}
	for _, f := range files {
		ast.Inspect(f, visit)
	}
	return routes
}

// method returns the method of the interface for an operation; nil if there is none.
func (s *server) method(o *operation) *types.Func {
	if f := s.methods[o.Method+" "+o.Path]; f != nil {
		return f
	}
	return s.methods[fold(o.goName)]
}

// requestOf returns the struct that a method of the interface gets.
func requestOf(f *types.Func) *types.Struct {
	s, _ := f.Signature().Params().At(1).Type().Underlying().(*types.Struct)
	return s
}

// argumentType returns the type of a path parameter in an operation's request; nil if there is none.
func (s *server) argumentType(o *operation, name string) types.Type {
	if s == nil || s.method(o) == nil {
		return nil
	}
	for f := range requestOf(s.method(o)).Fields() {
		if fold(f.Name()) == fold(name) {
			return types.Unalias(f.Type())
		}
	}
	return nil
}

// writeServer writes the package that serves the operations with an implementation of the interface.
func (g *generator) writeServer(all []*operation, skipped []leftOut) error {
	strict, api := g.use(strictPath), g.typ(g.server.typ)
	rows, err := g.writeAdapters(all)
	for _, l := range skipped {
		rows += g.refusingRow(l)
	}
	adapters := g.file.String()
	g.file.Reset()
	g.p("// BasePath is the path of the document's server.\nconst BasePath = %s\n", quote(g.basePath()))
	g.p("// New returns a handler that serves the document's operations with server, below BasePath unless c sets another.")
	g.p("func New(server %s, c %s.Config) (*%[2]s.Handler, error) {", api, strict)
	g.p("if c.BasePath == \"\" {\nc.BasePath = BasePath\n}\nreturn %s.New(Operations(server), c)\n}\n", strict)
	g.p("// Operations returns the operations of the document, served by server.")
	g.p("func Operations(server %s) []%s.Operation {\na := adapter{server}\nreturn []%[2]s.Operation{\n%s}\n}\n", api, strict, rows)
	g.p("// adapter decodes requests for the methods of server.\ntype adapter struct{ server %s }\n", api)
	g.file.WriteString(adapters)
	return err
}

// writeAdapters writes the methods of the adapter, and returns the rows of their operations.
func (g *generator) writeAdapters(all []*operation) (string, error) {
	var rows strings.Builder
	var errs []error
	for i, o := range all {
		if g.server.method(o) == nil {
			g.note(o.pointer, "not served: StrictServerInterface has no method for it")
			continue
		}
		o.adapter = g.unique("serve" + o.goName)
		o.variable = fmt.Sprintf("%s.Operations[%d]", g.useAs(g.server.valid, g.packageName), i)
		before := g.file.Len()
		if err := g.writeAdapter(o); err != nil && g.lenient {
			g.file.Truncate(before)
			g.note(o.pointer, "not served: %v", err)
			rows.WriteString(g.refusingRow(leftOut{o, err.Error()}))
			continue
		} else if err != nil {
			errs = append(errs, err)
		}
		fmt.Fprintf(&rows, "{Operation: %s, Serve: a.%s},\n", o.variable, o.adapter)
	}
	return rows.String(), distinctErrors(errs)
}

// refusingRow is the row of an operation that is not served: clients get 501, and the log has the reason. It requires no
// credentials, because there is nothing to protect.
func (g *generator) refusingRow(l leftOut) string {
	return fmt.Sprintf("{Operation: &%s.Operation{ID: %s, Method: %s, Path: %s}, Serve: %s.LeftOut(%s)},\n",
		g.use(runtimePath), quote(l.ID), quote(l.Method), quote(l.Path), g.use(strictPath), quote(l.reason))
}

// basePath is the path of the document's servers, "" for the root.
func (g *generator) basePath() string {
	base := ""
	for _, segment := range g.contract.BasePaths[0].Segments {
		base += "/" + segment.Text
	}
	if len(g.contract.BasePaths) > 1 {
		g.note("/servers", "their paths differ: New serves below %q", base)
	}
	return base
}

// writeAdapter writes the method that decodes a request, calls the implementation, and writes the response.
func (g *generator) writeAdapter(o *operation) error {
	f := g.server.method(o)
	request := f.Signature().Params().At(1).Type()
	g.p("func (a adapter) %s(x *%s.Exchange) error {\nvar request %s", o.adapter, g.use(strictPath), g.typ(request))
	if err := errors.Join(g.adaptParameters(o, requestOf(f)), g.adaptBodies(o, requestOf(f))); err != nil {
		return err
	}
	visit, ok := f.Signature().Results().At(0).Type().Underlying().(*types.Interface)
	if !ok || visit.NumMethods() != 1 {
		return errorAt(o.pointer, "the response of %s cannot be written: want an interface with one method", f.Name())
	}
	g.p("response, err := a.server.%s(x, request)\nif err != nil {\nreturn err\n}", f.Name())
	g.p("if response == nil {\nreturn %s.ErrNoResponse\n}", g.use(strictPath))
	g.p("return response.%s(x)\n}\n", visit.Method(0).Name())
	return nil
}

// adaptParameters writes the lines that decode the parameters into the request.
func (g *generator) adaptParameters(o *operation, request *types.Struct) error {
	var path, into []string
	for _, p := range o.parameters {
		if p.In == "path" {
			path = append(path, fmt.Sprintf("x.PathValue(%d)", o.placeOf(p)))
		}
	}
	valid := g.useAs(g.server.valid, g.packageName)
	if path != nil {
		g.p("var path %s.%s", valid, o.pathType)
		into = append(into, "&path")
	}
	if o.holder != nil {
		if f := fieldNamed(request, "Params"); f == nil || !types.Identical(f.Type(), o.holder.Type()) {
			return errorAt(o.pointer, "the request has no field Params of the type %s", o.holder.Name())
		}
		into = append(into, "&request.Params")
	}
	arguments := slices.Concat(path, []string{"x.Request.URL.RawQuery", "x.Request.Header"}, into)
	g.p("if faults := %s.%s(%s); faults != nil {", valid, o.decode, strings.Join(arguments, ", "))
	g.p("return &%s.InvalidError{Parameters: true, Faults: faults}\n}", g.use(strictPath))
	for i, p := range o.parameters[:len(path)] {
		if i >= request.NumFields() {
			return errorAt(p.Pointer, "the request has no field for the parameter %q", p.Name)
		}
		field := request.Field(i) // they come first, in the order of the path
		value := "path." + p.field
		if !types.Identical(field.Type(), p.typ) {
			if !types.ConvertibleTo(p.typ, field.Type()) {
				return errorAt(p.Pointer, "the request has the type %s for the parameter %q, the models have %s", types.TypeString(field.Type(), nil), p.Name, types.TypeString(p.typ, nil))
			}
			value = g.typ(field.Type()) + "(" + value + ")"
		}
		g.p("request.%s = %s", field.Name(), value)
	}
	return nil
}

// placeOf returns the index of a path parameter in the template.
func (o *operation) placeOf(p *parameter) int {
	return slices.Index(validate.TemplateParameters(o.Path), p.Name)
}

func fieldNamed(s *types.Struct, name string) *types.Var {
	for f := range s.Fields() {
		if f.Name() == name {
			return f
		}
	}
	return nil
}

// adaptBodies writes the lines that decode the body into the request.
func (g *generator) adaptBodies(o *operation, request *types.Struct) error {
	if fieldNamed(request, "ContentType") != nil && len(o.Request) > 0 {
		g.p("request.ContentType = x.ContentType()")
	}
	switch len(o.Request) {
	case 0:
		return nil
	case 1:
		g.p("if x.Content() != nil {")
	default:
		g.p("switch x.Content() {")
	}
	for i, m := range o.Request {
		if len(o.Request) > 1 {
			g.p("case %s.Request[%d]:", o.variable, i)
		}
		f := bodyField(request, m.Type)
		if f == nil {
			return errorAt(o.pointer, "the request has no field for a body of the type %s", m.Type)
		}
		if err := g.adaptBody(o, m, f); err != nil {
			return err
		}
	}
	g.p("}")
	return nil
}

// bodyField returns the field for a body of a media type. If there are several bodies, oapi-codegen names it after the media
// type.
func bodyField(request *types.Struct, mediaType string) *types.Var {
	want := fold(strings.NewReplacer("*", "Wildcard", "+", "Plus").Replace(mediaType))
	switch {
	case mediaType == "application/json":
		want = "json"
	case strings.HasPrefix(mediaType, "multipart/"):
		want = "multipart"
	case mediaType == formType:
		want = "formdata"
	case mediaType == "text/plain":
		want = "text"
	}
	for f := range request.Fields() {
		if fold(f.Name()) == want+"body" {
			return f
		}
	}
	return fieldNamed(request, "Body")
}

// adaptBody writes the lines that decode one body into its field.
func (g *generator) adaptBody(o *operation, m *validate.Body, f *types.Var) error {
	method := map[string]string{"*mime/multipart.Reader": "Multipart", "io.Reader": "Reader"}[types.TypeString(f.Type(), nil)]
	if method != "" {
		g.p("body, err := x.%s()\nif err != nil {\nreturn err\n}\nrequest.%s = body", method, f.Name())
		return nil
	}
	pointer, ok := types.Unalias(f.Type()).(*types.Pointer)
	if !ok {
		return errorAt(o.pointer, "the type %s of the request's %s is not known", types.TypeString(f.Type(), nil), f.Name())
	}
	if !validate.IsJSON(m.Type) && m.Type != formType {
		if b, ok := pointer.Elem().Underlying().(*types.Basic); !ok || b.Kind() != types.String {
			return errorAt(o.pointer, "a body of the type %s cannot be decoded into %s: give its schema the type string", m.Type, types.TypeString(pointer.Elem(), nil))
		}
		g.p("text, err := x.Text()\nif err != nil {\nreturn err\n}")
		g.p("body := %s\nrequest.%s = &body", g.convert("text", types.String, pointer.Elem()), f.Name())
		return nil
	}
	into := "request." + f.Name()
	g.p("%s = new(%s)", into, g.typ(pointer.Elem()))
	if t := g.decodedType(o, m); t != nil && !types.Identical(t, pointer.Elem()) && types.ConvertibleTo(pointer, types.NewPointer(t)) {
		into = "(*" + g.typ(t) + ")(" + into + ")"
	} else if t == nil {
		g.note(o.pointer, "the body of the type %s is decoded by encoding/json, after its check: there is no generated code for its Go type", m.Type)
	}
	g.p("if err := x.DecodeBody(%s); err != nil {\nreturn err\n}", into)
	return nil
}

// decodedType returns the Go type into which generated code decodes a body; nil if there is none.
func (g *generator) decodedType(o *operation, m *validate.Body) types.Type {
	switch {
	case o.decoders[m] == "":
		return nil
	case o.bodies[m] != nil:
		return o.bodies[m].typ
	}
	return g.formModel(o)
}

// importPath returns the import path of a folder, from the go.mod above it.
func importPath(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for root := dir; ; root = filepath.Dir(root) {
		data, err := os.ReadFile(filepath.Join(root, "go.mod"))
		if err == nil {
			below, err := filepath.Rel(root, dir)
			return strings.TrimSuffix(modfile.ModulePath(data)+"/"+filepath.ToSlash(below), "/."), err
		}
		if root == filepath.Dir(root) {
			return "", fmt.Errorf("there is no go.mod above %s: run go mod init", dir)
		}
	}
}
