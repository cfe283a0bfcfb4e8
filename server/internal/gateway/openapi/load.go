package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

const maxBody = 1 << 20

// dialects are what an OpenAPI 3.1 document may say its schemas are written in.
var dialects = []string{"https://spec.openapis.org/oas/3.1/dialect/base", "https://json-schema.org/draft/2020-12/schema"}

// Load turns an OpenAPI 3.0 or 3.1 document, which is YAML or JSON, into a contract. It reads nothing but data. An error
// says where in the document it found what it cannot honour.
func Load(data []byte) (*gateway.Contract, error) {
	root, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	doc := &document{root: root}
	if err := doc.validate(); err != nil {
		return nil, err
	}
	l := &loading{doc: doc, requests: newBundle(doc, request), responses: newBundle(doc, response), names: map[string]string{}, templates: map[string]string{}}
	contract := &gateway.Contract{MaxBody: maxBody, MaxDepth: maxDepth}
	paths := doc.node("paths")
	for _, template := range paths.members() {
		if strings.HasPrefix(template, "x-") {
			continue
		}
		operations, err := l.path(template, paths.get(template))
		if err != nil {
			return nil, err
		}
		contract.Operations = append(contract.Operations, operations...)
	}
	if contract.BasePaths, err = l.basePaths(); err != nil {
		return nil, err
	}
	for _, b := range []*bundle{l.requests, l.responses} {
		if err := b.compile(); err != nil {
			return nil, fmt.Errorf("compiling the schemas: %w", err)
		}
	}
	return contract, nil
}

func (d *document) node(name string) node { return node{d, "", d.root}.get(name) }

// validate has kin-openapi validate the document.
func (d *document) validate() error {
	version := d.node("openapi").string()
	switch {
	case d.node("swagger").v != nil:
		return fmt.Errorf("this is Swagger %v; convert it to OpenAPI 3 first", d.node("swagger").v)
	case version == "3.0" || strings.HasPrefix(version, "3.0."):
	case version == "3.1" || strings.HasPrefix(version, "3.1."):
		d.v31 = true
	default:
		return fmt.Errorf("the member openapi is %q; 3.0 and 3.1 are understood", version)
	}
	if dialect := d.node("jsonSchemaDialect"); dialect.v != nil && !slices.Contains(dialects, dialect.string()) {
		return dialect.errorf("the dialect %q is not understood", dialect.string())
	}
	text, err := json.Marshal(d.root)
	if err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	loader := openapi3.NewLoader() // which refuses external references
	t, err := loader.LoadFromData(text)
	if err != nil {
		if external, ok := errors.AsType[*openapi3.DisallowedExternalRefError](err); ok {
			return fmt.Errorf("%q leads out of the document; bundle the documents first", external.Ref)
		}
		return fmt.Errorf("loading the document: %w", err)
	}
	// Examples and defaults make no verdict. Patterns are compiled here, where the error can say where they stand.
	err = t.Validate(loader.Context, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation(), openapi3.DisableSchemaPatternValidation())
	if err != nil {
		return fmt.Errorf("validating the document: %w", err)
	}
	return nil
}

