package main

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mutant is the document with one place changed.
type mutant struct {
	pointer string // of the place
	change  string
	spec    []byte
}

func (m mutant) String() string { return m.pointer + ": " + m.change }

// mutator makes the mutants of a document. It visits everything that validategen reads for the operations, each place once.
// It skips headers of responses, examples, servers and descriptions.
type mutator struct {
	root     *yaml.Node
	original []byte
	v31      bool // nullable is not a keyword, and exclusive bounds are numbers
	seen     map[*yaml.Node]bool
	mutants  []mutant
}

// mutate returns every mutant of a document.
func mutate(document []byte) ([]mutant, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, err
	}
	original, err := yaml.Marshal(&root)
	if err != nil {
		return nil, err
	}
	version, _ := place{root.Content[0], ""}.get("openapi")
	m := &mutator{root: &root, original: original, v31: version.Node != nil && strings.HasPrefix(version.Value, "3.1"), seen: map[*yaml.Node]bool{}}
	err = m.paths()
	return m.mutants, err
}

// place is a node with the JSON Pointer of its definition.
type place struct {
	*yaml.Node
	pointer string
}

func (p place) below(token string) string {
	return p.pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}

// get returns a member of a mapping. An alias is resolved.
func (p place) get(key string) (place, bool) {
	for _, c := range p.children() {
		if c.name == key {
			return c.place, true
		}
	}
	return place{}, false
}

type child struct {
	name string
	place
}

// children are the members of a mapping or the items of a sequence.
func (p place) children() []child {
	var all []child
	add := func(name string, n *yaml.Node) {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		all = append(all, child{name, place{n, p.below(name)}})
	}
	switch {
	case p.Node == nil:
	case p.Kind == yaml.MappingNode:
		for i := 0; i < len(p.Content); i += 2 {
			add(p.Content[i].Value, p.Content[i+1])
		}
	case p.Kind == yaml.SequenceNode:
		for i, n := range p.Content {
			add(fmt.Sprint(i), n)
		}
	}
	return all
}

// resolve follows $ref.
func (m *mutator) resolve(p place) (place, error) {
	for {
		ref, ok := p.get("$ref")
		if !ok {
			return p, nil
		}
		p = place{m.root.Content[0], ""}
		for token := range strings.SplitSeq(strings.TrimPrefix(ref.Value, "#/"), "/") {
			if p, ok = p.get(strings.NewReplacer("~1", "/", "~0", "~").Replace(token)); !ok {
				return place{}, fmt.Errorf("%s leads nowhere", ref.Value)
			}
		}
	}
}

// change adds the mutant that f makes of a node, and restores the node.
func (m *mutator) change(p place, pointer, what string, f func(n *yaml.Node)) error {
	old := *p.Node
	old.Content = slices.Clone(p.Content)
	f(p.Node)
	spec, err := yaml.Marshal(m.root)
	*p.Node = old
	if err != nil {
		return err
	}
	if bytes.Equal(spec, m.original) {
		return fmt.Errorf("%s: %s changes nothing", pointer, what)
	}
	m.mutants = append(m.mutants, mutant{pointer, what, spec})
	return nil
}

func (m *mutator) set(p place, what, value string) error {
	return m.change(p, p.pointer, what, func(n *yaml.Node) { n.Value = value })
}

// drop removes a member of a mapping or an item of a sequence.
func (m *mutator) drop(parent place, c child) error {
	return m.change(parent, c.pointer, "dropped", func(n *yaml.Node) {
		width := 1
		if n.Kind == yaml.MappingNode {
			width = 2
		}
		i := slices.IndexFunc(parent.children(), func(o child) bool { return o.name == c.name })
		n.Content = slices.Delete(n.Content, i*width, (i+1)*width)
	})
}

func (m *mutator) dropEach(parent place) error {
	for _, c := range parent.children() {
		if err := m.drop(parent, c); err != nil {
			return err
		}
	}
	return nil
}

// add adds a member to a mapping. If tag is "", it is a string.
func (m *mutator) add(p place, key, value, tag string) error {
	return m.change(p, p.below(key), "added as "+value, func(n *yaml.Node) {
		n.Content = append(n.Content, scalar(key, "!!str"), scalar(value, tag))
	})
}

func scalar(value, tag string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: value, Tag: tag}
}

// flip inverts a boolean whose default is false.
func (m *mutator) flip(p place, key string) error {
	v, ok := p.get(key)
	switch {
	case !ok:
		return m.add(p, key, "true", "!!bool")
	case v.Value == "true":
		return m.set(v, "made false", "false")
	}
	return m.set(v, "made true", "true")
}

