package spec

import (
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate/ecma"
)

// words returns a set of names.
func words(text string) map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(text) {
		set[name] = true
	}
	return set
}

var (
	// meaning has the keywords that affect validation in OpenAPI 3.1.
	meaning = words(`type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength
		pattern format items prefixItems contains minContains maxContains maxItems minItems uniqueItems properties
		patternProperties additionalProperties propertyNames maxProperties minProperties required dependentRequired
		dependentSchemas allOf anyOf oneOf not if then else unevaluatedItems unevaluatedProperties $ref $dynamicRef $schema
		discriminator`)
	// meaning30 has those of OpenAPI 3.0.
	meaning30 = words(`type enum multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern
		format items maxItems minItems uniqueItems properties additionalProperties maxProperties minProperties required
		allOf anyOf oneOf not $ref nullable discriminator`)
	// ours has our own schema extensions.
	ours = words(`x-maxBytes x-ignore-members x-ignore-maxDepth`)
	// notes has the annotations of both versions. readOnly and writeOnly are read with the member.
	notes = words(`title description default deprecated example externalDocs xml readOnly writeOnly`)
	// notes31 has those of OpenAPI 3.1 alone.
	notes31 = words(`examples $comment $id $anchor $dynamicAnchor $defs definitions $vocabulary contentMediaType
		contentEncoding contentSchema`)
)

// scalars reads the keywords without subschemas.
func (c *compiler) scalars(s *validate.Schema, n *node) {
	c.annotations(n)
	c.types(s, n)
	c.enum(s, n)
	c.format(s, n)
	c.bounds(s, n)
	s.MinLength, s.MaxLength = c.count(s, n, "minLength"), c.count(s, n, "maxLength")
	s.MaxBytes = c.count(s, n, "x-maxBytes")
	s.MinItems, s.MaxItems = c.count(s, n, "minItems"), c.count(s, n, "maxItems")
	s.MinProperties, s.MaxProperties = c.count(s, n, "minProperties"), c.count(s, n, "maxProperties")
	s.UniqueItems = c.flag(s, n, "uniqueItems")
	if p := c.pattern(s, n, "pattern"); p != nil {
		s.Patterns = []*validate.Pattern{p}
	}
	s.IgnoreMembers = c.pattern(s, n, "x-ignore-members")
	if depth := c.count(s, n, "x-ignore-maxDepth"); depth != nil {
		s.IgnoreMaxDepth = *depth
		if s.IgnoreMembers == nil {
			c.unjudged(s, n.get("x-ignore-maxDepth"), "x-ignore-maxDepth needs x-ignore-members next to it")
		}
	}
}

// annotations warns of the keywords that are not checked.
func (c *compiler) annotations(n *node) {
	for name, value := range n.members() {
		switch {
		case ours[name] || notes[name] || strings.HasPrefix(name, "x-"): // extensions covers the whole document
		case c.v31 && (meaning[name] || notes31[name]):
		case !c.v31 && meaning30[name]:
		case !c.v31 && meaning[name]:
			c.warn(value, "3.1 "+name, name+" has no meaning in OpenAPI 3.0")
		default:
			c.warn(value, "keyword "+name, "the keyword "+name+" is unknown, and not checked")
		}
	}
}

var typeNames = map[string]validate.Types{
	"null": validate.Null, "boolean": validate.Boolean, "integer": validate.Integer, "number": validate.Integer | validate.Number,
	"string": validate.String, "array": validate.Array, "object": validate.Object,
}

func (c *compiler) types(s *validate.Schema, n *node) {
	typ := n.member("type")
	switch {
	case typ == nil:
		return
	case typ.kind == textKind && typeNames[typ.text] != 0:
		s.Types = typeNames[typ.text]
	case typ.kind == listKind:
		s.Types = 0
		for _, item := range typ.items {
			name := item.string()
			if item.kind == nullKind {
				name = "null" // YAML without quotes
			}
			if typeNames[name] == 0 {
				c.unjudged(s, typ, "%s is not a type", item.json())
				s.Types = validate.AnyType
				return
			}
			s.Types |= typeNames[name]
		}
	default:
		c.unjudged(s, typ, "%s is not a type", typ.json())
		return
	}
	if !c.v31 && (typ.kind == listKind || typ.text == "null") {
		c.warn(typ, "", typ.json()+" is a type of OpenAPI 3.1, and read as such")
	}
	if !c.v31 && c.flag(s, n, "nullable") {
		s.Types |= validate.Null
	}
}