// loading is the state of one Load.
type loading struct {
	doc                 *document
	requests, responses *bundle
	names               map[string]string // operation by name
	templates           map[string]string // template by itself without the names of its parameters
	servers             []node            // those of paths and operations
}

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// path reads a Path Item Object.
func (l *loading) path(template string, item node) ([]gateway.Operation, error) {
	for _, sibling := range item.members() {
		if item.has("$ref") && sibling != "$ref" && sibling != "summary" && sibling != "description" && !strings.HasPrefix(sibling, "x-") {
			return nil, item.errorf("%s beside a $ref means nothing definite", sibling)
		}
	}
	at := item
	item, err := item.resolve()
	if err != nil {
		return nil, err
	}
	segments, err := segmentsOf(at, template)
	if err != nil {
		return nil, err
	}
	var operations []gateway.Operation
	for _, method := range methods {
		if !item.has(method) {
			continue
		}
		o, err := l.operation(template, segments, item, method)
		if err != nil {
			return nil, err
		}
		operations = append(operations, o)
	}
	if len(operations) == 0 {
		return nil, nil
	}
	var bare strings.Builder
	for segment := range strings.SplitSeq(template, "/") {
		if strings.HasPrefix(segment, "{") {
			segment = "{}"
		}
		bare.WriteString("/" + segment)
	}
	if other, ok := l.templates[bare.String()]; ok {
		return nil, at.errorf("the template matches the same paths as %s", other)
	}
	l.templates[bare.String()] = template
	l.servers = append(l.servers, item.get("servers").items()...)
	return operations, nil
}

// segmentsOf returns the names of a template's parameters.
func segmentsOf(at node, template string) ([]string, error) {
	var parameters []string
	for segment := range strings.SplitSeq(template, "/") {
		inner, opens := strings.CutPrefix(segment, "{")
		inner, closes := strings.CutSuffix(inner, "}")
		switch {
		case !strings.ContainsAny(segment, "{}"):
		case !opens || !closes || inner == "" || strings.ContainsAny(inner, "{}"):
			return nil, at.errorf("a path parameter must be a whole segment")
		case slices.Contains(parameters, inner):
			return nil, at.errorf("the path parameter %q is there twice", inner)
		default:
			parameters = append(parameters, inner)
		}
	}
	return parameters, nil
}

