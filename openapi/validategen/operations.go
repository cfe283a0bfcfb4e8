package main

import (
	"errors"
	"fmt"
	"go/types"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// operation is one operation of the document.
type operation struct {
	*validate.Operation
	pointer    string
	goName     string
	parameters []*parameter    // set by writeParameters
	decode     string          // set by writeParameters: the function that decodes the parameters
	pathType   string          // set by writeParameters: the type of the path's parameters
	single     bool            // set by writeParameters: each parameter is one string, number or boolean
	holder     *types.TypeName // set by writeParameters; nil if all parameters are in the path
	request    *body           // set by bodies; nil if there is none, or if the media types have different ones
	bodies     map[*validate.Body]*body
	decoders   map[*validate.Body]string // set by writeDecoders: the functions that decode request bodies
	// judge and places are names of variables: the operation that checks the parameters in process, and the parameters'
	// places.
	judge, places string
	// adapter and variable are set by writeServer: the method that decodes requests, and the expression of the
	// operation.
	adapter, variable string
}

// operations returns the operations in the document's order, with distinct Go names.
func (g *generator) operations() []*operation {
	var all []*operation
	taken := map[string]bool{}
	for _, o := range g.contract.Operations {
		op := &operation{Operation: o, pointer: g.contract.Pointer(o), bodies: map[*validate.Body]*body{}}
		op.goName = free(g.operationName(o.ID), func(name string) bool { return taken[name] })
		taken[op.goName] = true
		all = append(all, op)
	}
	return all
}

// operationName returns oapi-codegen's name for the operation, from the models if they have a type named after it.
func (g *generator) operationName(id string) string {
	for _, suffix := range []string{"Params", "Response", "JSONRequestBody", "JSONBody"} {
		if t, err := g.models.find(id + suffix); err == nil && t != nil && strings.HasSuffix(t.Name(), suffix) {
			return strings.TrimSuffix(t.Name(), suffix)
		}
	}
	name := exported(id)
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "Operation" + name
	}
	return name
}

func (g *generator) writeOperations(all []*operation, bodies []*body) {
	g.p("// Operations are the operations of the document, in its order.")
	g.p("var Operations = []*validate.Operation{")
	var headers []string
	for _, o := range all {
		g.p("{\nID: %q,\nMethod: %q,\nPath: %q,", o.ID, o.Method, o.Path)
		g.field("BasePaths", o.BasePaths)
		if o.judge != "" {
			g.p("Security: %s.Security,\nParameters: %[1]s.Parameters,", o.judge)
		} else {
			g.field("Security", o.Security)
			g.field("Parameters", o.Parameters)
		}
		if o.BodyRequired {
			g.p("BodyRequired: true,")
		}
		g.mediaBodies("Request", o, o.Request)
		headers = g.responses(o, headers)
		g.checkParams(o)
		g.decodeBody(o)
		g.p("},")
	}
	g.p("}")
	g.writeHeaders(headers)
	for _, b := range bodies {
		if b.check != "" {
			g.p("\nfunc %s(data []byte) *validate.Faults {", b.check)
			g.p("var v %s\nreturn Decode%s(data, &v).Verdict()\n}", g.typ(b.typ), b.name)
		}
	}
}

// responses writes the responses of an operation and returns headers with their lists of header fields, without
// duplicates.
func (g *generator) responses(o *operation, headers []string) []string {
	g.p("Responses: []*validate.Response{")
	for _, r := range o.Responses {
		g.p("{\nStatus: %q,", r.Status)
		if len(r.Headers) > 0 {
			text := strings.TrimPrefix(g.text(r.Headers), "[]*validate.Parameter")
			if !slices.Contains(headers, text) {
				headers = append(headers, text)
			}
			g.p("Headers: headers[%d],", slices.Index(headers, text))
		}
		g.mediaBodies("Bodies", o, r.Bodies)
		g.p("},")
	}
	g.p("},")
	return headers
}

func (g *generator) writeHeaders(headers []string) {
	if len(headers) == 0 {
		return
	}
	g.p("\n// headers are lists of the header fields of responses.\nvar headers = [][]*validate.Parameter{")
	for _, text := range headers {
		g.p("%s,", text)
	}
	g.p("}")
}

