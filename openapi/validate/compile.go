package validate

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// compiled is what [Compile] computes for a schema.
type compiled struct {
	ready bool
	// referred is true if another schema refers to this one; see shared.
	referred bool
	want     *Expected
	// any is true if every value satisfies the schema.
	any bool
	// never is true if no value satisfies the schema.
	never bool
	// shared is true if several schemas refer to this one, so that it may check a value more than once.
	shared bool
	// inPlace is true if further schemas apply to the same value.
	inPlace bool
	// simple is true if all keywords concern the value itself, its members and its items. freeString and freeNumber are true
	// if no keyword concerns strings or numbers.
	simple, freeString, freeNumber bool
	// tracks is true if the evaluated members and items matter.
	tracks bool

	names    []memberName // the properties, then the other required members
	table    []uint16     // 1 + the index of a name, in its hash slot or the next free one
	required int          // the number of required names
	others   bool         // members that are not in names may matter

	enum     *tape
	enumJSON string   // the values as one JSON text
	values   []uint32 // the values of enum
	texts    []string // the enum, if it has only strings
	multiple []Multiple
	bounds   []numberBound
	choices  map[string]choice // by the value of the discriminator
	format   func(string) bool
	number   func([]byte) bool
}

// choice is the alternative that a value of a discriminator selects. It is sole if the value excludes all others.
type choice struct {
	schema *Schema
	sole   bool
}

// memberName is a name in a schema.
type memberName struct {
	text     string
	hash     uint32
	index    int
	declared bool
	required bool
	hidden   string
	schema   *Schema // nil accepts any value
	want     *Expected
}

// numberBound is a minimum or a maximum, prepared for comparison.
type numberBound struct {
	keyword, literal string
	value            decimal
	small            int64 // the value, if integral
	integral         bool
	least            bool // a minimum
	exclusive        bool
}

// Multiple is the value of a multipleOf: digits·10^exp, or rat if it has more digits.
type Multiple struct {
	literal string
	digits  uint64
	exp     int
	rat     *big.Rat // if it does not fit into digits
	// The value is unit·10^-places if both are small; otherwise unit is 0.
	unit   int64
	places int
}

// Compile prepares schemas, and all that they refer to. Call it once, before the first check; it is not safe for concurrent
// use. An error names the place in the document.
func Compile(schemas ...*Schema) error {
	c := compiler{}
	for _, s := range schemas {
		c.addOnce(s)
	}
	for i := 0; i < len(c.all); i++ {
		if err := c.compile(c.all[i]); err != nil {
			return fmt.Errorf("at %s: %w", c.all[i].Pointer, err)
		}
	}
	for _, s := range c.all {
		s.compileDiscriminator()
	}
	return nil
}

type compiler struct {
	all []*Schema // in the order in which they are compiled
}

// add adds a schema that another refers to.
func (c *compiler) add(s *Schema) {
	if s != nil {
		s.shared = s.referred
		s.referred = true
	}
	c.addOnce(s)
}

func (c *compiler) addOnce(s *Schema) {
	if s != nil && !s.ready {
		s.ready = true
		c.all = append(c.all, s)
	}
}

// Subschemas returns all schemas that s refers to, except by its discriminator.
func (s *Schema) Subschemas() []*Schema { return append(s.applied(), s.children()...) }

// applied returns the schemas that apply to the same value as s, children those for its members, their names and its items.
func (s *Schema) applied() []*Schema {
	list := slices.Concat(s.AllOf, s.AnyOf, s.OneOf, []*Schema{s.Not, s.If, s.Then, s.Else})
	for _, d := range s.DependentSchemas {
		list = append(list, d.Schema)
	}
	return slices.DeleteFunc(list, func(s *Schema) bool { return s == nil })
}

func (s *Schema) children() []*Schema {
	list := append(slices.Clone(s.PrefixItems), s.Items, s.Contains, s.UnevaluatedItems, s.AdditionalProperties, s.PropertyNames, s.UnevaluatedProperties)
	for _, p := range s.Properties {
		list = append(list, p.Schema)
	}
	for _, p := range s.PatternProperties {
		list = append(list, p.Schema)
	}
	return slices.DeleteFunc(list, func(s *Schema) bool { return s == nil })
}

