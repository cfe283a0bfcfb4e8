package main

import (
	"fmt"
	"go/types"
	"mime"
	"regexp"
	"slices"
	"strings"
)

// operation is one operation of the document.
type operation struct {
	item, node       node
	id, method, path string
	goName           string
	parameters       []*parameter    // set by writeParameters
	holder           *types.TypeName // set by writeParameters; nil if there is no parameter in query or header
	request          *body           // set by bodies; nil if there is none, or if its media types have different ones
	requests         []mediaBody     // set by bodies
	responses        []statusBodies  // set by bodies
}

// mediaBody is a body of one media type; it is nil where the document has no schema.
type mediaBody struct {
	mediaType string
	body      *body
}

// statusBodies are the bodies of the responses with a status.
type statusBodies struct {
	status string
	bodies []mediaBody
}

// operations returns the operations in the document's order.
func (g *generator) operations() ([]*operation, error) {
	paths, _ := g.doc.node().get("paths")
	var all []*operation
	for path, item := range paths.members() {
		if strings.HasPrefix(path, "x-") {
			continue
		}
		item, err := item.resolve()
		if err != nil {
			return nil, err
		}
		for method, n := range item.members() {
			switch method {
			case "get", "put", "post", "delete", "options", "head", "patch", "trace":
			default:
				continue
			}
			id, ok := n.get("operationId")
			if !ok {
				return nil, n.errorf("an operation needs an operationId")
			}
			o := &operation{item: item, node: n, id: id.text(), method: strings.ToUpper(method), path: path}
			o.goName = g.operationName(o.id)
			all = append(all, o)
		}
	}
	return all, nil
}

// operationName returns what oapi-codegen calls the operation, as far as the models tell.
func (g *generator) operationName(id string) string {
	for _, suffix := range []string{"Params", "Response", "JSONRequestBody", "JSONBody"} {
		if t, err := g.models.find(id + suffix); err == nil && t != nil && strings.HasSuffix(t.Name(), suffix) {
			return strings.TrimSuffix(t.Name(), suffix)
		}
	}
	return exported(id)
}

func (g *generator) writeOperations(all []*operation, bodies []body) {
	for i := range bodies {
		bodies[i].check = g.unique("check" + bodies[i].name)
	}
	checks := map[string]string{}
	for _, b := range bodies {
		checks[b.name] = b.check
	}
	g.p("// Operations are the operations of the document, in its order.")
	g.p("var Operations = []*validate.Operation{")
	for _, o := range all {
		g.p("{\nID: %q,\nMethod: %q,\nPath: %q,", o.id, o.method, o.path)
		g.security(o)
		g.parameterList(o)
		if body, ok := o.node.at("requestBody"); ok {
			if required, _ := body.get("required"); required.isTrue() {
				g.p("BodyRequired: true,")
			}
		}
		g.mediaBodies("Request", o.requests, checks)
		g.p("Responses: []*validate.Response{")
		for _, r := range o.responses {
			g.p("{\nStatus: %q,", r.status)
			g.mediaBodies("Bodies", r.bodies, checks)
			g.p("},")
		}
		g.p("},")
		g.checkParams(o)
		g.decodeBody(o)
		g.p("},")
	}
	g.p("}")
	for _, b := range bodies {
		g.p("\nfunc %s(data []byte) *validate.Faults {", b.check)
		g.p("var v %s\nreturn Decode%s(data, &v)\n}", g.typ(b.typ), b.name)
	}
}

// mediaBodies writes a member with the functions that check bodies and drop their values.
func (g *generator) mediaBodies(name string, bodies []mediaBody, checks map[string]string) {
	if len(bodies) == 0 {
		return
	}
	g.p("%s: []*validate.Body{", name)
	for _, m := range slices.SortedStableFunc(slices.Values(bodies), moreSpecific) {
		mediaType, parameters := splitType(m.mediaType)
		fmt.Fprintf(g.file, "{Type: %q", mediaType)
		if len(parameters) > 0 {
			fmt.Fprintf(g.file, ", Parameters: %#v", parameters)
		}
		if m.body != nil {
			fmt.Fprintf(g.file, ", Check: %s", checks[m.body.name])
		}
		g.p("},")
	}
	g.p("},")
}

// splitType returns a media type in lower case and its parameters.
func splitType(text string) (string, map[string]string) {
	mediaType, parameters, err := mime.ParseMediaType(text)
	if err != nil { // a range is no media type to package mime
		mediaType, _, _ = strings.Cut(strings.ToLower(text), ";")
		return strings.TrimSpace(mediaType), nil
	}
	return mediaType, parameters
}

