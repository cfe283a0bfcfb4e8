package main

import (
	"go/types"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// readValues writes the lines for an operation with a parameter that is not a single value: package validate reads the
// parameters, and generated code decodes the valid values.
func (g *generator) readValues(o *operation, all []*parameter, path []string) error {
	g.p("values, faults := %s.ReadParameters(%s.Background(), []string{%s}, query, header)", o.judge, g.use("context"), strings.Join(path, ", "))
	g.p("if faults != nil {\nreturn faults\n}")
	for _, p := range all {
		i := slices.Index(o.Parameters, p.Parameter)
		target := "into."
		if p.In == "path" {
			target = "path."
		}
		if err := g.missingStates(p); err != nil {
			return err
		}
		if isHollow(unwrap(p.typ).value) {
			g.note(p.Pointer, "checked and not decoded: the Go type of the parameter %q cannot be read; give its schema a name", p.Name)
			continue
		}
		g.p("if data := values[%d]; data != nil { // %s", i, strings.Map(oneLine, p.Name))
		g.p("reader := validate.Open(data)\nr := &reader\nr.Admit()")
		if err := g.parameterAssign(target+p.field, p); err != nil {
			return err
		}
		g.p("faults = %s.Parameters[%d].Refuse(faults, r.Close())\n}", o.judge, i)
	}
	g.p("return faults\n}\n")
	return nil
}

// parameterAssign writes the lines that read the value of a parameter. If the Go type is a string and the schema's is
// not, it gets the original text: oapi-codegen uses a string for any content except application/json.
func (g *generator) parameterAssign(target string, p *parameter) error {
	u, s := unwrap(p.typ), p.schema.shaped()
	if b, ok := u.value.Underlying().(*types.Basic); !ok || b.Kind() != types.String || s.typ == "string" || isNumberText(u.value) {
		return g.assign(target, p.typ, s, request)
	}
	text := g.convert("r.Text()", types.String, u.value)
	switch u.how {
	case pointer:
		g.p("x := %s\n%s = &x", text, target)
	case optional:
		g.p("%s = %s(%s)", target, g.optionalValue(u), text)
	default:
		g.p("%s = %s", target, text)
	}
	return nil
}

// missingStates rejects a parameter that may be absent or null if the Go type does not distinguish the two; only JSON
// has null. It notes if the Go type does not distinguish an empty value from an absent one.
func (g *generator) missingStates(p *parameter) error {
	u := unwrap(p.typ)
	if p.AllowEmpty && !p.Required && p.schema.Types&validate.String == 0 {
		g.note(p.Pointer, "an empty value of the parameter %q is decoded as if it were absent", p.Name)
	}
	if !validate.IsJSON(p.Content) || p.Required || u.how == optional || isUnion(u.value) || !p.schema.takesNull() {
		return nil
	}
	if isInterface(u.value) {
		g.note(p.Pointer, "the Go type %s of the parameter %q is nil for null and for an absent parameter", types.TypeString(p.typ, nil), p.Name)
		return nil
	}
	return p.schema.errorf("the parameter %q may be absent or null, but the Go type %s does not distinguish the two: give the schema an x-go-type "+
		"with three states, such as nullable.Nullable[int], and x-go-type-skip-optional-pointer: true", p.Name, types.TypeString(p.typ, nil))
}

// isHollow reports whether t is oapi-codegen's type for an inline parameter that is a union: a struct without methods,
// which no other package can read.
func isHollow(t types.Type) bool {
	s, ok := t.(*types.Struct)
	return ok && s.NumFields() == 1 && s.Field(0).Name() == "union"
}
