package spec

import (
	"iter"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// parameters reads the parameters of an operation and of its path. The operation's override the path's.
func (l *loader) parameters(o *validate.Operation, items []*node, n *node) {
	var lists [][]*node
	for _, item := range slices.Backward(items) {
		lists = append(lists, item.get("parameters").list())
	}
	seen := map[[2]string]int{} // index by place and name
	for _, list := range append(lists, n.get("parameters").list()) {
		for _, at := range list {
			l.addParameter(o, seen, at)
		}
	}
	names, ok := templateNames(o.Path)
	if !ok {
		o.Spots = append(o.Spots, l.spot(n, "the braces of the path do not make parameters"))
	}
	l.matchTemplate(o, names, n)
}

func (l *loader) addParameter(o *validate.Operation, seen map[[2]string]int, at *node) {
	n, err := l.resolve(at)
	if err != nil {
		o.Spots = append(o.Spots, l.spot(at, "the reference %v", err))
		return
	}
	p := l.parameter(n)
	if p == nil {
		return
	}
	key := [2]string{p.In, p.Name}
	if p.In == "header" {
		key[1] = strings.ToLower(p.Name) // RFC 9110 §5.1
	}
	if i, ok := seen[key]; ok {
		o.Parameters[i] = p
		return
	}
	seen[key] = len(o.Parameters)
	o.Parameters = append(o.Parameters, p)
}

// matchTemplate makes the path parameters match the names in the template.
func (l *loader) matchTemplate(o *validate.Operation, names []string, n *node) {
	o.Parameters = slices.DeleteFunc(o.Parameters, func(p *validate.Parameter) bool {
		unknown := p.In == "path" && !slices.Contains(names, p.Name)
		if unknown {
			l.compiler.warn(n, "", "the path has no parameter "+p.Name+", which is described")
		}
		return unknown
	})
	for _, name := range names {
		if !slices.ContainsFunc(o.Parameters, func(p *validate.Parameter) bool { return p.In == "path" && p.Name == name }) {
			l.compiler.warn(n, "", "the path parameter "+name+" is not described: it may have any value")
			o.Parameters = append(o.Parameters, &validate.Parameter{Pointer: n.pointer(), In: "path", Name: name, Required: true, Style: "simple"})
		}
	}
}

// ignored are header fields that cannot be parameters (OpenAPI 3.0.3, Parameter Object).
var ignored = []string{"accept", "content-type", "authorization"}

// styles has the styles of each place, default first.
var styles = map[string][]string{
	"path": {"simple", "label", "matrix"}, "query": {"form", "spaceDelimited", "pipeDelimited", "deepObject"},
	"header": {"simple"}, "cookie": {"form"},
}

// parameter reads a Parameter Object. It returns nil for one that has no effect.
func (l *loader) parameter(n *node) *validate.Parameter {
	p := &validate.Parameter{Pointer: n.pointer(), In: n.get("in").string(), Name: n.get("name").string()}
	p.Required = n.get("required").isTrue() || p.In == "path"
	p.AllowEmpty, p.AllowReserved = n.get("allowEmptyValue").isTrue(), n.get("allowReserved").isTrue()
	if p.In == "header" && slices.Contains(ignored, strings.ToLower(p.Name)) {
		l.compiler.warn(n, "", "a parameter cannot describe the header field "+p.Name)
		return nil
	}
	if styles[p.In] == nil || p.Name == "" {
		l.doubt(p, n, "a parameter needs a name, and a place: path, query, header or cookie")
		return nil
	}
	p.Style = styles[p.In][0]
	if style := n.get("style"); style != nil {
		p.Style = style.string()
		if !slices.Contains(styles[p.In], p.Style) {
			l.doubt(p, style, "the style is not one of parameters in the "+p.In)
		}
	}
	p.Explode = p.Style == "form"
	if explode := n.get("explode"); explode != nil {
		p.Explode = explode.isTrue()
	}
	l.parameterPlaces[p] = n
	l.option(p, n)
	l.value(p, n, Request)
	return p
}

// headers reads a map of Header Objects, of a response or of a part of a multipart body. It skips Content-Type, which
// content describes (OpenAPI 3.0.3, Response Object).
func (l *loader) headers(n *node, direction Direction) []*validate.Parameter {
	var list []*validate.Parameter
	for name, at := range n.members() {
		if strings.HasPrefix(name, "x-") && !at.is(objectKind) || strings.EqualFold(name, "Content-Type") {
			continue
		}
		p := &validate.Parameter{Pointer: at.pointer(), In: "header", Name: name, Style: "simple"}
		list = append(list, p)
		h, err := l.resolve(at)
		if err != nil {
			l.doubt(p, at, "the reference "+err.Error())
			continue
		}
		p.Pointer, p.Required, p.Explode = h.pointer(), h.get("required").isTrue(), h.get("explode").isTrue()
		if style := h.get("style"); style != nil && style.string() != "simple" {
			l.doubt(p, style, "the style is not one of header fields")
		}
		l.parameterPlaces[p] = h
		l.value(p, h, direction)
	}
	return list
}

// doubt records why a parameter cannot be checked.
func (l *loader) doubt(p *validate.Parameter, n *node, reason string) {
	s := l.spot(n, "%s", reason)
	if p.Spot == nil {
		p.Spot = &s
	}
}

// option reads x-odata-option.
func (l *loader) option(p *validate.Parameter, n *node) {
	option := n.get("x-odata-option")
	switch {
	case option == nil:
	case option.kind != boolKind:
		l.doubt(p, option, "x-odata-option is neither true nor false")
	case option.isTrue() && (p.In != "query" || !strings.HasPrefix(p.Name, "$")):
		l.doubt(p, option, "x-odata-option is for query parameters whose names begin with $")
	default:
		p.System = option.isTrue()
	}
}

// value reads the schema or the content of a parameter.
func (l *loader) value(p *validate.Parameter, n *node, direction Direction) {
	schema := n.get("schema")
	if content := n.get("content"); schema == nil && content != nil {
		for name, typ := range content.members() {
			p.Content, _ = mediaType(name)
			to, err := l.resolve(typ)
			if err != nil {
				l.doubt(p, typ, "the reference "+err.Error())
				return
			}
			if schema = to.get("schema"); !validate.IsJSON(p.Content) && p.Content != "text/plain" && schema != nil {
				l.doubt(p, typ, "a parameter of the media type "+p.Content+" is not supported")
			}
			break
		}
	}
	if schema != nil {
		p.Schema = l.compiler.add(schema, direction)
		l.roots = append(l.roots, p.Schema)
	}
}

// texts records the parameters whose values have no text form.
func (l *loader) texts() {
	for p := range l.parametersAndHeaders() {
		if n := l.parameterPlaces[p]; n != nil && p.Spot == nil {
			if reason := p.Unreadable(); reason != "" {
				l.doubt(p, n, reason)
			}
		}
	}
}

// parametersAndHeaders yields the parameters of requests, and the header fields of responses and parts.
func (l *loader) parametersAndHeaders() iter.Seq[*validate.Parameter] {
	var all []*validate.Parameter
	for _, o := range l.doc.Operations {
		all = append(all, o.Parameters...)
		for _, r := range o.Responses {
			all = append(all, r.Headers...)
		}
	}
	for _, b := range l.bodies {
		for _, e := range b.Encoding {
			all = append(all, e.Headers...)
		}
	}
	return slices.Values(all)
}
