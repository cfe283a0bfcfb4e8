package main

import (
	"fmt"
	"go/token"
	"go/types"
	"maps"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// parameter is one parameter of an operation.
type parameter struct {
	*validate.Parameter
	schema   *schema
	typ      types.Type // of the field that holds it
	field    string
	argument string // of a path parameter
}

// maxParameters is the number of bits in the set of parameters that were read.
const maxParameters = 64

// parametersOf returns the parameters of an operation: first those of the path in the order of its template, then those
// of query, header and cookies in the document's order.
func (g *generator) parametersOf(o *operation) []*parameter {
	var all []*parameter
	for _, declared := range o.Parameters {
		p := &parameter{Parameter: declared, schema: g.contract.schema(declared.Schema)}
		if p.schema.title == "" {
			p.schema.title = o.goName + exported(p.Name)
		}
		all = append(all, p)
	}
	order := []string{"path", "query", "header", "cookie"}
	slices.SortStableFunc(all, func(x, y *parameter) int {
		if x.In == "path" && y.In == "path" {
			return strings.Index(o.Path, "{"+x.Name+"}") - strings.Index(o.Path, "{"+y.Name+"}")
		}
		return slices.Index(order, x.In) - slices.Index(order, y.In)
	})
	return all
}

// isSingle reports whether direct code reads the parameter: it is a single string, number or boolean. Package validate
// reads others.
func (p *parameter) isSingle() bool {
	switch {
	case p.In == "cookie", p.Content != "", p.AllowEmpty:
		return false
	case p.Style != "simple" && p.Style != "form", p.schema.whole:
		return false
	case p.schema.nullable && p.schema.typ != "string", p.schema.typ == "boolean" && p.schema.Enum != nil:
		return false
	}
	return slices.Contains([]string{"string", "integer", "number", "boolean"}, p.schema.typ) && !isInterface(unwrap(p.typ).value)
}

// distinct rejects a query parameter whose name is a spelling of a system query option: no request could set it.
func distinct(o *operation) error {
	for _, option := range o.Parameters {
		for _, p := range o.Parameters {
			if option.System && p != option && p.In == "query" && strings.EqualFold(strings.TrimPrefix(p.Name, "$"), option.Name[1:]) {
				return errorAt(p.Pointer, "the name %q is a spelling of the system query option %s", p.Name, option.Name)
			}
		}
	}
	return nil
}

// bindParameters finds the Go types of the parameters, and the struct with those of query, header and cookies.
func (g *generator) bindParameters(o *operation, all []*parameter) (*types.TypeName, error) {
	t, err := g.models.find(o.ID + "Params")
	if err != nil {
		return nil, errorAt(o.pointer, "%v", err)
	}
	var list []field
	bound := map[string]bool{}
	if t != nil {
		if s, ok := t.Type().Underlying().(*types.Struct); ok {
			list, _ = fields(s)
		}
	}
	for _, p := range all {
		if p.In == "path" {
			if err := g.bindPath(o, p); err != nil {
				return nil, err
			}
			continue
		}
		f, ok := fieldOf(list, p.Name)
		if !ok {
			return nil, errorAt(p.Pointer, "the models have no field for the parameter %q", p.Name)
		}
		if bound[f.name] {
			return nil, errorAt(p.Pointer, "the field %s holds another parameter of the name %q: the models cannot have both", f.name, p.Name)
		}
		bound[f.name] = true
		p.typ, p.field = f.typ, f.name
	}
	return t, nil
}

var basicTypes = map[string]types.Type{
	"string": types.Typ[types.String], "integer": types.Typ[types.Int64], "number": types.Typ[types.Float64], "boolean": types.Typ[types.Bool],
}

// writeParameters writes the function that decodes the parameters of an operation.
func (g *generator) writeParameters(o *operation) error {
	for _, p := range o.Parameters {
		if p.Spot != nil {
			return errorAt(p.Spot.Pointer, "%s", p.Spot.Reason)
		}
	}
	if err := distinct(o); err != nil {
		return err
	}
	all := g.parametersOf(o)
	holder, err := g.bindParameters(o, all)
	if err != nil {
		return err
	}
	o.parameters, o.holder = all, holder
	g.nameArguments(all)
	o.decode, o.pathType = g.unique("Decode"+o.goName+"Params"), g.unique(o.goName+"Path")
	g.writeJudge(o)
	o.single = len(all)+len(o.keys()) <= maxParameters && !slices.ContainsFunc(all, func(p *parameter) bool { return !p.isSingle() })
	if o.single {
		g.parameterTable(o, all)
	}
	g.pathStruct(o, all)
	g.p("// %s checks the parameters of %s %s and decodes them.", o.decode, o.Method, strings.Map(oneLine, o.Path))
	g.p("// The path's segments and the query are percent-encoded, as in the request; each is decoded once.")
	g.p("// The keys of header are canonical, as in [net/http.Header]. If there are faults, the results are unspecified.")
	fmt.Fprintf(g.file, "func %s(", o.decode)
	var path, results []string
	for _, p := range all {
		if p.In == "path" {
			path = append(path, p.argument)
			fmt.Fprintf(g.file, "%s, ", p.argument)
			results = []string{"path *" + o.pathType}
		}
	}
	if holder != nil {
		results = append(results, "into *"+g.typ(holder.Type()))
	}
	g.p("query string, header map[string][]string%s) *validate.Faults {", strings.Join(append([]string{""}, results...), ", "))
	if len(all) > 0 && all[0].In == "path" {
		g.p("*path = %s{}", o.pathType)
	}
	if holder != nil {
		g.p("*into = %s{}", g.typ(holder.Type()))
	}
	if !o.single {
		return g.readValues(o, all, path)
	}
	return g.readSingles(o, all, path)
}

// readSingles writes the lines that read parameters if each is a single value.
func (g *generator) readSingles(o *operation, all []*parameter, path []string) error {
	if len(all)+len(o.keys()) > 0 {
		g.p("p := validate.ParametersOf(%s[:])", o.places)
	} else {
		g.p("var p validate.ParameterReader")
	}
	g.p("options := query")
	if err := g.parameterReads(o, all); err != nil {
		return err
	}
	g.p("if faults := p.Close(); faults != nil {")
	g.p("return %s.Explain(faults, []string{%s}, options, header)\n}\nreturn nil\n}\n", o.judge, strings.Join(path, ", "))
	return nil
}

// keys returns the query options that are API keys of security schemes and not parameters.
func (o *operation) keys() []string {
	var all []string
	for _, alternative := range o.Security {
		for _, r := range alternative {
			declared := slices.ContainsFunc(o.Parameters, func(p *validate.Parameter) bool { return p.In == "query" && p.Name == r.Name })
			if r.Type == "apiKey" && r.In == "query" && !declared && !slices.Contains(all, r.Name) {
				all = append(all, r.Name)
			}
		}
	}
	return all
}

// writeJudge writes the operation that checks parameters in process.
func (g *generator) writeJudge(o *operation) {
	o.judge, o.places = g.unique("judge"+o.goName), g.unique("params"+o.goName)
	g.p("// %s checks the parameters of %s in process.", o.judge, strings.Map(oneLine, o.ID))
	g.p("var %s = &validate.Operation{\nPath: %s,", o.judge, quote(o.Path))
	g.field("Security", o.Security)
	g.field("Parameters", o.Parameters)
	g.p("}\n")
}

func (g *generator) parameterTable(o *operation, all []*parameter) {
	if len(all)+len(o.keys()) == 0 {
		return
	}
	g.p("var %s = [...]validate.Place{", o.places)
	for _, p := range all {
		g.p("{In: %q, Name: %q, Expected: %s},", p.In, p.Name, g.want(p.schema))
	}
	for _, name := range o.keys() {
		g.p("{In: \"query\", Name: %q, Expected: %s},", name, g.expected(validate.Expected{}))
	}
	g.p("}\n")
}

func (g *generator) pathStruct(o *operation, all []*parameter) {
	var types, values []string
	for _, p := range all {
		if p.In == "path" {
			types, values = append(types, g.typ(p.typ)), append(values, "p."+p.field)
		}
	}
	if len(types) == 0 {
		return
	}
	g.p("// %s has the path parameters of %s.", o.pathType, strings.Map(oneLine, o.ID))
	g.p("type %s struct {", o.pathType)
	for i, p := range all[:len(types)] {
		g.p("%s %s // %s", p.field, types[i], strings.Map(oneLine, p.Name))
	}
	g.p("}\n")
	g.p("// Values returns the parameters in the order of the path.")
	g.p("func (p *%s) Values() (%s) {\nreturn %s\n}\n", o.pathType, strings.Join(types, ", "), strings.Join(values, ", "))
}

// nameArguments gives each path parameter a field and an argument with unique names.
func (g *generator) nameArguments(all []*parameter) {
	fields, arguments := map[string]bool{"Values": true}, map[string]bool{"options": true}
	for _, name := range strings.Fields("context time types json big nullable edm uuid") { // possible imports
		arguments[name] = true
	}
	for _, p := range all {
		if p.In != "path" {
			continue
		}
		if p.field == "" || !unicode.IsUpper([]rune(p.field)[0]) {
			p.field = "P" + p.field
		}
		p.field = free(p.field, func(name string) bool { return fields[name] })
		fields[p.field] = true
		p.argument = free(argument(p), func(name string) bool {
			return arguments[name] || locals[name] || slices.Contains(slices.Collect(maps.Values(g.file.imports)), name) || name == g.models.pkg.Name()
		})
		arguments[p.argument] = true
	}
}

// free returns a name that is not taken.
func free(base string, taken func(name string) bool) string {
	name := base
	for n := 2; taken(name); n++ {
		name = base + strconv.Itoa(n)
	}
	return name
}

// argument returns the name of a path parameter's argument, before it is made unique.
func argument(p *parameter) string {
	first, size := utf8.DecodeRuneInString(p.field)
	name := string(unicode.ToLower(first)) + p.field[size:]
	if token.IsKeyword(name) || p.field == strings.ToUpper(p.field) || len(name) == 1 {
		name = strings.ToLower(p.field) + "Param"
	}
	return name
}

// parameterReads writes the lines that read each parameter.
func (g *generator) parameterReads(o *operation, all []*parameter) error {
	for i, p := range all {
		if p.In == "path" {
			g.p("if s, ok := p.Path(%d, %s); ok {", i, p.argument)
			if err := g.parameterValue(i, p, "path."); err != nil {
				return err
			}
			g.p("}")
		}
	}
	if err := g.queryReads(o, all); err != nil {
		return err
	}
	for i, p := range all {
		if p.In == "header" {
			key := textproto.CanonicalMIMEHeaderKey(p.Name)
			read := "Header"
			if validate.IsListField(key) {
				read = "ListHeader"
			}
			variable := "s"
			if p.isLine() && p.schema.isFree() {
				variable = "_"
			}
			g.p("if %s, ok := p.%s(%d, header[%q]); ok {", variable, read, i, key)
			if err := g.parameterValue(i, p, "into."); err != nil {
				return err
			}
			g.p("}")
			if p.Required {
				g.p("p.Require(%d)", i)
			}
		}
	}
	return nil
}

func (g *generator) queryReads(o *operation, all []*parameter) error {
	g.p("for query != \"\" {\nvar ok bool")
	if len(o.keys()) == 0 && !slices.ContainsFunc(all, func(p *parameter) bool { return p.In == "query" }) {
		g.p("var name string\nif name, _, query, ok = p.Option(query); ok {\np.Unknown(name)\n}\n}")
		return nil
	}
	g.p("var name, value string")
	g.p("if name, value, query, ok = p.Option(query); !ok {\ncontinue\n}")
	var options []string
	for _, p := range all {
		if p.System {
			options = append(options, quote(p.Name))
		}
	}
	if options != nil {
		g.p("name = validate.SystemOption(name, %s)", strings.Join(options, ", "))
	}
	g.p("switch name {")
	for i, p := range all {
		if p.In == "query" {
			g.p("case %q:\nif s, ok := p.Query(%d, value); ok {", p.Name, i)
			if err := g.parameterValue(i, p, "into."); err != nil {
				return err
			}
			g.p("}")
		}
	}
	for i, name := range o.keys() {
		g.p("case %q:\np.Query(%d, value)", name, len(all)+i)
	}
	g.p("default:\np.Unknown(name)\n}\n}")
	for i, p := range all {
		if p.In == "query" && p.Required {
			g.p("p.Require(%d)", i)
		}
	}
	return nil
}

// isLine reports whether the parameter can be a pointer to the line in the header, without a copy.
func (p *parameter) isLine() bool {
	u := unwrap(p.typ)
	return p.In == "header" && u.how == pointer && types.Identical(u.value, types.Typ[types.String])
}

// parameterValue writes the check of the string s of a parameter, and its assignment.
func (g *generator) parameterValue(i int, p *parameter, target string) error {
	u := unwrap(p.typ)
	index := strconv.Itoa(i)
	var value string
	switch p.schema.typ {
	case "string":
		value = "s"
		if !p.schema.isFree() || !types.Identical(u.value, types.Typ[types.String]) {
			value = fmt.Sprintf("%s(&p.Reader, %s, s)", g.checker(p.schema, u.value), index)
		}
	case "boolean":
		value = g.convert("p.Boolean("+index+", s)", types.Bool, u.value)
	default:
		g.p("if lit, ok := p.Number(%s, s); ok {", index)
		defer g.p("}")
		value = fmt.Sprintf("%s(&p.Reader, %s, lit)", g.checker(p.schema, u.value), index)
	}
	switch u.how {
	case pointer:
		if p.isLine() {
			if value != "s" {
				g.p("%s", value) // for its faults: a valid value is s itself
			}
			g.p("%s%s = validate.HeaderLine(header[%q])", target, p.field, textproto.CanonicalMIMEHeaderKey(p.Name))
			break
		}
		g.p("x := %s\n%s%s = &x", value, target, p.field)
	case optional:
		g.p("%s%s = %s(%s)", target, p.field, g.optionalValue(u), value)
	default:
		g.p("%s%s = %s", target, p.field, value)
	}
	return nil
}
