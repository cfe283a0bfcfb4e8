package main

import (
	"fmt"
	"go/types"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/tools/go/packages"
)

// models is the package of the Go types that oapi-codegen made of the document.
type models struct {
	pkg    *types.Package
	byName map[string][]*types.TypeName // by folded name
	named  map[string]string            // -type: name in the document → Go name
}

// loadModels type-checks the package of the models.
func loadModels(pattern string, named map[string]string) (*models, error) {
	pkgs, err := loadPackages(pattern)
	if err != nil {
		return nil, err
	}
	return newModels(pkgs[0], named), nil
}

// loadPackages type-checks packages, by import path or by folder. Types of one are those of the others.
func loadPackages(patterns ...string) ([]*packages.Package, error) {
	config := &packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedFiles | packages.NeedSyntax}
	pkgs, err := packages.Load(config, patterns...)
	if err != nil {
		return nil, fmt.Errorf("loading the models: %w", err)
	}
	var all []*packages.Package
	for _, pattern := range patterns {
		i := slices.IndexFunc(pkgs, func(p *packages.Package) bool { return len(pkgs) == 1 || isOf(p, pattern) })
		if i < 0 || len(pkgs) > len(patterns) {
			return nil, fmt.Errorf("loading the models: %s is not one package", pattern)
		}
		if len(pkgs[i].Errors) > 0 {
			return nil, fmt.Errorf("loading the models: %w", pkgs[i].Errors[0])
		}
		all = append(all, pkgs[i])
	}
	return all, nil
}

// isOf reports whether a package has an import path, or is in a folder.
func isOf(p *packages.Package, pattern string) bool {
	if p.PkgPath == pattern || len(p.GoFiles) == 0 {
		return p.PkgPath == pattern
	}
	folder, err := filepath.Abs(pattern)
	return err == nil && filepath.Dir(p.GoFiles[0]) == folder
}

func newModels(pkg *packages.Package, named map[string]string) *models {
	m := &models{pkg: pkg.Types, byName: map[string][]*types.TypeName{}, named: named}
	for _, name := range m.pkg.Scope().Names() {
		if t, ok := m.pkg.Scope().Lookup(name).(*types.TypeName); ok && t.Exported() {
			m.byName[fold(name)] = append(m.byName[fold(name)], t)
		}
	}
	return m
}

// fold removes the differences that oapi-codegen's name normalizers may introduce: upper and lower case, and punctuation.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// renamed returns the models with further Go names. The names of -type take precedence.
func (m *models) renamed(names map[string]string) *models {
	other := *m
	maps.Copy(names, m.named)
	other.named = names
	return &other
}

// find returns the Go type for a name of the document; nil if there is none.
func (m *models) find(name string) (*types.TypeName, error) {
	if goName, ok := m.named[name]; ok {
		t, ok := m.pkg.Scope().Lookup(goName).(*types.TypeName)
		if !ok {
			return nil, fmt.Errorf("the models have no type %s", goName)
		}
		return t, nil
	}
	found := m.byName[fold(name)]
	exact := slices.IndexFunc(found, func(t *types.TypeName) bool { return t.Name() == exported(name) })
	switch {
	case len(found) == 0:
		return nil, nil
	case len(found) == 1:
		return found[0], nil
	case exact >= 0:
		return found[exact], nil
	default:
		return nil, fmt.Errorf("%s may be %s or %s in Go; say which with -type", name, found[0].Name(), found[1].Name())
	}
}

// wrapping is how a field represents absent and null.
type wrapping int

const (
	bare     wrapping = iota // T: absent and null are the zero value
	pointer                  // *T: absent and null are nil
	optional                 // a generic type with three states: absent, null and a value
)

// unwrapped is a field's type and the type of the value it holds.
type unwrapped struct {
	how   wrapping
	outer types.Type
	value types.Type
	pkg   *types.Package // of optional
	// ofValue and ofNull are the functions that make an optional.
	ofValue, ofNull string
}

func unwrap(t types.Type) unwrapped {
	t = types.Unalias(t)
	if p, ok := t.(*types.Pointer); ok {
		return unwrapped{how: pointer, outer: t, value: types.Unalias(p.Elem())}
	}
	if n, makers, ok := isOptional(t); ok {
		return unwrapped{
			how: optional, outer: t, value: types.Unalias(n.TypeArgs().At(0)), pkg: n.Obj().Pkg(), ofValue: makers[0], ofNull: makers[1],
		}
	}
	return unwrapped{how: bare, outer: t, value: t}
}

// optionals are the names of the functions that make an optional of a value and one that is null: ours, and those of
// github.com/oapi-codegen/nullable.
var optionals = [][2]string{{"Value", "Null"}, {"NewNullableWithValue", "NewNullNullable"}}

