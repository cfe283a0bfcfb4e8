package validate

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// primitives are the types whose values are a single text.
const primitives = Boolean | Number | String

// shape is what schemas say about the value of a text. The text 12 is a number only where the schemas allow a number.
// Integer counts as Number, and null has no text.
type shape struct {
	of      *shapes
	direct  []*Schema // of the place
	schemas []*Schema // all that apply to the value: direct and what they apply in place
	kinds   Types     // 0: the schemas do not restrict the type
	inner   atomic.Pointer[inner]
}

// inner has the shapes of the members and items of a value.
type inner struct {
	names    map[string]*shape
	patterns []PatternProperty
	rest     *shape // of other members
	open     bool   // the schemas ask for other members
	prefix   []*shape
	items    *shape
}

// shapes derives shapes from schemas on first use, because schemas may be recursive. It keeps one shape per set of schemas
// for the same value.
type shapes struct {
	mutex sync.Mutex
	kinds map[*Schema]Types
	ids   map[*Schema]uint32
	kept  map[string]*shape
}

// maxShapes limits the cached shapes of a parameter or body. Overlapping schemas can have more combinations.
const maxShapes = 1 << 12

// shapeOf returns the shape of a schema, which may be nil.
func shapeOf(s *Schema) *shape {
	of := &shapes{kinds: map[*Schema]Types{}, ids: map[*Schema]uint32{}, kept: map[string]*shape{}}
	if s == nil {
		return of.add(nil)
	}
	return of.add([]*Schema{s})
}

// add returns the shape of values to which all the schemas apply. The caller holds the mutex, or is the only user.
func (of *shapes) add(schemas []*Schema) *shape {
	key := of.key(schemas)
	s := of.kept[key]
	if s == nil {
		s = &shape{of: of, direct: schemas, schemas: inPlace(schemas)}
		for _, c := range schemas {
			s.kinds |= of.kindsOf(c)
		}
		if len(of.kept) < maxShapes {
			of.kept[key] = s
		}
	}
	return s
}

func (of *shapes) key(schemas []*Schema) string {
	ids := make([]uint32, len(schemas))
	for i, s := range schemas {
		id, ok := of.ids[s]
		if !ok {
			id = uint32(len(of.ids))
			of.ids[s] = id
		}
		ids[i] = id
	}
	slices.Sort(ids)
	var key []byte
	for _, id := range slices.Compact(ids) {
		key = binary.LittleEndian.AppendUint32(key, id)
	}
	return string(key)
}

// inPlace returns the schemas and all that they apply to the same value.
func inPlace(schemas []*Schema) []*Schema {
	var all []*Schema
	seen := map[*Schema]bool{}
	var add func(s *Schema)
	add = func(s *Schema) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		all = append(all, s)
		for _, list := range [][]*Schema{s.AllOf, s.AnyOf, s.OneOf, {s.Then, s.Else}} {
			for _, c := range list {
				add(c)
			}
		}
		for _, d := range s.DependentSchemas {
			add(d.Schema)
		}
	}
	for _, s := range schemas {
		add(s)
	}
	return all
}

// kindsOf returns the types that a schema allows; 0 if it does not restrict them.
func (of *shapes) kindsOf(s *Schema) Types {
	if s == nil {
		return 0
	}
	if k, ok := of.kinds[s]; ok {
		return k
	}
	k := ownKinds(s)
	of.kinds[s] = k // a schema that refers to itself adds nothing
	for _, c := range s.AllOf {
		k = restrict(k, of.kindsOf(c))
	}
	k = restrict(k, of.alternatives(s.AnyOf))
	k = restrict(k, of.alternatives(s.OneOf))
	of.kinds[s] = k
	return k
}

// alternatives returns the types that at least one of the schemas allows; 0 if one of them does not restrict them.
func (of *shapes) alternatives(schemas []*Schema) Types {
	union := Types(0)
	for _, c := range schemas {
		k := of.kindsOf(c)
		if k == 0 && c.Types&^Null != 0 {
			return 0
		}
		union |= k
	}
	return union
}

func restrict(k, by Types) Types {
	switch {
	case by == 0:
		return k
	case k == 0:
		return by
	}
	return k & by
}

// ownKinds returns the types that the schema's own keywords allow. Without type, they follow from enum or the other
// keywords.
func ownKinds(s *Schema) Types {
	switch {
	case s.Unjudged != "":
		return 0
	case s.Types != AnyType:
		return kindsIn(s.Types)
	case s.Enum != nil:
		var k Types
		for _, v := range s.Enum {
			k |= typeOf(v.JSON)
		}
		return kindsIn(k)
	}
	return s.ImpliedTypes()
}

func kindsIn(t Types) Types {
	if t&(Integer|Number) != 0 {
		t |= Number
	}
	return t &^ (Null | Integer)
}

