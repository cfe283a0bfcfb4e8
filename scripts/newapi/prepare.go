package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	"go.yaml.in/yaml/v3"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// The names of the prepared documents in the folder api, for validategen and for oapi-codegen. They exist only if the
// document needs changes.
const (
	preparedDocument = "openapi.gen.yaml"
	preparedModels   = "models.gen.yaml"
)

// directive runs the preparation before the generators.
const directive = "//go:generate go tool newapi -prepare"

// prepare writes the prepared documents, if any, and makes the generators read them.
func (p *project) prepare() error {
	documents, changes, err := prepareDocument(p.path(p.document))
	if err != nil {
		return fmt.Errorf("%s: %w", p.document, err)
	}
	for _, c := range changes {
		fmt.Fprintf(p.log, "%s: in Go, %s\n", p.document, c)
	}
	file := apiFolder + "/generate.go"
	generate, err := os.ReadFile(p.path(file))
	if err != nil {
		return err
	}
	for _, name := range []string{preparedDocument, preparedModels} {
		if text, ok := documents[name]; ok {
			err = errors.Join(err, p.write(apiFolder+"/"+name, text))
		} else if e := os.Remove(p.path(apiFolder + "/" + name)); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return errors.Join(err, p.write(file, readingFrom(generate, p.document, len(documents) > 0)))
}

// prepareAlone runs the directive: it reads only the document, and writes to the current folder.
func prepareAlone(_ context.Context, o *options, _ io.Writer) error {
	documents, _, err := prepareDocument(o.prepare)
	if err != nil {
		return fmt.Errorf("%s: %w", o.prepare, err)
	}
	if documents == nil {
		return fmt.Errorf("%s needs no preparation: run newapi without flags, which removes the directive", o.prepare)
	}
	for name, text := range documents {
		err = errors.Join(err, os.WriteFile(name, text, 0o666))
	}
	return err
}

// readingFrom makes the directives of generate.go read the document, or the prepared ones.
func readingFrom(generate []byte, document string, isPrepared bool) []byte {
	original := "../" + document
	lines := strings.SplitAfter(string(generate), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, directive) })
	first := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "//go:generate") })
	for i, line := range lines {
		if !strings.HasPrefix(line, "//go:generate") {
			continue
		}
		name := preparedDocument
		if strings.Contains(line, "oapi-codegen") {
			name = preparedModels
		}
		if isPrepared {
			lines[i] = strings.Replace(line, " "+original, " "+name, 1)
		} else {
			lines[i] = strings.Replace(line, " "+name, " "+original, 1)
		}
	}
	if isPrepared && first >= 0 {
		lines = slices.Insert(lines, first, directive+" "+original+"\n")
	}
	return []byte(strings.Join(lines, ""))
}

// preparation changes a document so that oapi-codegen's output compiles. It only assigns names that Go accepts and removes
// duplicates, so requests and responses stay the same.
type preparation struct {
	root    *yaml.Node
	changes []string
}

// prepareDocument returns the prepared documents by their names, and the changes. Both are empty if the document needs none.
func prepareDocument(file string) (map[string][]byte, []string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, nil, err
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, nil, errors.New("the document is empty")
	}
	p := &preparation{root: document.Content[0]}
	moved, err := bundle(file, p.root)
	if err != nil {
		return nil, nil, err
	}
	if moved > 0 {
		p.change("%d places of other files are among the components", moved)
	}
	p.nameOperations()
	p.nameSchemas()
	p.nameComponents()
	p.visit(p.root)
	before := len(p.changes)
	text, err := encode(&document)
	p.simplify(p.root)
	models, err2 := encode(&document)
	if err := errors.Join(err, err2); err != nil || len(p.changes) == 0 {
		return nil, nil, err
	}
	if before == 0 {
		text = data
	}
	return map[string][]byte{preparedDocument: text, preparedModels: models}, p.changes, nil
}