func (m *mutator) paths() error {
	paths, _ := place{m.root.Content[0], ""}.get("paths")
	for _, item := range paths.children() {
		if err := m.parameters(item.place); err != nil {
			return err
		}
		for _, o := range item.children() {
			if _, ok := o.get("operationId"); !ok {
				continue
			}
			if err := m.operation(o.place); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *mutator) operation(o place) error {
	if err := m.parameters(o); err != nil {
		return err
	}
	security, _ := o.get("security")
	if err := m.dropEach(security); err != nil {
		return err
	}
	for _, alternative := range security.children() {
		for _, scopes := range alternative.children() {
			if err := m.dropEach(scopes.place); err != nil {
				return err
			}
		}
	}
	if body, ok := o.get("requestBody"); ok {
		if err := m.flip(body, "required"); err != nil {
			return err
		}
		content, _ := body.get("content")
		if err := m.dropEach(content); err != nil {
			return err
		}
		if err := m.content(body); err != nil {
			return err
		}
	}
	responses, _ := o.get("responses")
	if err := m.dropEach(responses); err != nil {
		return err
	}
	for _, r := range responses.children() {
		r, err := m.resolve(r.place)
		if err != nil {
			return err
		}
		if err := m.content(r); err != nil {
			return err
		}
	}
	return nil
}

func (m *mutator) content(p place) error {
	content, _ := p.get("content")
	for _, media := range content.children() {
		if s, ok := media.get("schema"); ok {
			if err := m.schema(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *mutator) parameters(p place) error {
	list, _ := p.get("parameters")
	if err := m.dropEach(list); err != nil {
		return err
	}
	for _, c := range list.children() {
		p, err := m.resolve(c.place)
		if err != nil {
			return err
		}
		if err := m.parameter(p); err != nil {
			return err
		}
	}
	return nil
}

func (m *mutator) parameter(p place) error {
	if m.seen[p.Node] {
		return nil
	}
	m.seen[p.Node] = true
	if err := m.flip(p, "required"); err != nil {
		return err
	}
	if _, ok := p.get("x-odata-option"); ok {
		if err := m.flip(p, "x-odata-option"); err != nil {
			return err
		}
	}
	in, _ := p.get("in")
	other := "query"
	if in.Value == "query" {
		other = "header"
	}
	if err := m.set(in, "made "+other, other); err != nil {
		return err
	}
	name, _ := p.get("name")
	if err := m.set(name, "lengthened", name.Value+"x"); err != nil {
		return err
	}
	s, _ := p.get("schema")
	return m.schema(s)
}

// schema makes the mutants of a schema and of those in it.
func (m *mutator) schema(p place) error {
	if m.seen[p.Node] {
		return nil
	}
	m.seen[p.Node] = true
	if p.Kind == yaml.ScalarNode { // true or false
		return m.set(p, "made the other", fmt.Sprint(p.Value != "true"))
	}
	if ref, ok := p.get("$ref"); ok {
		return m.reference(p, ref)
	}
	if !m.v31 {
		if err := m.flip(p, "nullable"); err != nil {
			return err
		}
	}
	for _, c := range p.children() {
		if err := m.keyword(p, c); err != nil {
			return err
		}
	}
	return m.missing(p)
}

// reference makes the mutant in which a value keeps its type, without other rules.
func (m *mutator) reference(p, ref place) error {
	to, err := m.resolve(p)
	if err != nil {
		return err
	}
	next := place{m.root.Content[0], ""}
	for token := range strings.SplitSeq(strings.TrimPrefix(ref.Value, "#/"), "/") {
		next, _ = next.get(token)
	}
	typ, _ := to.get("type")
	rules := slices.ContainsFunc(to.children(), func(c child) bool { return c.name != "type" && c.name != "description" })
	switch {
	case typ.Node == nil:
		if err := m.change(p, p.pointer, "made any", func(n *yaml.Node) { n.Content = nil }); err != nil {
			return err
		}
	case rules && typ.Value != "object" && typ.Value != "array":
		if err := m.change(p, p.pointer, "made any "+typ.Value, func(n *yaml.Node) {
			n.Content = []*yaml.Node{scalar("type", "!!str"), scalar(typ.Value, "!!str")}
		}); err != nil {
			return err
		}
	}
	return m.schema(next)
}

// otherTypes maps each type to its mutation.
var otherTypes = map[string]string{
	"string": "integer", "integer": "string", "number": "string", "boolean": "string", "object": "array", "array": "object",
}

func (m *mutator) keyword(p place, c child) error {
	switch c.name {
	case "description", "title", "example", "default", "nullable": // nullable was flipped, and the others do not validate
		return nil
	}
	if err := m.drop(p, c); err != nil {
		return err
	}
	switch c.name {
	case "type":
		if c.Kind == yaml.SequenceNode {
			return m.dropEach(c.place)
		}
		return m.set(c.place, "made "+otherTypes[c.Value], otherTypes[c.Value])
	case "pattern", "x-ignore-members":
		return m.pattern(c.place)
	case "minimum", "maximum", "minLength", "maxLength", "x-maxBytes", "minItems", "maxItems", "minProperties", "maxProperties", "x-ignore-maxDepth":
		return m.bound(c.place)
	case "multipleOf":
		return m.set(c.place, "made finer", c.Value+"1")
	case "enum":
		return m.enum(c.place)
	case "const":
		return m.set(c.place, "changed", otherValue(c.Node))
	case "required":
		return m.dropEach(c.place)
	case "dependentRequired":
		for _, names := range c.children() {
			if err := m.dropEach(names.place); err != nil {
				return err
			}
		}
	case "discriminator":
		if mapping, ok := c.get("mapping"); ok {
			return m.dropEach(mapping)
		}
	}
	return m.applied(c)
}

// otherValue returns a value of the same type that no document here has.
func otherValue(n *yaml.Node) string {
	switch {
	case n.Value == "true":
		return "false"
	case n.Value == "false":
		return "true"
	case n.Tag == "!!int" || n.Tag == "!!float":
		return n.Value + "1"
	}
	return n.Value + "x"
}

// applied makes the mutants of the schemas in a keyword.
func (m *mutator) applied(c child) error {
	var schemas []child
	switch c.name {
	case "properties", "patternProperties", "dependentSchemas", "allOf", "anyOf", "oneOf", "prefixItems":
		if err := m.dropEach(c.place); err != nil {
			return err
		}
		schemas = c.children()
	case "items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else", "unevaluatedItems", "unevaluatedProperties":
		schemas = []child{c}
	}
	for _, s := range schemas {
		if err := m.schema(s.place); err != nil {
			return err
		}
	}
	return nil
}

// missing makes the mutants that require more than the schema does.
func (m *mutator) missing(p place) error {
	for _, bound := range []string{"minimum", "maximum"} {
		if _, ok := p.get(bound); ok && !m.v31 {
			if err := m.flip(p, "exclusiveM"+bound[1:]); err != nil {
				return err
			}
		}
	}
	if typ, ok := p.get("type"); !ok || typ.Value != "object" {
		return nil
	}
	if _, ok := p.get("additionalProperties"); !ok {
		if err := m.add(p, "additionalProperties", "false", "!!bool"); err != nil {
			return err
		}
	}
	required, hasRequired := p.get("required")
	properties, _ := p.get("properties")
	for _, property := range properties.children() {
		if slices.ContainsFunc(required.children(), func(c child) bool { return c.Value == property.name }) {
			continue
		}
		if err := m.change(p, p.below("required"), property.name+" added", func(n *yaml.Node) {
			list := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{scalar(property.name, "!!str")}}
			if !hasRequired {
				n.Content = append(n.Content, scalar("required", "!!str"), list)
				return
			}
			list.Content = append(list.Content, required.Content...)
			n.Content[slices.Index(n.Content, required.Node)] = list
		}); err != nil {
			return err
		}
	}
	return m.withoutAnnotations(p)
}

// withoutAnnotations drops both annotation keywords, because validategen rejects one without the other.
func (m *mutator) withoutAnnotations(p place) error {
	if _, ok := p.get("x-ignore-members"); !ok {
		return nil
	}
	return m.change(p, p.below("x-ignore-members"), "dropped with x-ignore-maxDepth", func(n *yaml.Node) {
		var kept []*yaml.Node
		for i := 0; i < len(n.Content); i += 2 {
			if !strings.HasPrefix(n.Content[i].Value, "x-ignore-") {
				kept = append(kept, n.Content[i:i+2]...)
			}
		}
		n.Content = kept
	})
}

func (m *mutator) bound(p place) error {
	n, ok := new(big.Rat).SetString(p.Value)
	if !ok {
		return fmt.Errorf("%s: %q is not a number", p.pointer, p.Value)
	}
	_, fraction, _ := strings.Cut(p.Value, ".")
	for _, by := range []int64{-1, 1} {
		moved := new(big.Rat).Add(n, big.NewRat(by, 1)).FloatString(len(fraction))
		if err := m.set(p, "moved to "+moved, moved); err != nil {
			return err
		}
	}
	return nil
}

func (m *mutator) enum(p place) error {
	if err := m.dropEach(p); err != nil {
		return err
	}
	for _, c := range p.children() {
		if c.Tag == "!!null" {
			continue
		}
		if err := m.set(c.place, "lengthened", otherValue(c.Node)); err != nil {
			return err
		}
	}
	return m.change(p, p.pointer, "one more value", func(n *yaml.Node) {
		first := n.Content[0]
		n.Content = append(n.Content, scalar(otherValue(first), first.Tag))
	})
}

func (m *mutator) pattern(p place) error {
	variants, err := patternVariants(p.Value)
	if err != nil {
		return err
	}
	for _, v := range variants {
		if err := m.set(p, v.change, v.pattern); err != nil {
			return err
		}
	}
	return nil
}
