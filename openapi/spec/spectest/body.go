package spectest

import (
	"encoding/json"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// NewBody returns a random JSON text for the schema of a document. It usually satisfies the schema except in up to three
// places. It is I-JSON.
func NewBody(s *Source, d *Document) []byte {
	g := &guide{Source: s, document: d, left: 120}
	v := g.value([]any{d.Schema}, 5)
	for range pick(s, []int{0, 1, 1, 1, 2, 3}) {
		g.mutate(v)
	}
	w := speller{Source: s}
	w.value(v)
	return []byte(w.String())
}

// Malform changes bytes of a text, so that it usually is no longer JSON.
func Malform(s *Source, text []byte) []byte {
	text = slices.Clone(text)
	for range 1 + s.IntN(2) {
		at := 0
		if len(text) > 0 {
			at = (s.IntN(256)<<8 | s.IntN(256)) % len(text)
		}
		switch s.IntN(3) {
		case 0:
			text = slices.Insert(text, at, []byte(pick(s, pieces))...)
		case 1:
			text = slices.Delete(text, at, min(len(text), at+1+s.IntN(3)))
		default:
			text = text[:at]
		}
	}
	return text
}

var pieces = []string{
	`"`, `\`, "{", "}", "[", "]", ",", ":", "null", "tru", "-", ".", "e", "01", `\ud800`, `\udc00`, "é", "\xff", "\xed\xa0\x80", "\x00",
	" ", "\ufeff", `"a":1,`, `"a":1,"a":1,`, `"\u0061":1,`, "1e999999999", strings.Repeat("[", 65), strings.Repeat(`{"a":`, 65),
}

// guide writes values that satisfy schemas.
type guide struct {
	*Source
	document *Document
	left     int // the number of values that may still be written: required members may never end
}

// demand combines what several schemas require of one value.
type demand struct {
	document   *Document
	types      []string
	values     []any // the allowed values, if said
	said       bool  // values applies
	scalars    []object
	properties map[string][]any
	required   []string
	rest       []any // schemas of other members
	prefix     [][]any
	items      []any
	contains   []any
	least      int // the minimum of items or members
	closed     bool
}

// value writes a value for schemas that apply together, with at most depth levels.
func (g *guide) value(schemas []any, depth int) *value {
	if g.left--; g.left < 0 || depth < -4 {
		return valueOf(nil)
	}
	d := &demand{document: g.document, types: []string{"object", "array", "string", "number", "integer", "boolean", "null"}, properties: map[string][]any{}}
	for _, s := range schemas {
		g.collect(d, s, 12)
	}
	if d.said && len(d.values) > 0 {
		return valueOf(pick(g.Source, d.values))
	}
	name := "null"
	if len(d.types) > 0 {
		name = pick(g.Source, d.types)
	}
	switch name {
	case "object":
		return g.object(d, depth)
	case "array":
		return g.array(d, depth)
	case "string":
		return g.text(d)
	case "number", "integer":
		return g.number(d, name)
	case "boolean":
		return valueOf(g.Chance(2))
	}
	return valueOf(nil)
}

// collect adds a schema, and those that apply to the same value, to d. It adds one alternative of several.
func (g *guide) collect(d *demand, schema any, depth int) {
	s, ok := schema.(object)
	if !ok || depth == 0 {
		return
	}
	if ref, ok := s["$ref"].(string); ok {
		g.collect(d, g.document.Components[ref[strings.LastIndexByte(ref, '/')+1:]], depth-1)
		if !g.document.V31 {
			return
		}
	}
	d.add(s)
	list, _ := s["allOf"].([]any)
	for _, part := range list {
		g.collect(d, part, depth-1)
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if list, _ := s[keyword].([]any); len(list) > 0 {
			g.collect(d, g.alternative(d, s, list), depth-1)
		}
	}
	if s["if"] != nil && g.document.V31 {
		if g.Chance(2) {
			g.collect(d, s["else"], depth-1)
		} else {
			g.collect(d, s["if"], depth-1)
			g.collect(d, s["then"], depth-1)
		}
	}
}

// alternative returns one of the alternatives and adds to d what selects it.
func (g *guide) alternative(d *demand, s object, list []any) any {
	discriminator, _ := s["discriminator"].(object)
	mapping, _ := discriminator["mapping"].(object)
	if mapping == nil || g.Chance(2) {
		return pick(g.Source, list)
	}
	value := pick(g.Source, sortedNames(mapping))
	d.properties[kind] = append(d.properties[kind], object{"enum": []any{value}})
	d.required = append(d.required, kind)
	name := mapping[value].(string)
	return g.document.Components[name[strings.LastIndexByte(name, '/')+1:]]
}

func (d *demand) add(s object) {
	d.scalars = append(d.scalars, s)
	switch t := s["type"].(type) {
	case string:
		d.restrict([]any{t, map[bool]string{true: "null"}[s["nullable"] == true]})
	case []any:
		d.restrict(t)
	}
	if list, ok := s["enum"].([]any); ok {
		d.oneOf(list)
	}
	if v, ok := s["const"]; ok && d.document.V31 {
		d.oneOf([]any{v})
	}
	properties, _ := s["properties"].(object)
	for name, child := range properties {
		d.properties[name] = append(d.properties[name], child)
	}
	required, _ := s["required"].([]any)
	for _, name := range required {
		d.required = append(d.required, name.(string))
	}
	if rest, ok := s["additionalProperties"]; ok {
		d.rest, d.closed = append(d.rest, rest), d.closed || rest == false
	}
	d.addItems(s)
	for _, keyword := range []string{"minItems", "minProperties"} {
		if n, ok := s[keyword].(json.Number); ok {
			d.least = max(d.least, int(n[0]-'0'))
		}
	}
}

func (d *demand) addItems(s object) {
	prefix, _ := s["prefixItems"].([]any)
	if !d.document.V31 {
		prefix = nil
	}
	for i, child := range prefix {
		if i == len(d.prefix) {
			d.prefix = append(d.prefix, nil)
		}
		d.prefix[i] = append(d.prefix[i], child)
	}
	if items, ok := s["items"]; ok {
		d.items = append(d.items, items)
	}
	if child, ok := s["contains"]; ok && d.document.V31 {
		d.contains = append(d.contains, child)
	}
}

func (d *demand) restrict(types []any) {
	d.types = slices.DeleteFunc(d.types, func(have string) bool {
		return !slices.ContainsFunc(types, func(t any) bool { return t == have || t == "number" && have == "integer" })
	})
}

func (d *demand) oneOf(values []any) {
	if !d.said {
		d.values, d.said = values, true
	}
}

// unknownNames are names of members that are usually not declared.
var unknownNames = []string{"a", "b", "c", "x-y", "ab", "ä", "unknown", "a b", "ro", "wo", kind, "a/~b"}

func (g *guide) object(d *demand, depth int) *value {
	o := &value{kind: '{'}
	names := slices.Sorted(maps.Keys(d.properties))
	for _, name := range append(names, d.required...) {
		if !slices.Contains(d.required, name) && (depth <= 0 || g.Chance(3)) || slices.Contains(hiddenNames, name) && g.IntN(4) > 0 {
			continue
		}
		o.set(name, g.member(d, name, depth))
	}
	for n := 0; n < 4 && len(o.names) < d.least || depth > 0 && !d.closed && n < 2 && g.Chance(6); n++ {
		name := pick(g.Source, unknownNames)
		o.set(name, g.member(d, name, depth))
	}
	if g.Chance(4) && len(o.names) > 1 {
		last := len(o.names) - 1
		o.names[0], o.names[last], o.items[0], o.items[last] = o.names[last], o.names[0], o.items[last], o.items[0]
	}
	return o
}

func (g *guide) member(d *demand, name string, depth int) *value {
	list := slices.Clone(d.properties[name])
	for _, s := range d.scalars {
		patterns, _ := s["patternProperties"].(object)
		for _, pattern := range sortedNames(patterns) {
			if d.document.V31 && regexp.MustCompile(pattern).MatchString(name) {
				list = append(list, patterns[pattern])
			}
		}
	}
	if len(list) == 0 {
		list = d.rest
	}
	return g.value(list, depth-1)
}

func (g *guide) array(d *demand, depth int) *value {
	list := &value{kind: '['}
	count := d.least
	if depth > 0 {
		count = max(count, g.IntN(4))
	}
	for i := 0; i < count; i++ {
		switch {
		case i < len(d.prefix):
			list.items = append(list.items, g.value(d.prefix[i], depth-1))
		case len(d.contains) > 0 && g.Chance(2):
			list.items = append(list.items, g.value(slices.Concat(d.items, d.contains), depth-1))
		default:
			list.items = append(list.items, g.value(d.items, depth-1))
		}
	}
	return list
}

// text writes a string that satisfies most demands, if one of the known strings does.
func (g *guide) text(d *demand) *value {
	best, most := []string{}, 0
	for _, text := range texts {
		score := 1
		for _, s := range d.scalars {
			score += d.praiseText(s, text)
		}
		if score > most {
			best, most = nil, score
		}
		if score == most {
			best = append(best, text)
		}
	}
	return valueOf(pick(g.Source, best))
}

func (d *demand) praiseText(s object, text string) int {
	n := 0
	length := json.Number(big.NewInt(int64(utf8.RuneCountInString(text))).String())
	if least, ok := s["minLength"].(json.Number); ok && rat(length).Cmp(rat(least)) >= 0 {
		n++
	}
	if most, ok := s["maxLength"].(json.Number); ok && rat(length).Cmp(rat(most)) <= 0 {
		n++
	}
	if pattern, ok := s["pattern"].(string); ok && regexp.MustCompile(pattern).MatchString(text) {
		n++
	}
	if format, ok := s["format"].(string); ok && text == formatExamples[format] {
		n++
	}
	return n
}

var formatExamples = map[string]string{
	"date": "2024-02-29", "date-time": "2024-02-29T12:00:00Z", "ipv4": "127.0.0.1", "uuid": "6de0af45-af45-6de0-45af-e06d45afe06d",
}

// bounds returns the bounds of numbers, where implementations differ most.
func (d *demand) bounds() []string {
	var list []string
	for _, s := range d.scalars {
		for _, keyword := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} {
			if n, ok := s[keyword].(json.Number); ok {
				list = append(list, string(n))
			}
		}
	}
	return list
}

// number writes a number that satisfies most demands, or a bound.
func (g *guide) number(d *demand, typ string) *value {
	if list := d.bounds(); len(list) > 0 && g.Chance(4) {
		return &value{kind: '0', text: pick(g.Source, list)}
	}
	best, most := []string{}, -1
	for _, text := range append(slices.Clone(numbers), bounds...) {
		if typ == "integer" && !rat(json.Number(text)).IsInt() {
			continue
		}
		score := 0
		for _, s := range d.scalars {
			score += praiseNumber(s, rat(json.Number(text)))
		}
		if score > most {
			best, most = nil, score
		}
		if score == most {
			best = append(best, text)
		}
	}
	return &value{kind: '0', text: pick(g.Source, best)}
}

func praiseNumber(s object, n *big.Rat) int {
	score := 0
	for keyword, direction := range map[string]int{"minimum": 1, "maximum": -1, "exclusiveMinimum": 1, "exclusiveMaximum": -1} {
		if bound, ok := s[keyword].(json.Number); ok {
			if order := n.Cmp(rat(bound)) * direction; order > 0 || order == 0 && keyword[0] != 'e' {
				score++
			}
		}
	}
	if of, ok := s["multipleOf"].(json.Number); ok && new(big.Rat).Quo(n, rat(of)).IsInt() {
		score++
	}
	if s["format"] == "int32" && n.IsInt() && n.Num().IsInt64() && int64(int32(n.Num().Int64())) == n.Num().Int64() {
		score++
	}
	return score
}

func rat(n json.Number) *big.Rat {
	r, _ := new(big.Rat).SetString(string(n))
	return r
}

// mutate changes one place of a value.
func (g *guide) mutate(v *value) {
	list := v.all()
	at := list[(g.IntN(256)<<8|g.IntN(256))%len(list)]
	switch at.kind {
	case '{':
		g.mutateObject(at)
	case '[':
		g.mutateArray(at)
	default:
		g.replace(at)
	}
}

// replace replaces a value by another one, usually of the same type.
func (g *guide) replace(v *value) {
	kinds := []byte{v.kind, v.kind, 'n', 'b', '0', '"', '[', '{'}
	*v = value{kind: pick(g.Source, kinds)}
	switch v.kind {
	case 'n':
		v.text = "null"
	case 'b':
		v.text = pick(g.Source, []string{"true", "false"})
	case '0':
		v.text = pick(g.Source, slices.Concat(numbers, bounds))
		if g.Chance(8) {
			v.text = pick(g.Source, []string{"1e400", "-1e-400", "0e5", "-0.0e-0", "1E+2", strings.Repeat("9", 40) + ".5"})
		}
	case '"':
		v.text = pick(g.Source, texts)
	}
}

func (g *guide) mutateObject(v *value) {
	switch g.IntN(5) {
	case 0:
		g.replace(v)
	case 1, 2:
		name := pick(g.Source, unknownNames)
		item := &value{kind: 'n', text: "null"}
		g.replace(item)
		v.set(name, item)
	default:
		if len(v.names) > 0 {
			v.remove(g.IntN(len(v.names)))
		}
	}
}

func (g *guide) mutateArray(v *value) {
	switch g.IntN(5) {
	case 0:
		g.replace(v)
	case 1:
		item := &value{kind: 'n', text: "null"}
		g.replace(item)
		v.items = append(v.items, item)
	case 2, 3:
		if len(v.items) > 0 {
			v.items = append(v.items, v.items[g.IntN(len(v.items))].clone())
		}
	default:
		if len(v.items) > 0 {
			v.remove(g.IntN(len(v.items)))
		}
	}
}

// DeepBody returns a random JSON text that is nested levels deep and uses the names of the schemas.
func DeepBody(s *Source, levels int) []byte {
	v := valueOf(json.Number("1"))
	for range levels {
		outer := &value{kind: '{'}
		if s.Chance(4) {
			outer.kind = '['
			outer.items = append(outer.items, v)
		} else {
			outer.set(pick(s, unknownNames[:5]), v)
		}
		for range s.IntN(3) {
			leaf := valueOf(pick(s, []any{nil, true, "a", json.Number("2"), object{}, []any{}}))
			if outer.kind == '[' {
				outer.items = append(outer.items, leaf)
			} else if name := pick(s, unknownNames); !slices.Contains(outer.names, name) {
				outer.set(name, leaf)
			}
		}
		v = outer
	}
	w := speller{Source: s}
	w.value(v)
	return []byte(w.String())
}
