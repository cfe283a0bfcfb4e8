package validate

import (
	"context"
	"slices"
	"strings"
)

// parameter is a parameter that is being read, the form of a body, or the key of a security scheme.
type parameter struct {
	*Parameter
	number  int    // among those of the operation
	index   int    // in Parameters; -1 for a key
	segment int    // of a path parameter: its number in the template, or -1
	field   string // the name of a header parameter in the form of http.Header
	// key is the key of a security scheme. It must not be repeated, and its value is not checked.
	key   bool
	shape *shape
	// spread is an object whose members are separate query options; deep is one whose members are in brackets.
	spread, deep bool
}

// plan is the prepared form of an operation's parameters.
type plan struct {
	params  []*parameter
	names   map[string]*parameter // by the name of the query option
	system  []string              // names with other spellings
	deep    []*parameter
	open    []*parameter // objects that accept undeclared members
	cookies map[string]*parameter
	headers []string
}

// ignored are the header fields that OpenAPI describes elsewhere (OpenAPI 3.0.3, Parameter Object).
var ignored = []string{"Accept", "Content-Type", "Authorization"}

// CheckParameters checks the parameters of a request, with [Operation.CheckParams] if it is set. It reports unknown query
// options first, then faults in the order of Parameters.
//
// Percent-encoding is decoded exactly once; an encoded delimiter is data. Lists and objects have the styles of OpenAPI's
// table, with these additions:
//
//   - A deepObject may nest: filter[labels][a]=b. Items of a list are filter[id]=1&filter[id]=2, filter[id][]=1, or
//     filter[id][0]=1 counted from 0 without a gap.
//   - A label that is not exploded is separated by commas (RFC 6570 §3.2.5) or by dots (OpenAPI 3.0.3).
//   - Cookies are percent-encoded. An exploded list in a cookie has one item.
//   - An option with the name of a parameter belongs to that parameter. Otherwise it belongs to the first object with such a
//     member, else to the first object whose additionalProperties allow it.
//   - Reserved characters may be unescaped even if allowReserved is false.
//
// If a text can be a number, a boolean or a string, the schema may accept any of these readings.
func (o *Operation) CheckParameters(ctx context.Context, path []string, query string, header map[string][]string) *Faults {
	if o.CheckParams != nil {
		return o.CheckParams(path, query, header)
	}
	t := beginTexts(ctx)
	defer t.end()
	t.checkAll(o.planned(), path, query, header)
	return t.result()
}

// checkAll checks all parameters.
func (t *texts) checkAll(p *plan, path []string, query string, header map[string][]string) {
	t.begin(len(p.params))
	t.readQuery(p, query)
	if len(p.cookies) > 0 {
		t.readCookies(p, header["Cookie"])
	}
	for _, q := range p.params {
		if t.full() {
			break
		}
		switch q.In {
		case "path":
			t.checkSegment(q, path)
		case "query":
			t.checkQuery(q)
		case "header":
			t.checkLines(q, header[q.field])
		case "cookie":
			t.checkCookie(q)
		}
	}
}

// QueryOption returns the declared name of a query option, under which it is forwarded. name is the decoded name in the
// request. The result is "" if the operation does not have the option.
func (o *Operation) QueryOption(name string) string {
	p := o.planned()
	q, _, _ := p.find(name)
	switch {
	case q == nil:
		return ""
	case q.System:
		return SystemOption(name, q.Name)
	}
	return name
}

// Headers returns the header fields that are parameters or keys, in the form of [net/http.Header]. It includes Cookie if
// there are cookies.
func (o *Operation) Headers() []string { return o.planned().headers }

func (o *Operation) planned() *plan {
	if p := o.plan.Load(); p != nil {
		return p
	}
	p := newPlan(o)
	o.plan.Store(p)
	return p
}

func newPlan(o *Operation) *plan {
	p := &plan{names: map[string]*parameter{}, cookies: map[string]*parameter{}}
	template := TemplateParameters(o.Path)
	for _, declared := range inOrder(o.Parameters, template) {
		q := newParameter(declared)
		q.index = slices.Index(o.Parameters, declared)
		q.segment = slices.Index(template, declared.Name)
		if !slices.Contains(ignored, q.field) {
			p.add(q)
		}
	}
	p.addKeys(o.Security)
	for _, q := range p.params { // own names take precedence over those of members
		if q.spread {
			p.addMembers(q)
		}
	}
	return p
}

// inOrder returns parameters in the order in which their faults are reported: path parameters in the template's order, then
// query, header and cookies.
func inOrder(list []*Parameter, template []string) []*Parameter {
	places := []string{"path", "query", "header", "cookie"}
	rank := func(name string) int {
		if i := slices.Index(template, name); i >= 0 {
			return i
		}
		return len(template)
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *Parameter) int {
		if a.In == "path" && b.In == "path" {
			return rank(a.Name) - rank(b.Name)
		}
		return slices.Index(places, a.In) - slices.Index(places, b.In)
	})
	return list
}

func newParameter(declared *Parameter) *parameter {
	q := &parameter{Parameter: declared, shape: shapeOf(declared.Schema), deep: declared.Style == "deepObject"}
	if declared.In == "header" {
		q.field = canonicalField(declared.Name)
	}
	q.spread = declared.In == "query" && declared.Style == "form" && declared.Explode && declared.Content == "" && q.shape.can(Object)
	return q
}

func (p *plan) add(q *parameter) {
	q.number = len(p.params)
	p.params = append(p.params, q)
	field := q.field
	switch q.In {
	case "query":
		p.addOption(q)
	case "cookie":
		field = "Cookie"
		p.cookies[q.Name] = q
	}
	if field != "" && !slices.Contains(p.headers, field) {
		p.headers = append(p.headers, field)
	}
}

func (p *plan) addOption(q *parameter) {
	switch {
	case q.deep:
		p.deep = append(p.deep, q)
		if q.shape.must(Object) {
			return
		}
	case q.spread && q.shape.must(Object):
		return
	}
	if _, ok := p.names[q.Name]; !ok {
		p.names[q.Name] = q
	}
	if q.System {
		p.system = append(p.system, q.Name)
	}
}

func (p *plan) addMembers(q *parameter) {
	in := q.shape.inside()
	for name := range in.names {
		if _, ok := p.names[name]; !ok {
			p.names[name] = q
		}
	}
	if in.open || in.patterns != nil {
		p.open = append(p.open, q)
	}
}

// addKeys adds the keys of security schemes that are not parameters.
func (p *plan) addKeys(security []Alternative) {
	for _, alternative := range security {
		for _, r := range alternative {
			if r.Type == "apiKey" && !slices.ContainsFunc(p.params, func(q *parameter) bool { return q.is(r.In, r.Name) }) {
				q := newParameter(&Parameter{In: r.In, Name: r.Name})
				q.key, q.index = true, -1
				p.add(q)
			}
		}
	}
}

// is reports whether this is the parameter with a place and name. Names of header fields are case-insensitive.
func (q *parameter) is(in, name string) bool {
	return q.In == in && (q.Name == name || in == "header" && strings.EqualFold(q.Name, name))
}

// canonicalField returns the name of a header field in the form of http.Header.
func canonicalField(name string) string {
	if !isToken(name) {
		return name
	}
	b := []byte(name)
	for i, c := range b {
		if c-'A' <= 'Z'-'A' || c-'a' <= 'z'-'a' {
			b[i] = c | 0x20
			if i == 0 || b[i-1] == '-' {
				b[i] = c &^ 0x20
			}
		}
	}
	return string(b)
}