// typeOf returns the type of a JSON value.
func typeOf(json string) Types {
	if json == "" {
		return 0
	}
	switch json[0] {
	case '"':
		return String
	case '{':
		return Object
	case '[':
		return Array
	case 't', 'f':
		return Boolean
	case 'n':
		return Null
	}
	return Number
}

// ImpliedTypes returns the types that the schema's own keywords concern, except type and enum.
func (s *Schema) ImpliedTypes() Types {
	var k Types
	if s.Minimum != nil || s.Maximum != nil || s.MultipleOf != nil || isNumeric(s.Format) {
		k |= Number
	}
	if s.MinLength != nil || s.MaxLength != nil || s.MaxBytes != nil || s.Patterns != nil || s.Format != "" && !isNumeric(s.Format) {
		k |= String
	}
	if s.Items != nil || s.PrefixItems != nil || s.Contains != nil || s.MinItems != nil || s.MaxItems != nil || s.UniqueItems || s.UnevaluatedItems != nil {
		k |= Array
	}
	if s.Properties != nil || s.PatternProperties != nil || s.AdditionalProperties != nil || s.Required != nil || s.PropertyNames != nil ||
		s.MinProperties != nil || s.MaxProperties != nil || s.DependentRequired != nil || s.DependentSchemas != nil || s.UnevaluatedProperties != nil {
		k |= Object
	}
	return k
}

// isNumeric reports whether the format is for numbers.
func isNumeric(format string) bool {
	return strings.HasPrefix(strings.TrimPrefix(format, "u"), "int") || format == "float" || format == "double"
}

// can reports whether the schemas allow values of one of the types, or do not restrict them.
func (s *shape) can(t Types) bool { return s.kinds&t != 0 }

// must reports whether the schemas allow only values of the types.
func (s *shape) must(t Types) bool { return s.kinds != 0 && s.kinds&^t == 0 }

// member returns the shape of a member.
func (s *shape) member(name string) *shape {
	in := s.inside()
	if m := in.names[name]; m != nil {
		return m
	}
	var matching []*Schema
	for _, p := range in.patterns {
		if p.Pattern.Matcher.MatchString(name) && p.Schema != nil {
			matching = append(matching, p.Schema)
		}
	}
	if matching == nil {
		return in.rest
	}
	s.of.mutex.Lock()
	defer s.of.mutex.Unlock()
	return s.of.add(matching)
}

// takes reports whether the schemas declare or require the member.
func (s *shape) takes(name string) bool {
	in := s.inside()
	return in.open || in.names[name] != nil || slices.ContainsFunc(in.patterns, func(p PatternProperty) bool { return p.Pattern.Matcher.MatchString(name) })
}

// item returns the shape of item i.
func (s *shape) item(i int) *shape {
	in := s.inside()
	if i < len(in.prefix) {
		return in.prefix[i]
	}
	return in.items
}

func (s *shape) inside() *inner {
	if in := s.inner.Load(); in != nil {
		return in
	}
	s.of.mutex.Lock()
	defer s.of.mutex.Unlock()
	in := s.look()
	if len(s.of.kept) < maxShapes {
		s.inner.Store(in)
	}
	return in
}

func (s *shape) look() *inner {
	in := &inner{names: map[string]*shape{}}
	members := map[string][]*Schema{}
	var rest, items []*Schema
	for _, c := range s.schemas {
		for _, p := range c.Properties {
			members[p.Name] = with(members[p.Name], p.Schema)
		}
		in.patterns = append(in.patterns, c.PatternProperties...)
		rest = with(with(rest, c.AdditionalProperties), c.UnevaluatedProperties)
		items = with(with(with(items, c.Items), c.UnevaluatedItems), c.Contains)
		in.open = in.open || c.AdditionalProperties != nil && c.AdditionalProperties.Types != 0
	}
	for name, schemas := range members {
		in.names[name] = s.of.add(schemas)
	}
	in.open = in.open || len(members) == 0 && in.patterns == nil && s.must(Object)
	in.rest, in.items = s.of.add(rest), s.of.add(items)
	s.lookAtPrefix(in, items)
	return in
}

func (s *shape) lookAtPrefix(in *inner, items []*Schema) {
	longest := 0
	for _, c := range s.schemas {
		longest = max(longest, len(c.PrefixItems))
	}
	for i := range longest {
		var at []*Schema
		for _, c := range s.schemas {
			if i < len(c.PrefixItems) {
				at = with(at, c.PrefixItems[i])
			}
		}
		if at == nil {
			at = items
		}
		in.prefix = append(in.prefix, s.of.add(at))
	}
}

// with appends a schema, unless it is nil, in the list already, or accepts no value.
func with(list []*Schema, s *Schema) []*Schema {
	if s == nil || s.Types == 0 || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