// operation reads an Operation Object.
func (l *loading) operation(template string, segments []string, item node, method string) (*Operation, error) {
	n := item.get(method)
	o := &Operation{id: n.get("operationId").string(), method: strings.ToUpper(method), path: template, responses: map[string][]*body{}}
	if o.id == "" {
		o.id = o.method + " " + template
	}
	if other, ok := l.names[o.id]; ok {
		return nil, n.errorf("the name %q is also that of %s", o.id, other)
	}
	l.names[o.id] = o.method + " " + template
	l.servers = append(l.servers, n.get("servers").items()...)
	if err := l.parameters(o, segments, item, n); err != nil {
		return nil, err
	}
	if err := l.security(o, n); err != nil {
		return nil, err
	}
	if err := l.index(o, n); err != nil {
		return nil, err
	}
	if n.has("requestBody") {
		request, err := n.get("requestBody").resolve()
		if err != nil {
			return nil, err
		}
		o.required = request.get("required").bool()
		if o.request, err = l.bodies(request.get("content"), l.requests); err != nil {
			return nil, err
		}
	}
	responses := n.get("responses")
	for _, status := range responses.members() {
		if strings.HasPrefix(status, "x-") {
			continue
		}
		r, err := responses.get(status).resolve()
		if err != nil {
			return nil, err
		}
		name := status
		if status != "default" {
			name = strings.ToUpper(status)
		}
		if len(status) != 3 && name != "default" {
			return nil, r.errorf("%q is no status", status)
		}
		if o.responses[name], err = l.bodies(r.get("content"), l.responses); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// parameters reads the parameters of an operation and of its path, which it may override.
func (l *loading) parameters(o *Operation, segments []string, item, n node) error {
	seen := map[[2]string]int{}
	for _, list := range [][]node{item.get("parameters").items(), n.get("parameters").items()} {
		for _, reference := range list {
			at, err := reference.resolve()
			if err != nil {
				return err
			}
			p, err := l.parameter(at)
			if err != nil {
				return err
			}
			if p == nil {
				continue
			}
			name := p.name
			if p.in == "header" {
				name = p.field
			}
			if i, ok := seen[[2]string{p.in, name}]; ok {
				o.params[i] = p
				continue
			}
			seen[[2]string{p.in, name}] = len(o.params)
			o.params = append(o.params, p)
		}
	}
	for _, p := range o.params {
		if p.in == "path" {
			p.segment = slices.Index(segments, p.name)
			if p.segment < 0 {
				return n.errorf("the path has no parameter %q", p.name)
			}
		}
	}
	for _, name := range segments {
		if _, ok := seen[[2]string{"path", name}]; !ok {
			return n.errorf("the path parameter %q is not described", name)
		}
	}
	return nil
}

// security reads the security requirements: those of the operation, or else those of the document. What they send in the
// query, a header or a cookie is known by that, but not checked.
func (l *loading) security(o *Operation, n node) error {
	alternatives := l.doc.node("security")
	if n.has("security") {
		alternatives = n.get("security")
	}
	o.token = len(alternatives.items()) > 0
	for _, alternative := range alternatives.items() {
		if len(alternative.members()) == 0 {
			o.token = false
		}
		for _, name := range alternative.members() {
			for _, scope := range alternative.get(name).items() {
				o.permissions = append(o.permissions, scope.string())
			}
			scheme, err := l.doc.node("components").get("securitySchemes").get(name).resolve()
			if err != nil {
				return err
			}
			if scheme.get("type").string() == "apiKey" && scheme.get("in").string() == "query" {
				p := &parameter{in: "query", name: scheme.get("name").string(), style: "form", free: true}
				if !slices.ContainsFunc(o.params, func(other *parameter) bool { return other.in == p.in && other.name == p.name }) {
					o.params = append(o.params, p)
				}
			}
		}
	}
	slices.Sort(o.permissions)
	o.permissions = slices.Compact(o.permissions)
	return nil
}

// index lists the query options and the header fields of an operation.
func (l *loading) index(o *Operation, n node) error {
	o.options = options{byName: map[string]int{}, rest: -1}
	add := func(name string) error {
		if _, ok := o.options.byName[name]; ok {
			return n.errorf("two parameters are called %q in the query", name)
		}
		o.options.byName[name] = len(o.options.params)
		return nil
	}
	for _, p := range o.params {
		field := p.field
		if p.in == "cookie" {
			field = "Cookie"
		}
		if field != "" && !slices.Contains(o.headers, field) {
			o.headers = append(o.headers, field)
		}
		if p.in != "query" {
			continue
		}
		names := []string{p.name}
		switch {
		case p.deep():
			names = nil
		case p.spread():
			names = sortedKeys(p.shape.properties)
			if p.shape.open {
				if o.options.rest >= 0 {
					return n.errorf("two parameters of the query have members of any name")
				}
				o.options.rest = len(o.options.params)
			}
		}
		for _, name := range names {
			if err := add(name); err != nil {
				return err
			}
		}
		o.options.params = append(o.options.params, p)
	}
	return nil
}

// basePaths returns the paths of all servers, the longest first so that /v1/beta is not taken for /v1.
func (l *loading) basePaths() ([]string, error) {
	servers := l.doc.node("servers").items()
	list := []string{}
	if len(servers) == 0 {
		list = append(list, "")
	}
	for _, server := range append(servers, l.servers...) {
		path, err := basePath(server)
		if err != nil {
			return nil, err
		}
		list = append(list, path)
	}
	slices.SortFunc(list, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(list), nil
}

func basePath(server node) (string, error) {
	text := server.get("url").string()
	for _, name := range server.get("variables").members() {
		text = strings.ReplaceAll(text, "{"+name+"}", server.get("variables").get(name).get("default").string())
	}
	u, err := url.Parse(text)
	if err != nil || strings.ContainsAny(text, "{}") {
		return "", server.errorf("%q is no URL of a server", text)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return "", server.errorf("%q has more than a path", text)
	}
	if u.Host == "" {
		u = (&url.URL{Path: "/"}).ResolveReference(u) // relative to where the document is, which is taken for the root
	}
	return strings.TrimRight(u.EscapedPath(), "/"), nil
}
