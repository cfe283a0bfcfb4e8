package main

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	"go.yaml.in/yaml/v3"
)

// bundler moves parts of other files into the document's components: oapi-codegen generates types from one file only.
type bundler struct {
	folder string
	name   string // of the document's file
	root   *yaml.Node
	files  map[string]*yaml.Node // by path below the folder
	placed map[string]string     // the reference to a moved part, by its file and pointer
	errs   []error
	moved  int
}

// bundle changes the document and returns how many parts of other files it now contains.
func bundle(file string, root *yaml.Node) (int, error) {
	b := &bundler{folder: filepath.Dir(file), name: filepath.Base(file), root: root, files: map[string]*yaml.Node{}, placed: map[string]string{}}
	b.files[b.name] = root
	b.object(root, b.name)
	if len(b.errs) > 0 {
		return 0, b.errs[0]
	}
	return b.moved, nil
}

// sections are the sections of components for what follows a keyword: in an object or a list, or by itself.
var (
	sections = map[string]string{
		"parameters": "parameters", "responses": "responses", "headers": "headers", "examples": "examples", "requestBodies": "requestBodies",
		"links": "links", "callbacks": "callbacks", "schemas": "schemas", "securitySchemes": "securitySchemes", "pathItems": "", "paths": "", "webhooks": "",
		"properties": "schemas", "patternProperties": "schemas", "dependentSchemas": "schemas", "$defs": "schemas", "allOf": "schemas",
		"anyOf": "schemas", "oneOf": "schemas", "prefixItems": "schemas",
	}
	single = map[string]string{"requestBody": "requestBodies"}
)

// object visits the members of an object of the specification.
func (b *bundler) object(n *yaml.Node, file string) {
	for name, value := range pairs(n) {
		section, isMany := sections[name.Value]
		switch {
		case slices.Contains(values, name.Value) && name.Value != "examples":
		case name.Value == "discriminator":
			for _, to := range pairs(member(value, "mapping")) {
				b.mapping(to, file)
			}
		case isMany && (value.Kind == yaml.MappingNode && member(value, "$ref") == nil || value.Kind == yaml.SequenceNode):
			b.children(value, file, section)
		case value.Kind == yaml.SequenceNode:
			b.children(value, file, "schemas")
		case single[name.Value] != "":
			b.value(value, file, single[name.Value])
		default:
			b.value(value, file, "schemas")
		}
	}
}

func (b *bundler) children(n *yaml.Node, file, section string) {
	for i, child := range n.Content {
		if n.Kind == yaml.SequenceNode || i%2 == 1 {
			b.value(child, file, section)
		}
	}
}

// value follows a reference, or visits an object. section is where the target belongs; "" inlines it.
func (b *bundler) value(n *yaml.Node, file, section string) {
	ref := member(n, "$ref")
	if ref == nil || ref.Kind != yaml.ScalarNode {
		if n.Kind == yaml.MappingNode {
			b.object(n, file)
		}
		return
	}
	if file == b.name && strings.HasPrefix(ref.Value, "#") {
		return
	}
	target, pointer := b.target(file, ref.Value)
	switch {
	case target == "":
	case target == b.name:
		ref.Value = "#" + pointer
	case section == "":
		b.inline(n, target, pointer)
	default:
		ref.Value = b.place(target, pointer, section)
	}
}

// maxMoved bounds the copies of path items that refer to themselves.
const maxMoved = 100_000

// inline replaces a reference by the part of another file.
func (b *bundler) inline(n *yaml.Node, file, pointer string) {
	if b.moved++; b.moved > maxMoved {
		b.errs = append(b.errs, fmt.Errorf("the reference %s#%s refers to itself", file, pointer))
		return
	}
	if found := b.find(file, pointer); found != nil {
		*n = *clone(found)
		b.value(n, file, "")
	}
}

// mapping follows a reference of a discriminator, which may be the name of a component instead.
func (b *bundler) mapping(to *yaml.Node, file string) {
	if !strings.ContainsAny(to.Value, "#/") && path.Ext(to.Value) == "" {
		return
	}
	if target, pointer := b.target(file, to.Value); target == b.name {
		to.Value = "#" + pointer
	} else if target != "" {
		to.Value = b.place(target, pointer, "schemas")
	}
}

// target returns the file and the pointer of a reference; both are "" for a URL.
func (b *bundler) target(file, ref string) (string, string) {
	name, pointer, _ := strings.Cut(ref, "#")
	if strings.Contains(name, "://") {
		return "", ""
	}
	if text, err := url.PathUnescape(pointer); err == nil {
		pointer = text
	}
	if name == "" {
		return file, pointer
	}
	return path.Join(path.Dir(file), name), pointer
}

// place moves a part of another file into the components, and returns the reference to it.
func (b *bundler) place(file, pointer, section string) string {
	key := file + "#" + pointer
	if ref, ok := b.placed[key]; ok {
		return ref
	}
	found := b.find(file, pointer)
	if found == nil {
		return key
	}
	b.moved++
	components := ensure(ensure(b.root, "components"), section)
	name := strings.TrimSuffix(path.Base(file), path.Ext(file))
	if pointer != "" {
		name = strings.NewReplacer("~1", "_", "~0", "_").Replace(path.Base(pointer))
	}
	name = free(components, name)
	b.placed[key] = "#/components/" + section + "/" + escapePointer(name)
	copied := clone(found)
	components.Content = append(components.Content, scalar(name), copied)
	b.value(copied, file, section)
	return b.placed[key]
}

// free returns an unused name of a component.
func free(components *yaml.Node, name string) string {
	var taken []string
	for n := range pairs(components) {
		taken = append(taken, codegen.SchemaNameToTypeName(n.Value))
	}
	chosen := name
	for i := 2; slices.Contains(taken, codegen.SchemaNameToTypeName(chosen)); i++ {
		chosen = fmt.Sprint(name, i)
	}
	return chosen
}

// find returns a part of a file, and records an error if it does not exist.
func (b *bundler) find(file, pointer string) *yaml.Node {
	n, err := b.open(file)
	for _, part := range strings.Split(pointer, "/")[1:] {
		if err != nil || n == nil {
			break
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		if i, e := strconv.Atoi(part); e == nil && n.Kind == yaml.SequenceNode && i < len(n.Content) {
			n = n.Content[i]
		} else {
			n = member(n, part)
		}
	}
	if err == nil && n == nil {
		err = fmt.Errorf("%s has nothing at #%s", file, pointer)
	}
	if err != nil {
		b.errs = append(b.errs, err)
		return nil
	}
	return n
}

func (b *bundler) open(file string) (*yaml.Node, error) {
	if n := b.files[file]; n != nil {
		return n, nil
	}
	if !filepath.IsLocal(filepath.FromSlash(file)) {
		return nil, fmt.Errorf("%s is above the folder of the document: copy it into the folder", file)
	}
	data, err := os.ReadFile(filepath.Join(b.folder, filepath.FromSlash(file)))
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(document.Content) == 0 {
		return nil, fmt.Errorf("%s is empty", file)
	}
	b.files[file] = document.Content[0]
	return b.files[file], nil
}

// ensure returns the member of an object, and adds it if it is missing.
func ensure(n *yaml.Node, name string) *yaml.Node {
	if value := member(n, name); value != nil {
		return value
	}
	value := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	n.Content = append(n.Content, scalar(name), value)
	return value
}

func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Anchor = ""
	if n.Kind == yaml.AliasNode {
		return clone(n.Alias)
	}
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = clone(child)
	}
	return &c
}