// mediaBodies writes the bodies: those with generated code have the function that checks them, others their schema.
func (g *generator) mediaBodies(name string, o *operation, bodies []*validate.Body) {
	if len(bodies) == 0 {
		return
	}
	g.p("%s: []*validate.Body{", name)
	for _, m := range bodies {
		shown, functions := validate.Body{Type: m.Type, Parameters: m.Parameters, Schema: m.Schema, Encoding: m.Encoding, Spots: m.Spots}, ""
		if b := o.bodies[m]; b != nil && b.check != "" {
			shown.Schema, functions = nil, ", Check: "+b.check
		}
		if decoder := o.decoders[m]; decoder != "" {
			functions += ", Decode: " + decoder
		}
		text := strings.TrimPrefix(g.text(&shown), "&validate.Body")
		g.p("%s%s},", strings.TrimSuffix(text, "}"), functions)
	}
	g.p("},")
}

// checkParams writes the function that checks the parameters of an operation and drops their values, unless package
// validate checks them.
func (g *generator) checkParams(o *operation) {
	if !o.single {
		return
	}
	g.p("CheckParams: func(path []string, query string, header map[string][]string) *validate.Faults {")
	var before, after []string
	for _, p := range o.parameters {
		if p.In != "path" {
			continue
		}
		before = append(before, fmt.Sprintf("path[%d]", slices.Index(validate.TemplateParameters(o.Path), p.Name)))
	}
	if len(before) > 0 {
		g.p("var values %s", o.pathType)
		after = append(after, "&values")
	}
	if o.holder != nil {
		g.p("var params %s", g.typ(o.holder.Type()))
		after = append(after, "&params")
	}
	arguments := slices.Concat(before, []string{"query", "header"}, after)
	g.p("return %s(%s).Verdict()\n},", o.decode, strings.Join(arguments, ", "))
}

// decodeBody writes the function that decodes the body of an operation into its handler's type.
func (g *generator) decodeBody(o *operation) {
	if o.request == nil {
		return
	}
	for _, m := range o.Request {
		if o.bodies[m] == o.request {
			g.p("DecodeBody: %s,", o.decoders[m])
			return
		}
	}
}

// body is the schema of a request's or response's body.
type body struct {
	schema *schema
	typ    types.Type
	name   string // of the exported functions, without Decode and Append
	check  string // the function that checks it and drops the value; "" if package validate does
	dir    direction
}

// bodies returns the bodies of all operations without duplicates, in the document's order.
func (g *generator) bodies(all []*operation) ([]*body, error) {
	var out []*body
	var errs []error
	byName := map[string]*body{}
	add := func(o *operation, m *validate.Body, dir direction, candidates []string, fallback string, field types.Type) {
		switch {
		case m.Schema == nil:
			return
		case !validate.IsJSON(m.Type):
			for _, s := range m.Spots {
				g.note(s.Pointer, "not checked: %s", s.Reason)
			}
			return
		}
		for _, s := range m.Spots {
			errs = append(errs, errorAt(s.Pointer, "%s", s.Reason))
		}
		b, err := g.body(m, dir, candidates, fallback, field)
		if err != nil || b == nil {
			errs = append(errs, err)
			return
		}
		if have := byName[b.name]; have == nil {
			byName[b.name] = b
			out = append(out, b)
		} else if have.schema != b.schema || !types.Identical(have.typ, b.typ) {
			g.note(m.Schema.Pointer, "not decoded: Decode%s decodes %s", b.name, have.schema.Pointer)
			return
		}
		o.bodies[m] = byName[b.name]
	}
	for _, o := range all {
		for _, m := range o.Request {
			add(o, m, request, []string{o.ID + "JSONRequestBody", o.ID + "JSONBody"}, o.goName+"Request", nil)
		}
		o.request = commonBody(o)
		for _, r := range o.Responses {
			for _, m := range r.Bodies {
				add(o, m, response, nil, o.goName+exported(r.Status), g.clientField(o, r.Status))
			}
		}
		for _, s := range o.Spots {
			errs = append(errs, errorAt(s.Pointer, "%s", s.Reason))
		}
	}
	return out, errors.Join(errs...)
}

// note adds a note for the user, unless there is one with the same text.
func (g *generator) note(pointer, format string, args ...any) {
	if text := pointer + ": " + fmt.Sprintf(format, args...); !slices.Contains(g.notes, text) {
		g.notes = append(g.notes, text)
	}
}

// commonBody returns the body that all media types with a schema share; nil if there is none.
func commonBody(o *operation) *body {
	var common *body
	for _, m := range o.Request {
		switch b := o.bodies[m]; {
		case m.Schema == nil:
		case b == nil:
			return nil
		case common == nil:
			common = b
		case common != b:
			return nil
		}
	}
	return common
}

