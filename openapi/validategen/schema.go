package main

import (
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// schema is what a place of the document asks of a value. allOf is worked in; a reference is the schema it leads to.
type schema struct {
	node  node
	name  string // of the component, "" for a schema that stands inside something else
	title string // what its functions are named after if it has no name; "" is by its place

	typ, format string
	nullable    bool
	enum        []string // as JSON; nil for none

	min, max  *bound
	multiples []string

	minLength, maxLength, maxBytes *int
	patterns                       []string

	properties           []*property
	required             []string
	additional           *schema // nil for none or for a bare true
	closed               bool    // additionalProperties: false
	hasAdditional        bool
	minProps, maxProps   *int
	ignore               string // a pattern of names
	ignoreDepth          int
	items                *schema
	minItems, maxItems   *int
	readOnly, writeOnly  bool
	parts                []*schema // of allOf
	constrained, untyped bool
	state                buildState
}

type property struct {
	name   string
	schema *schema
}

// bound is a minimum or a maximum, as it is written.
type bound struct {
	literal   string
	exclusive bool
}

type buildState int

const (
	queued buildState = iota
	building
	built
)

// builder makes the schemas of a document. Each place has one schema, so that recursion is a cycle of pointers.
type builder struct {
	schemas map[string]*schema
	queue   []*schema
	ignored []string // extensions that the caller says mean nothing for validation
}

// schema returns the schema at n; it is complete once finish has been called.
func (b *builder) schema(n node) (*schema, error) {
	n, err := n.resolve()
	if err != nil {
		return nil, err
	}
	if s, ok := b.schemas[n.pointer]; ok {
		return s, nil
	}
	s := &schema{node: n}
	if name, ok := strings.CutPrefix(n.pointer, "/components/schemas/"); ok && !strings.Contains(name, "/") {
		s.name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	}
	b.schemas[n.pointer] = s
	b.queue = append(b.queue, s)
	return s, nil
}

// finish completes every schema that schema has returned.
func (b *builder) finish() error {
	for len(b.queue) > 0 {
		s := b.queue[0]
		b.queue = b.queue[1:]
		if err := b.fill(s); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) fill(s *schema) error {
	switch s.state {
	case built:
		return nil
	case building:
		return s.node.errorf("allOf leads back to itself")
	}
	s.state = building
	for key, n := range s.node.members() {
		if err := b.keyword(s, key, n); err != nil {
			return err
		}
	}
	if err := b.mergeParts(s); err != nil {
		return err
	}
	s.state = built
	return s.verify()
}

// describes reports whether a member of a schema describes and does not validate. Extensions that other tools read are
// among them; any other extension may mean validation and is refused.
func describes(key string) bool {
	switch key {
	case "title", "description", "summary", "example", "externalDocs", "deprecated", "xml", "default",
		"x-order", "x-omitempty", "x-omitzero", "x-enum-varnames", "x-enumNames", "x-enum-descriptions",
		"x-deprecated-reason", "x-internal", "x-tags":
		return true
	}
	return strings.HasPrefix(key, "x-go-") || strings.HasPrefix(key, "x-oapi-codegen-") || strings.HasPrefix(key, "x-docs-")
}

// keyword works one member of a schema object in.
func (b *builder) keyword(s *schema, key string, n node) error {
	if describes(key) || slices.Contains(b.ignored, key) {
		return nil
	}
	if key != "nullable" && key != "readOnly" && key != "writeOnly" && key != "allOf" {
		s.constrained = true
	}
	switch key {
	case "type", "format", "pattern":
		return s.textKeyword(key, n)
	case "nullable", "readOnly", "writeOnly", "exclusiveMinimum", "exclusiveMaximum":
		return s.flagKeyword(key, n)
	case "minimum", "maximum", "multipleOf":
		return s.numberKeyword(key, n)
	case "minLength", "maxLength", "x-maxBytes", "minProperties", "maxProperties", "minItems", "maxItems", "x-ignore-maxDepth":
		return s.countKeyword(key, n)
	case "enum", "required":
		return s.listKeyword(key, n)
	case "x-ignore-members":
		s.ignore = n.text()
		_, err := regexp.Compile(s.ignore)
		return wrap(n, err)
	case "properties", "additionalProperties", "items", "allOf":
		return b.schemaKeyword(s, key, n)
	}
	if strings.HasPrefix(key, "x-") {
		return n.errorf("the extension %s is unknown; -ignore-extension %[1]s says that it does not validate", key)
	}
	return n.errorf("the keyword %s is not supported", key)
}

func wrap(n node, err error) error {
	if err == nil {
		return nil
	}
	return n.errorf("%v", err)
}

func (s *schema) textKeyword(key string, n node) error {
	switch key {
	case "type":
		s.typ = n.text()
		if !slices.Contains([]string{"object", "array", "string", "integer", "number", "boolean"}, s.typ) {
			return n.errorf("the type %q is not supported", s.typ)
		}
	case "format":
		s.format = n.text()
	case "pattern":
		if _, err := regexp.Compile(n.text()); err != nil {
			return n.errorf("the pattern is none of RE2's: %v", err)
		}
		s.patterns = append(s.patterns, n.text())
	}
	return nil
}

func (s *schema) flagKeyword(key string, n node) error {
	if !n.isTrue() && !n.isFalse() {
		return n.errorf("%s is neither true nor false", key)
	}
	on := n.isTrue()
	switch key {
	case "nullable":
		s.nullable = on
	case "readOnly":
		s.readOnly = on
	case "writeOnly":
		s.writeOnly = on
	case "exclusiveMinimum":
		if _, ok := s.node.get("minimum"); !ok {
			return n.errorf("exclusiveMinimum has no minimum beside it")
		}
	case "exclusiveMaximum":
		if _, ok := s.node.get("maximum"); !ok {
			return n.errorf("exclusiveMaximum has no maximum beside it")
		}
	}
	return nil
}

func (s *schema) numberKeyword(key string, n node) error {
	literal, err := n.json()
	if err != nil {
		return err
	}
	value, ok := new(big.Rat).SetString(literal)
	if !ok || n.yaml.Tag == "!!str" {
		return n.errorf("%s is not a number", key)
	}
	exclusive := func(key string) bool {
		e, _ := s.node.get(key)
		return e.isTrue()
	}
	switch key {
	case "minimum":
		s.min = &bound{literal, exclusive("exclusiveMinimum")}
	case "maximum":
		s.max = &bound{literal, exclusive("exclusiveMaximum")}
	case "multipleOf":
		if value.Sign() <= 0 {
			return n.errorf("multipleOf is not positive")
		}
		if _, _, ok := factor(literal); !ok {
			return n.errorf("multipleOf has too many digits")
		}
		s.multiples = append(s.multiples, literal)
	}
	return nil
}

func (s *schema) countKeyword(key string, n node) error {
	count, err := strconv.Atoi(n.text())
	if err != nil || count < 0 || count > 1<<31-1 {
		return n.errorf("%s is not a count", key)
	}
	switch key {
	case "minLength":
		s.minLength = &count
	case "maxLength":
		s.maxLength = &count
	case "x-maxBytes":
		s.maxBytes = &count
	case "minProperties":
		s.minProps = &count
	case "maxProperties":
		s.maxProps = &count
	case "minItems":
		s.minItems = &count
	case "maxItems":
		s.maxItems = &count
	case "x-ignore-maxDepth":
		s.ignoreDepth = count
		if _, ok := s.node.get("x-ignore-members"); !ok {
			return n.errorf("x-ignore-maxDepth has no x-ignore-members beside it")
		}
	}
	return nil
}

func (s *schema) listKeyword(key string, n node) error {
	if key == "required" {
		for _, item := range n.items() {
			s.required = append(s.required, item.text())
		}
		return nil
	}
	s.enum = []string{}
	for _, item := range n.items() {
		value, err := item.json()
		if err != nil {
			return err
		}
		s.enum = append(s.enum, value)
	}
	return nil
}

func (b *builder) schemaKeyword(s *schema, key string, n node) error {
	switch key {
	case "properties":
		for name, child := range n.members() {
			sub, err := b.schema(child)
			if err != nil {
				return err
			}
			s.properties = append(s.properties, &property{name, sub})
		}
	case "items":
		sub, err := b.schema(n)
		s.items = sub
		return err
	case "allOf":
		for _, item := range n.items() {
			sub, err := b.schema(item)
			if err != nil {
				return err
			}
			s.parts = append(s.parts, sub)
		}
	case "additionalProperties":
		s.hasAdditional = true
		switch {
		case n.isFalse():
			s.closed = true
		case n.isTrue():
		default:
			sub, err := b.schema(n)
			s.additional = sub
			return err
		}
	}
	return nil
}

// verify refuses keywords that would have no effect, or one that the author does not expect.
func (s *schema) verify() error {
	allowed, ok := keywordsOf[s.typ]
	if !ok {
		if s.constrained {
			return s.node.errorf("keywords without a type are not supported: they bind only the values of their type")
		}
		s.untyped = true
		return nil
	}
	for key, n := range s.node.members() {
		if keywordTypes[key] && !slices.Contains(allowed, key) {
			return n.errorf("%s says nothing about a value of type %s", key, s.typ)
		}
	}
	if s.typ == "array" && s.items == nil {
		return s.node.errorf("an array needs items")
	}
	return s.verifyFormat()
}

func (s *schema) verifyFormat() error {
	if s.format == "" || slices.Contains(formatsOf[s.typ], s.format) {
		return nil
	}
	n, ok := s.node.get("format")
	if !ok {
		n = s.node
	}
	return n.errorf("the format %q of type %s is not supported", s.format, s.typ)
}

// keywordsOf has the keywords that bind values of a type.
var keywordsOf = map[string][]string{
	"object":  {"properties", "required", "additionalProperties", "minProperties", "maxProperties", "x-ignore-members", "x-ignore-maxDepth"},
	"array":   {"items", "minItems", "maxItems"},
	"string":  {"format", "enum", "pattern", "minLength", "maxLength", "x-maxBytes"},
	"integer": {"format", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
	"number":  {"format", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
	"boolean": {"enum"},
}

// keywordTypes has every keyword that binds values of some types only.
var keywordTypes = func() map[string]bool {
	all := map[string]bool{}
	for _, keys := range keywordsOf {
		for _, key := range keys {
			all[key] = true
		}
	}
	return all
}()

// formatsOf has the formats of a type. "password" asks for nothing but care (OpenAPI 3.0.3 §4.4).
var formatsOf = map[string][]string{
	"string":  {"uuid", "date-time", "date", "byte", "uri", "email", "ipv4", "ipv6", "edm-datetimeoffset", "password"},
	"integer": {"int32", "int64", "edm-int32"},
	"number":  {"float", "double"},
}

// isRequired reports whether the object must have the member.
func (s *schema) isRequired(name string) bool { return slices.Contains(s.required, name) }

func (s *schema) property(name string) *property {
	for _, p := range s.properties {
		if p.name == name {
			return p
		}
	}
	return nil
}

// allowsNull reports whether null is a value: an enum that is there must have it (OpenAPI 3.0.3, nullable).
func (s *schema) allowsNull() bool {
	return s.untyped || s.nullable && (s.enum == nil || slices.Contains(s.enum, "null"))
}

// directed reports whether the schema means different things in requests and in responses.
func (s *schema) directed() bool { return s.anyDirected(map[*schema]bool{}) }

func (s *schema) anyDirected(seen map[*schema]bool) bool {
	if s == nil || seen[s] {
		return false
	}
	seen[s] = true
	for _, p := range s.properties {
		if p.schema.readOnly || p.schema.writeOnly || p.schema.anyDirected(seen) {
			return true
		}
	}
	return s.items.anyDirected(seen) || s.additional.anyDirected(seen)
}