func (c *compiler) enum(s *validate.Schema, n *node) {
	if list := n.get("enum"); list.is(listKind) {
		s.Enum = []validate.Value{}
		for _, item := range list.items {
			s.Enum = append(s.Enum, validate.Value{JSON: item.json()})
		}
		s.Enum = distinct(s.Enum)
	} else if list != nil {
		c.unjudged(s, list, "enum is not a list")
	}
	if value := n.member("const"); value != nil && c.v31 {
		only := []validate.Value{{JSON: value.json()}}
		if s.Enum != nil {
			only = common(s.Enum, only)
		}
		s.Enum = only
	}
}

func (c *compiler) format(s *validate.Schema, n *node) {
	format := n.get("format")
	switch {
	case format == nil:
	case format.kind != textKind:
		c.unjudged(s, format, "format is not a string")
	case validate.KnownFormat(format.text, s.Types):
		s.Format = format.text
	default:
		c.warn(format, "format "+format.text, "the format "+format.text+" is unknown for its type, and not checked")
	}
}

// expected returns what faults say about a value.
func expected(types validate.Types, format string) validate.Expected {
	for name, t := range typeNames {
		if types&^validate.Null == t && t != validate.Null || types == t {
			return validate.Expected{Type: name, Format: format}
		}
	}
	return validate.Expected{Format: format}
}

// bounds reads minimum and maximum. In OpenAPI 3.0 exclusiveMinimum is a flag next to minimum, in 3.1 a bound of its own.
// Many documents use the form of the other version, which has only one meaning.
func (c *compiler) bounds(s *validate.Schema, n *node) {
	s.Minimum = c.bound(s, n, "minimum", "exclusiveMinimum", 1)
	s.Maximum = c.bound(s, n, "maximum", "exclusiveMaximum", -1)
	if multiple := n.get("multipleOf"); multiple != nil {
		if value := c.number(s, multiple); value != nil {
			if value.Sign() > 0 {
				s.MultipleOf = []string{multiple.text}
			} else {
				c.unjudged(s, multiple, "multipleOf is not positive")
			}
		}
	}
}

func (c *compiler) bound(s *validate.Schema, n *node, keyword, exclusive string, direction int) *validate.Bound {
	var b *validate.Bound
	if limit := n.get(keyword); limit != nil && c.number(s, limit) != nil {
		b = &validate.Bound{Literal: limit.text}
	}
	limit := n.get(exclusive)
	switch {
	case limit == nil:
		return b
	case limit.kind == boolKind:
		if limit.isTrue() && b != nil {
			b.Exclusive = true
		}
	case c.number(s, limit) != nil:
		b = tighter(b, &validate.Bound{Literal: limit.text, Exclusive: true}, direction)
	}
	if c.v31 == (limit.kind == boolKind) {
		c.warn(limit, "", exclusive+" has the form of the other version of OpenAPI, and is read as such")
	}
	return b
}

// number returns the value of a number; nil if n is not a number.
func (c *compiler) number(s *validate.Schema, n *node) *big.Rat {
	if n.kind == numberKind && len(n.text) <= maxDigits {
		if value, ok := rational(n.text); ok {
			return value
		}
	}
	c.unjudged(s, n, "%s is not a number that can be compared", n.key)
	return nil
}