func encode(document *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(document); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

func (p *preparation) change(format string, values ...any) {
	p.changes = append(p.changes, fmt.Sprintf(format, values...))
}

// reserved are the names that oapi-codegen gives to types and functions of servers.
var reserved = strings.Fields(`ChiServerOptions EchoRouter Handler HandlerFromMux HandlerFromMuxWithBaseURL HandlerWithOptions
	InvalidParamFormatError MiddlewareFunc NewStrictHandler NewStrictHandlerWithOptions RegisterHandlers RegisterHandlersOptions
	RegisterHandlersWithBaseURL RegisterHandlersWithOptions RequiredHeaderError RequiredParamError ServeMux ServerInterface
	ServerInterfaceWrapper StdHTTPServerOptions StrictHTTPServerOptions StrictHandlerFunc StrictMiddlewareFunc
	StrictServerInterface TooManyValuesForParamError UnescapedCookieParamError Unimplemented UnmarshalingParamError`)

// ofOperations are the suffixes of the types that oapi-codegen generates for each operation.
var ofOperations = strings.Fields("Params RequestObject ResponseObject JSONBody JSONRequestBody")

// nameSchemas renames schemas whose Go names are taken.
func (p *preparation) nameSchemas() {
	taken := slices.Clone(reserved)
	for _, id := range p.operationIDs() {
		for _, end := range ofOperations {
			taken = append(taken, codegen.SchemaNameToTypeName(id.Value)+end)
		}
	}
	for name, schema := range pairs(member(p.root, "components", "schemas")) {
		goName := p.nameInGo(name.Value, schema, taken, "Schema")
		if goName != codegen.SchemaNameToTypeName(name.Value) {
			p.change("the schema %s is %s", name.Value, goName)
		}
		taken = append(taken, goName)
	}
}

// nameInGo returns a free Go name, and records it in the object.
func (p *preparation) nameInGo(name string, object *yaml.Node, taken []string, suffix string) string {
	goName := codegen.SchemaNameToTypeName(name)
	if object.Kind != yaml.MappingNode || member(object, "x-go-name") != nil {
		return goName
	}
	free := goName
	for i := 2; slices.Contains(taken, free); i++ {
		free = goName + suffix
		if suffix == "" || slices.Contains(taken, free) {
			free += fmt.Sprint(i)
		}
	}
	if free != goName {
		object.Content = append(object.Content, scalar("x-go-name"), scalar(free))
	}
	return free
}

// nameComponents renames components that have the name of a schema.
func (p *preparation) nameComponents() {
	components := member(p.root, "components")
	var taken []string
	for name := range pairs(member(components, "schemas")) {
		taken = append(taken, codegen.SchemaNameToTypeName(name.Value))
	}
	for _, section := range []struct{ name, suffix string }{{"parameters", "Parameter"}, {"responses", "Response"}, {"requestBodies", "Request"}} {
		var added []string
		for name := range pairs(member(components, section.name)) {
			was := name.Value
			for slices.Contains(taken, codegen.SchemaNameToTypeName(name.Value)) {
				name.Value += section.suffix
			}
			if name.Value != was {
				p.change("/components/%s/%s is %s: a schema has the name", section.name, was, name.Value)
				rename(p.root, "#/components/"+section.name+"/"+escapePointer(was), "#/components/"+section.name+"/"+escapePointer(name.Value))
			}
			added = append(added, codegen.SchemaNameToTypeName(name.Value))
		}
		taken = append(taken, added...)
	}
}

// rename changes the references to a place, and to places below it.
func rename(n *yaml.Node, from, to string) {
	if n.Kind == yaml.ScalarNode && (n.Value == from || strings.HasPrefix(n.Value, from+"/")) {
		n.Value = to + strings.TrimPrefix(n.Value, from)
	}
	for _, child := range n.Content {
		rename(child, from, to)
	}
}

func escapePointer(s string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(s) }

var methods = strings.Fields("get put post delete options head patch trace")

// operationIDs are the nodes of the operationIds.
func (p *preparation) operationIDs() []*yaml.Node {
	var all []*yaml.Node
	for _, item := range pairs(member(p.root, "paths")) {
		for method, operation := range pairs(item) {
			if id := member(operation, "operationId"); id != nil && slices.Contains(methods, method.Value) {
				all = append(all, id)
			}
		}
	}
	return all
}

// nameOperations numbers operations with a duplicate operationId.
func (p *preparation) nameOperations() {
	var taken []string
	for _, id := range p.operationIDs() {
		was := id.Value
		for i := 2; slices.Contains(taken, codegen.SchemaNameToTypeName(id.Value)); i++ {
			id.Value = fmt.Sprint(was, i)
		}
		if id.Value != was {
			p.change("the operation %s of line %d is %s: another one has the operationId", was, id.Line, id.Value)
		}
		taken = append(taken, codegen.SchemaNameToTypeName(id.Value))
	}
}

// values are the keywords that contain values instead of schemas.
var values = strings.Fields("example examples default const enum x-go-name")

// visit changes parts that may occur anywhere.
func (p *preparation) visit(n *yaml.Node) {
	p.nameParameter(n)
	for name, value := range pairs(n) {
		switch {
		case name.Value == "enum" && value.Kind == yaml.SequenceNode:
			p.dropFrom(value)
		case name.Value == "properties":
			p.nameMembers(value)
		}
		if !slices.Contains(values, name.Value) || value.Kind == yaml.MappingNode && member(n, "type") == nil {
			p.visit(value)
		}
	}
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			p.visit(item)
		}
	}
}

// nameMembers renames members whose fields would have the same name.
func (p *preparation) nameMembers(properties *yaml.Node) {
	var taken []string
	for name, schema := range pairs(properties) {
		goName := p.nameInGo(name.Value, schema, taken, "")
		if slices.Contains(taken, codegen.SchemaNameToTypeName(name.Value)) {
			p.change("the member %s of line %d is %s", name.Value, name.Line, goName)
		}
		taken = append(taken, goName)
	}
}

// shadowed are names that a variable in the generated server must not have: path parameters become variables.
var shadowed = strings.Fields(`error string any bool byte int int32 int64 float32 float64 nil true false len append new make panic copy
	w r ctx err sh siw params handler request response middleware context http fmt json errors io bytes strings mime multipart runtime echo
	url time xml nullable log chi`)

