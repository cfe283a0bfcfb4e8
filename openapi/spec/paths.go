package spec

import (
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// path reads a Path Item Object.
func (l *loader) path(template string, item *node) {
	items := l.pathItems(item)
	l.template(template, item)
	for _, source := range items {
		for name, operation := range source.members() {
			if slices.Contains(methods, name) {
				l.operation(template, name, items, operation)
			}
		}
	}
}

// pathItems returns a path item, followed by the target of its $ref. In OpenAPI 3.1 both apply; for 3.0 documents that have
// both we do the same.
func (l *loader) pathItems(item *node) []*node {
	items := []*node{item}
	for n := item; n.get("$ref").is(textKind); {
		to, err := l.follow(n, n.get("$ref").text)
		if err != nil {
			l.spot(n.get("$ref"), "the reference %v", err)
			break
		}
		if slices.Contains(items, to) {
			break
		}
		items = append(items, to)
		n = to
	}
	return items
}

// template warns of paths that no request can have, and of paths that match the same requests.
func (l *loader) template(template string, item *node) {
	if strings.ContainsAny(template, "?#") || !strings.HasPrefix(template, "/") {
		l.compiler.warn(item, "", "no request has this path: it must begin with a slash, and have neither ? nor #")
	}
	bare := "template " + bareTemplate(template)
	if l.warned[bare] {
		l.compiler.warn(item, "", "the template matches the same paths as another")
	}
	l.warned[bare] = true
}

// bareTemplate returns a template with its parameter names removed.
func bareTemplate(template string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(template, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		_, template, _ = strings.Cut(rest, "}")
		b.WriteString("{}")
	}
}

// templateNames returns the parameter names of a template. It reports false if a brace is missing.
func templateNames(template string) ([]string, bool) {
	var names []string
	for {
		before, rest, ok := strings.Cut(template, "{")
		if strings.Contains(before, "}") {
			return names, false
		}
		if !ok {
			return names, true
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok || name == "" || strings.ContainsAny(name, "{/") {
			return names, false
		}
		names = append(names, name)
		template = after
	}
}

// operation reads an Operation Object of a path, whose path items are items.
func (l *loader) operation(template, method string, items []*node, n *node) {
	o := &validate.Operation{Method: strings.ToUpper(method), Path: template}
	if l.known[[2]string{o.Method, o.Path}] || l.parts > maxParts {
		return // the item's own operation overrides that of its $ref
	}
	l.known[[2]string{o.Method, o.Path}] = true
	place := n
	l.doc.places[o] = n.pointer()
	l.doc.Operations = append(l.doc.Operations, o)
	n, err := l.resolve(n)
	if err == nil && n.kind != objectKind {
		o.Spots = append(o.Spots, l.spot(n, "the operation is not an object"))
	} else if err != nil {
		o.Spots = append(o.Spots, l.spot(place, "the reference %v", err))
	}
	if o.ID = n.get("operationId").string(); o.ID == "" || l.ids[o.ID] {
		o.ID = o.Method + " " + template
	}
	l.ids[o.ID] = true
	l.operationServers(o, items, n)
	l.parameters(o, items, n)
	l.security(o, n)
	l.requestBody(o, n)
	l.responses(o, n)
}

func (l *loader) operationServers(o *validate.Operation, items []*node, n *node) {
	if o.BasePaths = l.basePaths(n.get("servers")); o.BasePaths != nil {
		return
	}
	for _, item := range items {
		if o.BasePaths = l.basePaths(item.get("servers")); o.BasePaths != nil {
			return
		}
	}
}

// security reads the requirements of the operation, or by default those of the document, and counts the parts.
func (l *loader) security(o *validate.Operation, n *node) {
	if o.Security = l.everywhere; n.has("security") {
		o.Security = l.alternatives(n.get("security"))
	}
	l.parts += len(o.Parameters)
	for _, alternative := range o.Security {
		l.parts += 1 + len(alternative)
	}
	for _, b := range o.BasePaths {
		for _, s := range b.Segments {
			l.parts += 1 + len(s.Values)
		}
	}
}

// alternatives reads a list of Security Requirement Objects.
func (l *loader) alternatives(list *node) []validate.Alternative {
	var all []validate.Alternative
	for _, requirement := range list.list() {
		alternative := validate.Alternative{}
		for name, scopes := range requirement.members() {
			alternative = append(alternative, l.requirement(name, scopes))
		}
		all = append(all, alternative)
	}
	return all
}

func (l *loader) requirement(name string, scopes *node) validate.Requirement {
	r := validate.Requirement{Scheme: name, Scopes: scopes.strings()}
	scheme := l.root.at("components", "securitySchemes", name)
	if scheme == nil {
		l.compiler.warn(scopes, "scheme "+name, "the security scheme "+name+" is not defined")
		return r
	}
	scheme, err := l.resolve(scheme)
	if err != nil {
		l.compiler.warn(scopes, "scheme "+name, "the security scheme "+name+" is not defined: the reference "+err.Error())
		return r
	}
	switch r.Type = scheme.get("type").string(); r.Type {
	case "apiKey":
		r.In, r.Name = scheme.get("in").string(), scheme.get("name").string()
	case "http":
		r.Name = strings.ToLower(scheme.get("scheme").string())
	}
	return r
}

func (l *loader) requestBody(o *validate.Operation, n *node) {
	body := n.get("requestBody")
	if body == nil {
		return
	}
	to, err := l.resolve(body)
	if err != nil {
		o.Spots = append(o.Spots, l.spot(body, "the reference %v", err))
		return
	}
	o.BodyRequired = to.get("required").isTrue()
	o.Request = l.content(to.get("content"), Request)
}

func (l *loader) responses(o *validate.Operation, n *node) {
	for status, response := range n.get("responses").members() {
		if strings.HasPrefix(status, "x-") {
			continue
		}
		if !isStatus(status) {
			l.compiler.warn(response, "", status+" is not a status, and never matches")
			continue
		}
		r := &validate.Response{Status: strings.Replace(strings.ToUpper(status), "DEFAULT", "default", 1)}
		o.Responses = append(o.Responses, r)
		to, err := l.resolve(response)
		if err != nil {
			o.Spots = append(o.Spots, l.spot(response, "the reference %v", err))
			continue
		}
		r.Headers = l.headers(to.get("headers"), Response)
		r.Bodies = l.content(to.get("content"), Response)
	}
}

func isStatus(s string) bool {
	if s == "default" {
		return true
	}
	if len(s) != 3 || s[0] < '1' || s[0] > '5' {
		return false
	}
	return strings.EqualFold(s[1:], "xx") || s[1] >= '0' && s[1] <= '9' && s[2] >= '0' && s[2] <= '9'
}