func (c *compiler) compile(s *Schema) error {
	s.want = &s.Expected
	for _, next := range s.Subschemas() {
		c.add(next)
	}
	s.never = s.Types == 0 && s.Unjudged == ""
	if s.Unjudged != "" {
		s.any = true
		return nil
	}
	s.inPlace = len(s.applied()) > 0 || s.UnevaluatedItems != nil || s.UnevaluatedProperties != nil
	s.tracks = s.UnevaluatedItems != nil || s.UnevaluatedProperties != nil
	s.nameMembers()
	if err := s.compileNumbers(); err != nil {
		return err
	}
	if err := s.compileEnum(); err != nil {
		return err
	}
	s.format, s.number = formatOf(s.Format)
	s.any = s.Types == AnyType && s.isFree()
	s.simple = !s.inPlace && !s.never
	s.freeString = s.Enum == nil && s.format == nil && s.Patterns == nil && s.MinLength == nil && s.MaxLength == nil && s.MaxBytes == nil
	s.freeNumber = s.Enum == nil && s.number == nil && s.bounds == nil && s.multiple == nil
	return nil
}

// isFree reports whether the schema has no keyword other than a type.
func (s *Schema) isFree() bool {
	return s.Enum == nil && s.Format == "" && s.bounds == nil && s.multiple == nil &&
		s.MinLength == nil && s.MaxLength == nil && s.MaxBytes == nil && s.Patterns == nil &&
		s.MinItems == nil && s.MaxItems == nil && !s.UniqueItems && s.Contains == nil &&
		len(s.names) == 0 && s.IgnoreMembers == nil && s.MinProperties == nil && s.MaxProperties == nil &&
		len(s.DependentRequired) == 0 && len(s.children()) == 0 && !s.inPlace
}

// nameMembers lists the names in the schema and builds their table.
func (s *Schema) nameMembers() {
	for _, p := range s.Properties {
		m := memberName{text: p.Name, hash: hashName(p.Name), declared: true, hidden: p.Hidden, schema: p.Schema, want: &Expected{}}
		if p.Schema != nil {
			m.want = &p.Schema.Expected
		}
		m.required = p.Hidden == "" && slices.Contains(s.Required, p.Name)
		s.names = append(s.names, m)
	}
	for i, name := range s.Required {
		if !slices.ContainsFunc(s.Properties, func(p Property) bool { return p.Name == name }) && slices.Index(s.Required, name) == i {
			s.names = append(s.names, memberName{text: name, hash: hashName(name), required: true, want: &Expected{}})
		}
	}
	size := 4
	for size < 2*len(s.names) {
		size *= 2
	}
	s.table = make([]uint16, size)
	for i := range s.names {
		m := &s.names[i]
		m.index = i
		slot := int(m.hash) & (size - 1)
		for s.table[slot] != 0 {
			slot = (slot + 1) & (size - 1)
		}
		s.table[slot] = uint16(i + 1)
		if m.required {
			s.required++
		}
	}
	s.others = len(s.PatternProperties) > 0 || s.AdditionalProperties != nil || s.IgnoreMembers != nil
}

// member returns the entry of a name in the schema; nil if it has none.
func (s *Schema) member(text string, hash uint32) *memberName {
	mask := len(s.table) - 1
	for slot := int(hash) & mask; s.table[slot] != 0; slot = (slot + 1) & mask {
		if m := &s.names[s.table[slot]-1]; m.hash == hash && m.text == text {
			return m
		}
	}
	return nil
}

func (s *Schema) compileNumbers() error {
	for _, b := range []struct {
		bound   *Bound
		keyword string
		least   bool
	}{{s.Minimum, "minimum", true}, {s.Maximum, "maximum", false}} {
		if b.bound == nil {
			continue
		}
		n := numberBound{keyword: b.keyword, literal: b.bound.Literal, least: b.least, exclusive: b.bound.Exclusive}
		if !isNumber([]byte(n.literal)) {
			return fmt.Errorf("%s is not a number", b.keyword)
		}
		if n.exclusive {
			n.keyword = "exclusive" + strings.ToUpper(n.keyword[:1]) + n.keyword[1:]
		}
		n.value = parseDecimal([]byte(n.literal))
		n.small, n.integral = ParsePlainInteger([]byte(n.literal))
		s.bounds = append(s.bounds, n)
	}
	for _, literal := range s.MultipleOf {
		m, err := multipleFrom(literal)
		if err != nil {
			return err
		}
		s.multiple = append(s.multiple, m)
	}
	return nil
}

