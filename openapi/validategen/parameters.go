package main

import (
	"fmt"
	"go/token"
	"go/types"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

// parameter is one parameter of an operation.
type parameter struct {
	node     node
	in, name string
	required bool
	odata    bool // an OData system query option: named in any letter case, with or without its $
	schema   *schema
	typ      types.Type // of the field that holds it
	field    string
}

// maxParameters is how many bits tell which parameters were there.
const maxParameters = 64

// listFields are the header fields whose lines a sender may split and a recipient may join (RFC 9110 §5.3). The
// conditional ones are not among them: two of them are more likely a proxy's mistake than a list.
var listFields = []string{"Accept-Charset", "Accept-Encoding", "Accept-Language", "Cache-Control", "Forwarded", "Prefer", "Via"}

// parameters returns the parameters of an operation: those of the path in the order in which it names them, then those
// of query and header, in the document's order.
func (g *generator) parameters(o *operation) ([]*parameter, error) {
	var all []*parameter
	for _, list := range []node{o.item, o.node} {
		n, _ := list.get("parameters")
		for _, item := range n.items() {
			p, err := g.parameter(item)
			if err != nil {
				return nil, err
			}
			if p.schema.title == "" {
				p.schema.title = o.goName + exported(p.name)
			}
			same := func(q *parameter) bool { return q.in == p.in && q.name == p.name }
			if i := slices.IndexFunc(all, same); i >= 0 { // the operation's own replaces the path's
				all[i] = p
				continue
			}
			all = append(all, p)
		}
	}
	order := []string{"path", "query", "header"}
	slices.SortStableFunc(all, func(x, y *parameter) int {
		if x.in == "path" && y.in == "path" {
			return strings.Index(o.path, "{"+x.name+"}") - strings.Index(o.path, "{"+y.name+"}")
		}
		return slices.Index(order, x.in) - slices.Index(order, y.in)
	})
	if len(all) > maxParameters {
		return nil, o.node.errorf("more than %d parameters are not supported", maxParameters)
	}
	return all, distinct(all)
}

// distinct refuses a query parameter whose name is a spelling of a system query option: no request could reach it.
func distinct(all []*parameter) error {
	for _, option := range all {
		for _, p := range all {
			if option.odata && p != option && p.in == "query" && strings.EqualFold(strings.TrimPrefix(p.name, "$"), option.name[1:]) {
				return p.node.errorf("the name %q is a spelling of the system query option %s", p.name, option.name)
			}
		}
	}
	return nil
}

func (g *generator) parameter(item node) (*parameter, error) {
	n, err := item.resolve()
	if err != nil {
		return nil, err
	}
	p := &parameter{node: n}
	for key, v := range n.members() {
		if err := p.keyword(key, v); err != nil {
			return nil, err
		}
	}
	schemaNode, ok := n.get("schema")
	if !ok {
		return nil, n.errorf("a parameter needs a schema")
	}
	if p.schema, err = g.schemas.schema(schemaNode); err != nil {
		return nil, err
	}
	if err := g.schemas.finish(); err != nil {
		return nil, err
	}
	switch p.schema.typ {
	case "string", "integer", "number", "boolean":
		return p, nil
	}
	return nil, p.schema.node.errorf("a parameter of type %q is not supported", p.schema.typ)
}

// keyword works one member of a parameter object in.
func (p *parameter) keyword(key string, v node) error {
	switch key {
	case "name":
		p.name = v.text()
	case "in":
		if p.in = v.text(); p.in != "path" && p.in != "query" && p.in != "header" {
			return v.errorf("parameters in %s are not supported", p.in)
		}
	case "required":
		p.required = v.isTrue()
	case "style":
		if want := map[bool]string{true: "form", false: "simple"}[p.isIn("query")]; v.text() != want {
			return v.errorf("the style %s is not supported", v.text())
		}
	case "allowEmptyValue", "allowReserved":
		if !v.isFalse() {
			return v.errorf("%s is not supported", key)
		}
	case "x-odata-option":
		name, _ := p.node.get("name")
		if p.odata = v.isTrue(); !p.odata && !v.isFalse() {
			return v.errorf("x-odata-option is neither true nor false")
		}
		if p.odata && (!p.isIn("query") || !strings.HasPrefix(name.text(), "$")) {
			return v.errorf("x-odata-option is for query parameters whose names begin with $")
		}
	case "schema", "explode": // explode means nothing for a single value
	case "examples":
	default:
		if !describes(key) {
			return v.errorf("%s of a parameter is not supported", key)
		}
	}
	return nil
}

func (p *parameter) isIn(place string) bool {
	in, _ := p.node.get("in")
	return in.text() == place
}

// bindParameters finds the Go types of the parameters, and the struct that holds those of query and header.
func (g *generator) bindParameters(o *operation, all []*parameter) (*types.TypeName, error) {
	t, err := g.models.find(o.id + "Params")
	if err != nil {
		return nil, o.node.errorf("%v", err)
	}
	var list []field
	if t != nil {
		if s, ok := t.Type().Underlying().(*types.Struct); ok {
			list, _ = fields(s)
		}
	}
	for _, p := range all {
		if p.in == "path" {
			if err := g.bindPath(p); err != nil {
				return nil, err
			}
			continue
		}
		f, ok := fieldOf(list, p.name)
		if !ok {
			return nil, p.node.errorf("the models have no field for the parameter %q", p.name)
		}
		p.typ, p.field = f.typ, f.name
	}
	return t, nil
}

// bindPath gives a path parameter the Go type of its component, or of its schema, or a basic one.
func (g *generator) bindPath(p *parameter) error {
	p.field, p.typ = exported(p.name), basicTypes[p.schema.typ]
	names := []string{p.schema.name}
	if name, ok := strings.CutPrefix(p.node.pointer, "/components/parameters/"); ok {
		names = []string{name, p.schema.name}
	}
	for _, name := range names {
		t, err := g.models.find(name)
		if err != nil {
			return p.node.errorf("%v", err)
		}
		if t != nil && name != "" {
			p.typ = types.Unalias(t.Type())
			if fold(p.name) == fold(name) {
				p.field = t.Name()
			}
			return nil
		}
	}
	if p.schema.format == "int32" || p.schema.format == "edm-int32" {
		p.typ = types.Typ[types.Int32]
	}
	return nil
}

var basicTypes = map[string]types.Type{
	"string": types.Typ[types.String], "integer": types.Typ[types.Int64], "number": types.Typ[types.Float64], "boolean": types.Typ[types.Bool],
}

// writeParameters writes the function that decodes the parameters of an operation.
func (g *generator) writeParameters(o *operation) error {
	all, err := g.parameters(o)
	if err != nil {
		return err
	}
	holder, err := g.bindParameters(o, all)
	if err != nil {
		return err
	}
	o.parameters, o.holder = all, holder
	g.parameterTable(o, all)
	g.pathStruct(o, all)
	g.p("// Decode%sParams checks the parameters of %s %s and decodes them.", o.goName, o.method, o.path)
	g.p("// The path's segments and the query are as they stand on the wire; percent-encoding is decoded once.")
	g.p("// The keys of header have the form of [net/http.Header]. After faults the results are unspecified.")
	fmt.Fprintf(g.file, "func Decode%sParams(", o.goName)
	var results []string
	for _, p := range all {
		if p.in == "path" {
			fmt.Fprintf(g.file, "%s, ", argument(p))
			results = []string{"path *" + o.goName + "Path"}
		}
	}
	if holder != nil {
		results = append(results, "into *"+g.typ(holder.Type()))
	}
	g.p("query string, header map[string][]string%s) *validate.Faults {", strings.Join(append([]string{""}, results...), ", "))
	if len(all) > 0 {
		g.p("p := validate.ParametersOf(params%s[:])", o.goName)
	} else {
		g.p("var p validate.ParameterReader")
	}
	if len(all) > 0 && all[0].in == "path" {
		g.p("*path = %sPath{}", o.goName)
	}
	if holder != nil {
		g.p("*into = %s{}", g.typ(holder.Type()))
	}
	if err := g.parameterReads(all); err != nil {
		return err
	}
	g.p("return p.Close()\n}\n")
	return nil
}

func (g *generator) parameterTable(o *operation, all []*parameter) {
	if len(all) == 0 {
		return
	}
	g.p("var params%s = [...]validate.Place{", o.goName)
	for _, p := range all {
		g.p("{In: %q, Name: %q, Expected: %s},", p.in, p.name, g.want(p.schema))
	}
	g.p("}\n")
}

func (g *generator) pathStruct(o *operation, all []*parameter) {
	var types, values []string
	for _, p := range all {
		if p.in == "path" {
			types, values = append(types, g.typ(p.typ)), append(values, "p."+p.field)
		}
	}
	if len(types) == 0 {
		return
	}
	g.p("// %sPath has the path parameters of %s.", o.goName, o.id)
	g.p("type %sPath struct {", o.goName)
	for i, p := range all[:len(types)] {
		g.p("%s %s // %s", p.field, types[i], p.name)
	}
	g.p("}\n")
	g.p("// Values returns the parameters in the order of the path.")
	g.p("func (p *%sPath) Values() (%s) {\nreturn %s\n}\n", o.goName, strings.Join(types, ", "), strings.Join(values, ", "))
}

// argument is the name of the argument of a path parameter.
func argument(p *parameter) string {
	name := strings.ToLower(p.field[:1]) + p.field[1:]
	if token.IsKeyword(name) || p.field == strings.ToUpper(p.field) ||
		slices.Contains([]string{"query", "header", "path", "into", "params"}, name) || len(name) == 1 {
		name = strings.ToLower(p.field) + "Param"
	}
	return name
}

// parameterReads writes the lines that read each parameter.
func (g *generator) parameterReads(all []*parameter) error {
	for i, p := range all {
		if p.in == "path" {
			g.p("if s, ok := p.Path(%d, %s); ok {", i, argument(p))
			if err := g.parameterValue(i, p, "path."); err != nil {
				return err
			}
			g.p("}")
		}
	}
	if err := g.queryReads(all); err != nil {
		return err
	}
	for i, p := range all {
		if p.in == "header" {
			key := textproto.CanonicalMIMEHeaderKey(p.name)
			read := "Header"
			if slices.Contains(listFields, key) {
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
			if p.required {
				g.p("p.Require(%d)", i)
			}
		}
	}
	return nil
}

func (g *generator) queryReads(all []*parameter) error {
	g.p("for query != \"\" {\nvar ok bool")
	if !slices.ContainsFunc(all, func(p *parameter) bool { return p.in == "query" }) {
		g.p("var name string\nif name, _, query, ok = p.Option(query); ok {\np.Unknown(name)\n}\n}")
		return nil
	}
	g.p("var name, value string")
	g.p("if name, value, query, ok = p.Option(query); !ok {\ncontinue\n}")
	var options []string
	for _, p := range all {
		if p.odata {
			options = append(options, quote(p.name))
		}
	}
	if options != nil {
		g.p("name = validate.SystemOption(name, %s)", strings.Join(options, ", "))
	}
	g.p("switch name {")
	for i, p := range all {
		if p.in == "query" {
			g.p("case %q:\nif s, ok := p.Query(%d, value); ok {", p.name, i)
			if err := g.parameterValue(i, p, "into."); err != nil {
				return err
			}
			g.p("}")
		}
	}
	g.p("default:\np.Unknown(name)\n}\n}")
	for i, p := range all {
		if p.in == "query" && p.required {
			g.p("p.Require(%d)", i)
		}
	}
	return nil
}

// isLine reports whether the parameter is the line of a header field itself, pointed at where it stands.
func (p *parameter) isLine() bool {
	u := unwrap(p.typ)
	return p.in == "header" && u.how == pointer && types.Identical(u.value, types.Typ[types.String])
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
		if p.schema.enum != nil {
			return p.schema.node.errorf("an enum of booleans is not supported in a parameter")
		}
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
				g.p("%s", value) // for its faults: what passes is s itself
			}
			g.p("%s%s = validate.HeaderLine(header[%q])", target, p.field, textproto.CanonicalMIMEHeaderKey(p.name))
			break
		}
		g.p("x := %s\n%s%s = &x", value, target, p.field)
	case optional:
		g.p("%s%s = %s.Value(%s)", target, p.field, g.useAs(u.pkg.Path(), u.pkg.Name()), value)
	default:
		g.p("%s%s = %s", target, p.field, value)
	}
	return nil
}