// moreSpecific orders media types: those with parameters, those without, then ranges (RFC 9110 §12.5.1).
func moreSpecific(a, b mediaBody) int {
	rank := func(m mediaBody) int {
		switch t, parameters := splitType(m.mediaType); {
		case t == "*/*":
			return 3
		case strings.HasSuffix(t, "/*"):
			return 2
		case len(parameters) == 0:
			return 1
		}
		return 0
	}
	return rank(a) - rank(b)
}

// placeholder is a parameter in a path's template.
var placeholder = regexp.MustCompile(`\{([^{}]+)\}`)

// parameterList writes what the document says of the parameters.
func (g *generator) parameterList(o *operation) {
	if len(o.parameters) == 0 {
		return
	}
	g.p("Parameters: []*validate.Parameter{")
	for _, p := range o.parameters {
		fmt.Fprintf(g.file, "{Pointer: %q, In: %q, Name: %q", p.node.pointer, p.in, p.name)
		if p.required {
			fmt.Fprint(g.file, ", Required: true")
		}
		if p.in == "query" {
			fmt.Fprint(g.file, ", Style: \"form\", Explode: true")
		} else {
			fmt.Fprint(g.file, ", Style: \"simple\"")
		}
		if p.odata {
			fmt.Fprint(g.file, ", System: true")
		}
		g.p("},")
	}
	g.p("},")
}

// checkParams writes the function that checks the parameters of an operation and drops their values.
func (g *generator) checkParams(o *operation) {
	g.p("CheckParams: func(path []string, query string, header map[string][]string) *validate.Faults {")
	var before, after []string
	for _, p := range o.parameters {
		if p.in != "path" {
			continue
		}
		at := slices.IndexFunc(placeholder.FindAllStringSubmatch(o.path, -1), func(m []string) bool { return m[1] == p.name })
		before = append(before, fmt.Sprintf("path[%d]", at))
	}
	if len(before) > 0 {
		g.p("var values %sPath", o.goName)
		after = append(after, "&values")
	}
	if o.holder != nil {
		g.p("var params %s", g.typ(o.holder.Type()))
		after = append(after, "&params")
	}
	arguments := slices.Concat(before, []string{"query", "header"}, after)
	g.p("return Decode%sParams(%s)\n},", o.goName, strings.Join(arguments, ", "))
}

// decodeBody writes the function that decodes the body of an operation into the type that its handler gets.
func (g *generator) decodeBody(o *operation) {
	if o.request == nil {
		return
	}
	g.p("DecodeBody: func(data []byte, into any) (*validate.Faults, bool) {")
	g.p("v, ok := into.(*%s)", g.typ(o.request.typ))
	g.p("if !ok {\nreturn nil, false\n}")
	g.p("return Decode%s(data, v), true\n},", o.request.name)
}

func (g *generator) security(o *operation) {
	security, ok := o.node.get("security")
	if !ok {
		security, _ = g.doc.node().get("security")
	}
	first := true
	for _, alternative := range security.items() {
		if first {
			g.p("Security: []validate.Alternative{")
			first = false
		}
		g.p("{")
		for scheme, scopes := range alternative.members() {
			g.requirement(scheme, scopes)
		}
		g.p("},")
	}
	if !first {
		g.p("},")
	}
}

func (g *generator) requirement(scheme string, scopes node) {
	fmt.Fprintf(g.file, "{Scheme: %q", scheme)
	var list []string
	for _, scope := range scopes.items() {
		list = append(list, quote(scope.text()))
	}
	if list != nil {
		fmt.Fprintf(g.file, ", Scopes: []string{%s}", strings.Join(list, ", "))
	}
	member := func(key string) string {
		n, _ := g.doc.node().at("components", "securitySchemes", scheme, key)
		return n.text()
	}
	kind, in, name := member("type"), member("in"), member("name")
	if kind == "http" {
		in, name = "", strings.ToLower(member("scheme"))
	}
	for _, field := range [][2]string{{"Type", kind}, {"In", in}, {"Name", name}} {
		if field[1] != "" {
			fmt.Fprintf(g.file, ", %s: %q", field[0], field[1])
		}
	}
	g.p("},")
}

// body is a schema that is the whole of a request's or a response's body.
type body struct {
	schema *schema
	typ    types.Type
	name   string // of the exported functions, without Decode and Append
	check  string // the function that checks it and drops the value
	dir    direction
}

var jsonType = regexp.MustCompile(`^application/([a-z0-9.!#$&^_-]+\+)?json *(;|$)`)