// MultipleOf is for generated code and panics if the literal is not that of a multipleOf.
func MultipleOf(literal string) *Multiple {
	m, err := multipleFrom(literal)
	if err != nil {
		panic("validate: " + err.Error())
	}
	return &m
}

// multipleFrom splits a literal into digits·10^exp, where digits is not a multiple of ten.
func multipleFrom(literal string) (Multiple, error) {
	if !isNumber([]byte(literal)) || parseDecimal([]byte(literal)).sign() <= 0 {
		return Multiple{}, fmt.Errorf("multipleOf is not a number above 0")
	}
	d := parseDecimal([]byte(literal))
	m := Multiple{literal: literal, exp: d.exp}
	n, ok := new(big.Int).SetString(string(d.digits), 10)
	if !ok {
		return Multiple{}, fmt.Errorf("multipleOf is not a number above 0")
	}
	if m.digits = n.Uint64(); !n.IsUint64() {
		if d.exp > 1000 || d.exp < -1000 {
			return Multiple{}, fmt.Errorf("multipleOf has too many digits")
		}
		m.rat, _ = new(big.Rat).SetString(literal)
		return m, nil
	}
	if m.exp > -18 && m.exp < 9 && m.digits < 1<<31/uint64(tens[max(m.exp, 0)]) {
		m.unit, m.places = int64(m.digits)*tens[max(m.exp, 0)], max(-m.exp, 0)
	}
	return m, nil
}

// Divides reports whether a number is a multiple of m.
func (m *Multiple) Divides(literal []byte) bool {
	if m.rat == nil {
		if n, places, ok := small(literal); ok && m.unit > 0 && places <= m.places {
			return n%m.unit*(tens[m.places-places]%m.unit)%m.unit == 0
		}
		return multipleOf(literal, m.digits, m.exp)
	}
	d := parseDecimal(literal)
	if len(d.digits) == 0 {
		return true
	}
	if d.exp > 1000 || d.exp < -1000 {
		return false // its last digit is below that of the multiple
	}
	r, _ := new(big.Rat).SetString(string(literal))
	return r.Quo(r, m.rat).IsInt()
}

// compileEnum builds the tape of the values.
func (s *Schema) compileEnum() error {
	if s.Enum == nil {
		return nil
	}
	list := make([]string, len(s.Enum))
	for i, v := range s.Enum {
		list[i] = v.JSON
	}
	s.enumJSON = "[" + strings.Join(list, ",") + "]"
	data := []byte(s.enumJSON)
	s.enum = &tape{}
	if end, ok := s.enum.scan(data, 0, maxDepth+1); !ok || end != len(data) {
		return fmt.Errorf("the enum has a value that is not JSON")
	}
	strings := true
	for i := uint32(1); i < s.enum.tokens[0].next; i = s.enum.tokens[i].next {
		s.values = append(s.values, i)
		strings = strings && s.enum.tokens[i].kind == stringToken
	}
	if strings {
		for _, v := range s.values {
			s.texts = append(s.texts, s.enum.chars(v))
		}
	}
	return nil
}

// compileDiscriminator needs the alternatives to be compiled.
func (s *Schema) compileDiscriminator() {
	if s.Discriminator == nil {
		return
	}
	s.choices = map[string]choice{}
	for value, chosen := range s.Discriminator.Alternatives {
		s.choices[value] = choice{chosen, !rivals(slices.Concat(s.AnyOf, s.OneOf), chosen, s.Discriminator.Property, value)}
	}
}

// rivals reports whether an alternative other than the chosen one may accept an object whose member has the value; the
// alternative's enum or const may exclude that.
func rivals(list []*Schema, chosen *Schema, member, value string) bool {
	hash := hashName(member)
	return slices.ContainsFunc(list, func(s *Schema) bool {
		if s == chosen || s.Unjudged != "" {
			return s != chosen
		}
		m := s.member(member, hash)
		return m == nil || m.schema == nil || m.schema.texts == nil || slices.Contains(m.schema.texts, value)
	})
}