// count returns a number of characters, items or members.
func (c *compiler) count(s *validate.Schema, n *node, keyword string) *int {
	value := n.get(keyword)
	if value == nil {
		return nil
	}
	if value.kind == numberKind && len(value.text) <= maxDigits {
		if r, ok := rational(value.text); ok && r.IsInt() && r.Sign() >= 0 {
			count := math.MaxInt32
			if i := r.Num(); i.IsInt64() && i.Int64() < math.MaxInt32 {
				count = int(i.Int64())
			}
			return &count
		}
	}
	c.unjudged(s, value, "%s is not a count", keyword)
	return nil
}

func (c *compiler) flag(s *validate.Schema, n *node, keyword string) bool {
	value := n.get(keyword)
	if value != nil && value.kind != boolKind {
		c.unjudged(s, value, "%s is neither true nor false", keyword)
	}
	return value.isTrue()
}

func (c *compiler) pattern(s *validate.Schema, n *node, keyword string) *validate.Pattern {
	value := n.get(keyword)
	if value == nil {
		return nil
	}
	if value.kind != textKind {
		c.unjudged(s, value, "%s is not a string", keyword)
		return nil
	}
	p, err := compilePattern(value.text)
	if err != nil {
		c.unjudged(s, value, "%v", err)
		return nil
	}
	if e, ok := p.Matcher.(*ecma.Pattern); ok && e.Tolerant() {
		c.warn(value, "", "ECMA-262 with the flag u does not have the pattern; it is read as without the flag")
	}
	return p
}

// compilePattern compiles an ECMA-262 regular expression.
func compilePattern(text string) (*validate.Pattern, error) {
	p, err := ecma.Compile(text)
	if err != nil {
		return nil, err
	}
	return &validate.Pattern{Text: text, Matcher: p}, nil
}

// maxDigits and maxExponent limit the numbers of a document: 1e999999999 has a billion digits.
const (
	maxDigits   = 400
	maxExponent = 400
)

// rational returns the value of a JSON number.
func rational(literal string) (*big.Rat, bool) {
	if i := strings.IndexAny(literal, "eE"); i >= 0 {
		exponent := strings.TrimLeft(literal[i+1:], "+-0")
		if len(exponent) > 3 || len(exponent) == 3 && exponent > "400" {
			return nil, false
		}
	}
	return new(big.Rat).SetString(literal)
}

// tighter returns the stricter bound: the larger one for direction 1, the smaller one for -1.
func tighter(x, y *validate.Bound, direction int) *validate.Bound {
	switch {
	case x == nil:
		return y
	case y == nil:
		return x
	}
	a, _ := rational(x.Literal)
	b, _ := rational(y.Literal)
	switch a.Cmp(b) * direction {
	case 1:
		return x
	case -1:
		return y
	}
	if y.Exclusive {
		return y
	}
	return x
}

// distinct returns the values without duplicates.
func distinct(values []validate.Value) []validate.Value {
	seen := make(map[string]bool, len(values))
	return slices.DeleteFunc(values, func(v validate.Value) bool {
		text := canonical(v.JSON)
		twice := seen[text]
		seen[text] = true
		return twice
	})
}

// common returns the values of x that are in y.
func common(x, y []validate.Value) []validate.Value {
	in := make(map[string]bool, len(y))
	for _, v := range y {
		in[canonical(v.JSON)] = true
	}
	list := []validate.Value{}
	for _, v := range x {
		if in[canonical(v.JSON)] {
			list = append(list, v)
		}
	}
	return list
}

// canonical returns the same text for equal values: for 1 and 1.0, and for objects whose members have a different order.
func canonical(text string) string {
	n, err := parseJSON([]byte(text))
	if err != nil {
		return text
	}
	n.canonicalize()
	return n.json()
}

func (n *node) canonicalize() {
	for _, item := range n.items {
		item.canonicalize()
	}
	switch n.kind {
	case numberKind:
		if value, ok := rational(n.text); ok {
			n.text = value.RatString()
		}
	case objectKind:
		order := make([]int, len(n.names))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return strings.Compare(n.names[a], n.names[b]) })
		names, items := make([]string, len(order)), make([]*node, len(order))
		for i, from := range order {
			names[i], items[i] = n.names[from], n.items[from]
		}
		n.names, n.items = names, items
	}
}