// isOptional reports whether t has three states, and returns its constructors.
func isOptional(t types.Type) (*types.Named, [2]string, bool) {
	n, ok := t.(*types.Named)
	if !ok || n.TypeArgs().Len() != 1 || n.Obj().Pkg() == nil || method(n, "Get") == nil || method(n, "IsNull") == nil {
		return nil, [2]string{}, false
	}
	for _, makers := range optionals {
		if makes(n, makers[0]) && makes(n, makers[1]) {
			return n, makers, true
		}
	}
	return nil, [2]string{}, false
}

// makes reports whether n's package has a function with that name that returns an n.
func makes(n *types.Named, name string) bool {
	f, ok := n.Obj().Pkg().Scope().Lookup(name).(*types.Func)
	if !ok || f.Signature().Results().Len() != 1 {
		return false
	}
	result, ok := types.Unalias(f.Signature().Results().At(0).Type()).(*types.Named)
	return ok && result.Origin() == n.Origin()
}

// method returns the method of t or of *t, nil if there is none.
func method(t types.Type, name string) *types.Func {
	if _, ok := t.(*types.Pointer); !ok {
		t = types.NewPointer(t)
	}
	f, _, _ := types.LookupFieldOrMethod(t, true, nil, name)
	fn, _ := f.(*types.Func)
	return fn
}

// methodDepth returns the number of embedded fields through which t gets a method; -1 if it has none.
func methodDepth(t types.Type, name string) int {
	f, index, _ := types.LookupFieldOrMethod(types.NewPointer(t), true, nil, name)
	if _, ok := f.(*types.Func); !ok {
		return -1
	}
	return len(index) - 1
}

// hasMethod reports whether t or *t has a method of that signature, written as in `func([]byte) error`.
func hasMethod(t types.Type, name, signature string) bool {
	f := method(t, name)
	return f != nil && signatureText(f) == signature
}

func signatureText(f *types.Func) string {
	list := func(t *types.Tuple) []string {
		var all []string
		for v := range t.Variables() {
			all = append(all, types.TypeString(v.Type(), nil))
		}
		return all
	}
	s := "func(" + strings.Join(list(f.Signature().Params()), ", ") + ")"
	switch r := list(f.Signature().Results()); len(r) {
	case 0:
		return s
	case 1:
		return s + " " + r[0]
	default:
		return s + " (" + strings.Join(r, ", ") + ")"
	}
}

// parseFunction returns the function Parse<T>(string) (T, error) of t's package, nil if there is none.
func parseFunction(t types.Type) *types.Func {
	n, ok := t.(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return nil
	}
	f, ok := n.Obj().Pkg().Scope().Lookup("Parse" + n.Obj().Name()).(*types.Func)
	if !ok || f.Signature().Params().Len() != 1 || f.Signature().Results().Len() != 2 ||
		!types.Identical(f.Signature().Results().At(0).Type(), t) {
		return nil
	}
	param := f.Signature().Params().At(0).Type()
	if basic, ok := param.(*types.Basic); ok && basic.Kind() == types.String {
		return f
	}
	if tp, ok := param.(*types.TypeParam); ok && types.Satisfies(types.Typ[types.String], tp.Underlying().(*types.Interface)) {
		return f
	}
	return nil
}

// field is a member of a struct by its json tag.
type field struct {
	name                string // of Go
	member              string
	typ                 types.Type
	omitEmpty, omitZero bool
}

// fields returns the fields of a struct, including those of embedded structs, and the field for additional properties.
func fields(t *types.Struct) ([]field, *field) {
	var all []field
	var additional *field
	for i := range t.NumFields() {
		f := t.Field(i)
		tag := reflect.StructTag(t.Tag(i)).Get("json")
		name, options, _ := strings.Cut(tag, ",")
		if f.Embedded() && name == "" {
			if inner, ok := f.Type().Underlying().(*types.Struct); ok {
				more, _ := fields(inner)
				all = append(all, more...)
				continue
			}
		}
		if tag == "-" {
			if f.Name() == "AdditionalProperties" {
				additional = &field{name: f.Name(), typ: f.Type()}
			}
			continue
		}
		if !f.Exported() {
			continue
		}
		if name == "" {
			name = f.Name()
		}
		list := strings.Split(options, ",")
		all = append(all, field{f.Name(), name, f.Type(), slices.Contains(list, "omitempty"), slices.Contains(list, "omitzero")})
	}
	return all, additional
}

func fieldOf(all []field, member string) (field, bool) {
	for _, f := range all {
		if f.member == member {
			return f, true
		}
	}
	return field{}, false
}

// found names the second result of an optional's method Get: ok, or an error.
func (u *unwrapped) found() string {
	if r := method(u.outer, "Get").Signature().Results(); r.Len() == 2 && types.TypeString(r.At(1).Type(), nil) == "error" {
		return "err"
	}
	return "ok"
}