// clientField returns the type of a response's JSON body in oapi-codegen's client; nil if there is none.
func (g *generator) clientField(o *operation, status string) types.Type {
	t, err := g.models.find(o.ID + "Response")
	if err != nil || t == nil {
		return nil
	}
	s, ok := t.Type().Underlying().(*types.Struct)
	if !ok {
		return nil
	}
	for f := range s.Fields() {
		if strings.EqualFold(f.Name(), "JSON"+status) {
			if p, ok := f.Type().(*types.Pointer); ok {
				return p.Elem()
			}
		}
	}
	return nil
}

// body finds the Go type of a body: that of its component, else the first candidate in the models, else the client's
// field, else the type that the schema implies. It returns nil if there is none: such a body is checked, but not
// decoded.
func (g *generator) body(m *validate.Body, dir direction, candidates []string, fallback string, field types.Type) (*body, error) {
	s := g.contract.schema(m.Schema)
	for _, kind := range []string{"/components/responses/", "/components/requestBodies/"} {
		if rest, ok := strings.CutPrefix(s.Pointer, kind); ok {
			name, _, _ := strings.Cut(rest, "/")
			candidates = append(candidates, unescapePointer(name))
		}
	}
	if s.title == "" {
		s.title = fallback
	}
	b := &body{schema: s, dir: dir, name: fallback}
	if s.Name != "" {
		candidates = []string{s.Name}
	}
	for _, name := range candidates {
		t, err := g.models.find(name)
		if err != nil {
			return nil, s.errorf("%v", err)
		}
		if t != nil && name != "" {
			b.typ, b.name = types.Unalias(t.Type()), t.Name()
			break
		}
	}
	if b.typ == nil {
		b.typ = field
	}
	if b.typ == nil {
		b.typ = g.typeOf(s)
	}
	if b.typ == nil {
		g.note(s.Pointer, "not decoded: the models have no Go type for it")
		return nil, nil //nolint:nilnil // no body is a valid result
	}
	if s.directed() && dir == response {
		b.name += "Response"
	}
	return b, nil
}

// typeOf returns the Go type of a schema: that of its component, or the one that it implies; nil if there is none.
func (g *generator) typeOf(s *schema) types.Type {
	if s.Name != "" {
		if t, err := g.models.find(s.Name); err == nil && t != nil {
			return types.Unalias(t.Type())
		}
	}
	if s.whole {
		return nil
	}
	if s.typ == "array" {
		if item := g.typeOf(s.items); item != nil {
			return types.NewSlice(item)
		}
		return nil
	}
	if t, ok := basicTypes[s.typ]; ok {
		return t
	}
	if s.isAny() {
		return types.Universe.Lookup("any").Type()
	}
	return nil
}

// writeBody writes the exported function that reads a body.
func (g *generator) writeBody(b *body) error {
	g.p("// Decode%s checks data against %s and decodes it into *into, replacing the old value.", b.name, b.schema.Pointer)
	g.p("// It returns nil if data is valid; otherwise *into is unspecified.")
	g.p("func Decode%s(data []byte, into *%s) *validate.Faults {", b.name, g.typ(b.typ))
	g.p("reader := validate.Open(data)\nr := &reader")
	if s := b.schema; !g.isWhole(s, b.typ) && !s.isAny() && !s.nullable && !g.isValue(s, b.typ) {
		read, err := g.reader(s, b.typ, b.dir)
		if err != nil {
			return err
		}
		if _, ok := b.typ.Underlying().(*types.Struct); ok {
			g.p("*into = %s{}", g.typ(b.typ))
		}
		g.p("%s(r, into)", read)
	} else {
		g.p("var value %s", g.typ(b.typ))
		if err := g.assign("value", b.typ, b.schema, b.dir); err != nil {
			return err
		}
		g.p("*into = value")
	}
	g.p("return r.Close()\n}\n")
	return nil
}

// writeEncoder writes the exported function that appends a body.
func (g *generator) writeEncoder(b *body) error {
	g.p("// Append%s appends *v to buf as JSON, with the members in the order of %s.", b.name, b.schema.Pointer)
	g.p("func Append%s(buf []byte, v *%s) []byte {", b.name, g.typ(b.typ))
	if s := b.schema; !s.whole && (s.typ == "object" || s.typ == "array") && !isUnion(b.typ) && !isInterface(b.typ) && !isRaw(b.typ) {
		name, err := g.appender(s, b.typ, b.dir)
		if err != nil {
			return err
		}
		g.p("return %s(buf, v)\n}\n", name)
		return nil
	}
	g.p("b := buf")
	if err := g.encode("(*v)", b.typ, b.schema, b.dir); err != nil {
		return err
	}
	g.p("return b\n}\n")
	return nil
}