// bodies returns the bodies of all operations, each once, in the document's order.
func (g *generator) bodies(all []*operation) ([]body, error) {
	var out []body
	seen := map[string]bool{}
	add := func(n node, dir direction, candidates []string, fallback string, field types.Type) ([]mediaBody, error) {
		var found []mediaBody
		media, ok := n.get("content")
		if !ok {
			return nil, nil
		}
		for mediaType, m := range media.members() {
			s, ok := m.get("schema")
			if !ok {
				found = append(found, mediaBody{mediaType, nil})
				continue
			}
			if !jsonType.MatchString(strings.ToLower(mediaType)) {
				return nil, m.errorf("a schema for the media type %s is not supported", mediaType)
			}
			b, err := g.body(s, dir, candidates, fallback, field)
			if err != nil {
				return nil, err
			}
			found = append(found, mediaBody{mediaType, &b})
			if !seen[b.name] {
				seen[b.name] = true
				out = append(out, b)
			}
		}
		return found, nil
	}
	for _, o := range all {
		if n, ok := o.node.at("requestBody"); ok {
			found, err := add(n, request, []string{o.id + "JSONRequestBody", o.id + "JSONBody"}, o.goName+"Request", nil)
			if err != nil {
				return nil, err
			}
			o.requests = found
			o.request = commonBody(found)
		}
		responses, _ := o.node.get("responses")
		for status, r := range responses.members() {
			if strings.HasPrefix(status, "x-") {
				continue
			}
			r, err := r.resolve()
			if err != nil {
				return nil, err
			}
			name, _ := strings.CutPrefix(r.pointer, "/components/responses/")
			found, err := add(r, response, []string{name}, o.goName+exported(status), g.clientField(o, status))
			if err != nil {
				return nil, err
			}
			o.responses = append(o.responses, statusBodies{status, found})
		}
	}
	return out, nil
}

// commonBody returns the body that all media types with a schema share, nil if there is none.
func commonBody(found []mediaBody) *body {
	var common *body
	for _, m := range found {
		switch {
		case m.body == nil:
		case common == nil:
			common = m.body
		case common.name != m.body.name:
			return nil
		}
	}
	return common
}

// clientField returns the type that oapi-codegen's client has for the JSON body of a response, nil if there is none.
func (g *generator) clientField(o *operation, status string) types.Type {
	t, err := g.models.find(o.id + "Response")
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

// body finds the Go type of a body: that of its component, else of the first candidate that the models have, else the
// client's field, else what the schema itself tells.
func (g *generator) body(n node, dir direction, candidates []string, fallback string, field types.Type) (body, error) {
	s, err := g.schemas.schema(n)
	if err != nil {
		return body{}, err
	}
	if err := g.schemas.finish(); err != nil {
		return body{}, err
	}
	if s.title == "" {
		s.title = fallback
	}
	b := body{schema: s, dir: dir, name: fallback}
	if s.name != "" {
		candidates = []string{s.name}
	}
	for _, name := range candidates {
		t, err := g.models.find(name)
		if err != nil {
			return body{}, s.node.errorf("%v", err)
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
		if b.typ, err = g.typeOf(s); err != nil {
			return body{}, err
		}
	}
	if s.directed() && dir == response {
		b.name += "Response"
	}
	return b, nil
}

// typeOf returns the Go type of a schema that has no name of its own.
func (g *generator) typeOf(s *schema) (types.Type, error) {
	if s.name != "" {
		t, err := g.models.find(s.name)
		if err != nil {
			return nil, s.node.errorf("%v", err)
		}
		if t != nil {
			return types.Unalias(t.Type()), nil
		}
	}
	if s.typ == "array" {
		item, err := g.typeOf(s.items)
		return types.NewSlice(item), err
	}
	if t, ok := basicTypes[s.typ]; ok {
		return t, nil
	}
	if s.untyped {
		return types.Universe.Lookup("any").Type(), nil
	}
	return nil, s.node.errorf("the models have no Go type for this schema; give it a name under /components/schemas")
}

// writeBody writes the exported function that reads a body.
func (g *generator) writeBody(b body) error {
	g.p("// Decode%s checks data against %s and decodes it into *into, whose old value is lost.", b.name, b.schema.node.pointer)
	g.p("// It returns nil if there is no fault; otherwise *into is unspecified.")
	g.p("func Decode%s(data []byte, into *%s) *validate.Faults {", b.name, g.typ(b.typ))
	g.p("reader := validate.Open(data)\nr := &reader")
	if !isValue(b.schema) && !b.schema.allowsNull() {
		read, err := g.reader(b.schema, b.typ, b.dir)
		if err != nil {
			return err
		}
		if b.schema.typ == "object" {
			if _, ok := b.typ.Underlying().(*types.Struct); ok {
				g.p("*into = %s{}", g.typ(b.typ))
			}
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
func (g *generator) writeEncoder(b body) error {
	g.p("// Append%s appends *v to buf as JSON: members in the order of %s.", b.name, b.schema.node.pointer)
	g.p("func Append%s(buf []byte, v *%s) []byte {", b.name, g.typ(b.typ))
	if !isValue(b.schema) {
		name, err := g.appender(b.schema, b.typ, b.dir)
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