// nameParameter renames a path parameter in Go if its variable would shadow a name.
func (p *preparation) nameParameter(n *yaml.Node) {
	in, name := member(n, "in"), member(n, "name")
	if in == nil || name == nil || in.Value != "path" || member(n, "x-go-name") != nil {
		return
	}
	goName := codegen.SchemaNameToTypeName(name.Value)
	if slices.Contains(shadowed, codegen.LowercaseFirstCharacters(goName)) {
		n.Content = append(n.Content, scalar("x-go-name"), scalar(goName+"Parameter"))
		p.change("the parameter %s of line %d is %sParameter", name.Value, name.Line, goName)
	}
}

// simplify changes what only oapi-codegen reads. It has one field for the bodies of all types that it does not know, and
// treats a member with the type of a file as a file.
func (p *preparation) simplify(n *yaml.Node) {
	for name, value := range pairs(n) {
		if name.Value == "requestBody" || name.Value == "requestBodies" {
			p.mergeBodies(value)
		}
		if !slices.Contains(values, name.Value) || value.Kind == yaml.MappingNode && member(n, "type") == nil {
			p.simplify(value)
		}
	}
	p.nameValues(n)
	if member(n, "type") != nil && remove(n, "contentMediaType", "contentEncoding") {
		p.change("the string of line %d keeps its encoded form: contentEncoding is not decoded", n.Line)
	}
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			p.simplify(item)
		}
	}
}

// nameValues names the values of an enum of which two would have the same name: oapi-codegen would keep a random one.
func (p *preparation) nameValues(schema *yaml.Node) {
	enum := member(schema, "enum")
	if enum == nil || enum.Kind != yaml.SequenceNode || member(schema, "x-enum-varnames") != nil {
		return
	}
	names := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	var taken []string
	clash := false
	for _, value := range enum.Content {
		if value.Tag != "!!str" {
			return
		}
		name := cmp.Or(codegen.SchemaNameToTypeName(value.Value), "Empty")
		chosen := name
		for i := 2; slices.Contains(taken, chosen); i++ {
			chosen, clash = fmt.Sprint(name, "_", i), true
		}
		taken = append(taken, chosen)
		names.Content = append(names.Content, scalar(chosen))
	}
	if clash {
		schema.Content = append(schema.Content, scalar("x-enum-varnames"), names)
		p.change("the values of the enum of line %d are %s", enum.Line, strings.Join(taken, ", "))
	}
}

// mergeBodies keeps one body of those for which oapi-codegen generates the same name.
func (p *preparation) mergeBodies(n *yaml.Node) {
	content := member(n, "content")
	if content == nil {
		for _, value := range pairs(n) {
			if member(value, "content") != nil {
				p.mergeBodies(value)
			}
		}
		return
	}
	var first = map[string]*yaml.Node{}
	var merged []string
	for name := range pairs(content) {
		switch tag := bodyTag(name.Value); {
		case tag == "":
		case first[tag] == nil:
			first[tag] = name
		default:
			merged = append(merged, name.Value)
			if tag == "bytes" {
				first[tag].Value = "*/*"
			}
		}
	}
	if remove(content, merged...) {
		p.change("the bodies of line %d have one field: %s next to the first", n.Line, strings.Join(merged, ", "))
	}
}

// bodyTag returns a tag that is equal for media types that share a field, or "".
func bodyTag(mediaType string) string {
	switch {
	case validate.IsJSON(mediaType), mediaType == "text/plain", mediaType == "application/x-www-form-urlencoded":
		return ""
	case strings.HasPrefix(mediaType, "multipart/"):
		return "multipart"
	}
	return "bytes"
}

// remove removes members, and reports whether there were any.
func remove(n *yaml.Node, names ...string) bool {
	before := len(n.Content)
	for i := len(n.Content) - 2; i >= 0 && n.Kind == yaml.MappingNode; i -= 2 {
		if slices.Contains(names, n.Content[i].Value) {
			n.Content = slices.Delete(n.Content, i, i+2)
		}
	}
	return len(n.Content) < before
}

func (p *preparation) dropFrom(enum *yaml.Node) {
	var kept []*yaml.Node
	for _, value := range enum.Content {
		if value.Kind == yaml.ScalarNode && slices.ContainsFunc(kept, func(k *yaml.Node) bool { return k.Tag == value.Tag && k.Value == value.Value }) {
			p.change("the enum of line %d has %q once", value.Line, value.Value)
			continue
		}
		kept = append(kept, value)
	}
	enum.Content = kept
}

// member returns the value at a path of names, or nil.
func member(n *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		var next *yaml.Node
		for key, value := range pairs(n) {
			if key.Value == name {
				next = value
			}
		}
		n = next
	}
	return n
}

// pairs calls yield for each member of an object.
func pairs(n *yaml.Node) func(yield func(name, value *yaml.Node) bool) {
	return func(yield func(name, value *yaml.Node) bool) {
		for n != nil && n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

func scalar(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}
