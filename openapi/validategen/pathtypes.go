package main

import (
	"go/types"
	"strings"

	"golang.org/x/tools/go/packages"
)

// bindPath gives a path parameter the Go type that handlers use: that of the component or the schema. For an inline
// schema it is that in the methods of a server or client, else oapi-codegen's for the type and format.
func (g *generator) bindPath(o *operation, p *parameter) error {
	p.field = exported(p.Name)
	names := []string{p.schema.Name}
	if name, ok := strings.CutPrefix(p.Pointer, "/components/parameters/"); ok {
		name = unescapePointer(name)
		names = []string{name, name + "Parameter", p.schema.Name}
	}
	for _, name := range append(names, o.ID+"Params"+exported(p.Name)) {
		t, err := g.models.find(name)
		if err != nil {
			return errorAt(p.Pointer, "%v", err)
		}
		if t != nil && name != "" && !isNamesake(t.Type(), p.schema) {
			p.typ = types.Unalias(t.Type())
			if fold(p.Name) == fold(name) {
				p.field = t.Name()
			}
			return nil
		}
	}
	if p.typ = g.server.argumentType(o, p.Name); p.typ == nil {
		p.typ = g.models.argumentType(o.goName, p.Name)
	}
	if p.typ == nil {
		p.typ = g.inlineType(p)
	}
	return nil
}

// isNamesake reports whether t is the type of a component schema that has the name of the parameter: it holds objects, but the
// parameter is none. If resolve-type-name-collisions is set, oapi-codegen then appends Parameter to the name of the parameter's type.
func isNamesake(t types.Type, s *schema) bool {
	return jsonType(t) == "object" && !isUnion(t) && s.typ != "" && s.typ != "object"
}

// inlineType returns the Go type of a path parameter with an inline schema; it is any if oapi-codegen's is not known.
func (g *generator) inlineType(p *parameter) types.Type {
	if p.Content != "" && p.Content != "application/json" {
		return types.Typ[types.String]
	}
	if t := g.defaultType(p.schema); t != nil {
		return t
	}
	g.note(p.Pointer, "the models do not tell the Go type of the path parameter %q: it is decoded into any", p.Name)
	return types.Universe.Lookup("any").Type()
}

// argumentType returns the type of a path parameter in the methods of an operation; nil if there are none.
func (m *models) argumentType(operation, name string) types.Type {
	for _, holder := range []string{"ServerInterface", "ClientInterface"} {
		t, ok := m.pkg.Scope().Lookup(holder).(*types.TypeName)
		if !ok {
			continue
		}
		found, _, _ := types.LookupFieldOrMethod(t.Type(), false, m.pkg, operation)
		f, ok := found.(*types.Func)
		if !ok {
			continue
		}
		for v := range f.Signature().Params().Variables() {
			if fold(v.Name()) == fold(name) {
				return types.Unalias(v.Type())
			}
		}
	}
	return nil
}

// defaultType returns oapi-codegen's Go type for an inline schema; nil if it is a named type.
func (g *generator) defaultType(s *schema) types.Type {
	switch s.typ {
	case "array":
		if s.items == nil {
			return nil
		}
		if item := g.defaultType(s.items); item != nil {
			return types.NewSlice(item)
		}
		return nil
	case "string":
		if at, ok := formatTypes[s.Format]; ok {
			return g.models.lookup(at[0], at[1])
		}
		if s.Format == "byte" {
			return types.NewSlice(types.Universe.Lookup("byte").Type())
		}
	case "integer":
		if t, ok := types.Universe.Lookup(s.Format).(*types.TypeName); ok && s.Format != "" {
			return t.Type()
		}
		if s.Format == "edm-int32" {
			return types.Typ[types.Int32]
		}
		return types.Typ[types.Int]
	case "number":
		if s.Format != "double" {
			return types.Typ[types.Float32]
		}
	}
	if t, ok := basicTypes[s.typ]; ok {
		return t
	}
	return nil
}

const openapiTypes = "github.com/oapi-codegen/runtime/types"

// formatTypes gives the packages and names of oapi-codegen's Go types for string formats.
var formatTypes = map[string][2]string{
	"uuid": {openapiTypes, "UUID"}, "date": {openapiTypes, "Date"}, "email": {openapiTypes, "Email"}, "duration": {openapiTypes, "Duration"},
	"date-time": {"time", "Time"}, "json": {"encoding/json", "RawMessage"},
}

// lookup returns a type of another package, or string if the package cannot be loaded or has no such type.
func (m *models) lookup(path, name string) types.Type {
	find := func(p *types.Package) types.Type {
		if t, ok := p.Scope().Lookup(name).(*types.TypeName); ok {
			return types.Unalias(t.Type())
		}
		return types.Typ[types.String]
	}
	for _, p := range m.pkg.Imports() {
		if p.Path() == path {
			return find(p)
		}
	}
	pkgs, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes}, path)
	if err != nil || len(pkgs) != 1 || len(pkgs[0].Errors) > 0 {
		return types.Typ[types.String]
	}
	return find(pkgs[0].Types)
}
