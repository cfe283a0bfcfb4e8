package main

import (
	"fmt"
	"go/types"
	"strconv"
	"strings"
)

// bitsPerWord is how many members one word of the set of members that were seen has room for.
const bitsPerWord = 64

// assign writes the lines that read a value of s into target, an addressable field or variable of type t.
func (g *generator) assign(target string, t types.Type, s *schema, d direction) error {
	u := unwrap(t)
	read, err := g.reader(s, u.value, d)
	if err != nil {
		return err
	}
	if s.allowsNull() && !s.untyped {
		if u.how == optional {
			g.p("if r.Null() {\n%s = %s.Null[%s]()\n} else {", target, g.useAs(u.pkg.Path(), u.pkg.Name()), g.typ(u.value))
		} else {
			g.p("if !r.Null() {")
		}
		defer g.p("}")
	}
	switch {
	case u.how == bare && isValue(s):
		g.p("%s = %s", target, read)
	case u.how == bare:
		g.p("%s(r, &%s)", read, target)
	case u.how == pointer && isValue(s):
		g.p("x := %s\n%s = &x", read, target)
	case u.how == pointer:
		g.p("%s = new(%s)\n%s(r, %s)", target, g.typ(u.value), read, target)
	case isValue(s):
		g.p("%s = %s.Value(%s)", target, g.useAs(u.pkg.Path(), u.pkg.Name()), read)
	default:
		g.p("var x %s\n%s(r, &x)\n%s = %s.Value(x)", g.typ(u.value), read, target, g.useAs(u.pkg.Path(), u.pkg.Name()))
	}
	return nil
}

// simple returns the expression that reads a value of s into type t, if there is one: no pointer, no null, no target.
func (g *generator) simple(t types.Type, s *schema, d direction) (string, bool, error) {
	if u := unwrap(t); u.how == bare && isValue(s) && (s.untyped || !s.allowsNull()) {
		read, err := g.reader(s, u.value, d)
		return read, true, err
	}
	return "", false, nil
}

// member is a property with the field that holds it.
type member struct {
	*property
	field    field
	required bool
	refused  string // the keyword that keeps it out of this direction, "" for none
}

// object is an object schema with the Go type that holds it.
type object struct {
	*schema
	typ       types.Type
	members   []member
	mapValue  types.Type // of additional properties, nil if the Go type does not hold them
	mapTarget string
	isMap     bool
	dir       direction
	certain   bool // the first member is always written
}

// object matches an object schema with a Go type: each property has a field, each field has a property.
func (g *generator) object(s *schema, t types.Type, d direction) (*object, error) {
	o := &object{schema: s, typ: t, dir: d}
	switch u := t.Underlying().(type) {
	case *types.Map:
		if b, ok := u.Key().Underlying().(*types.Basic); !ok || b.Kind() != types.String || len(s.properties) > 0 {
			return nil, s.typeError(t)
		}
		o.isMap, o.mapValue, o.mapTarget = true, u.Elem(), "(*v)"
	case *types.Struct:
		if err := o.match(u); err != nil {
			return nil, err
		}
	default:
		return nil, s.typeError(t)
	}
	return o, nil
}

func (o *object) match(t *types.Struct) error {
	all, additional := fields(t)
	for _, p := range o.properties {
		f, ok := fieldOf(all, p.name)
		if !ok {
			return p.schema.node.errorf("the Go type %s has no field for the member %q", types.TypeString(o.typ, nil), p.name)
		}
		m := member{property: p, field: f, required: o.isRequired(p.name)}
		if o.dir == request && p.schema.readOnly {
			m.refused = "readOnly"
		}
		if o.dir == response && p.schema.writeOnly {
			m.refused = "writeOnly"
		}
		o.members = append(o.members, m)
	}
	for _, f := range all {
		if o.property(f.member) == nil {
			return o.node.errorf("the Go type %s has a field for the member %q, which the schema does not have", types.TypeString(o.typ, nil), f.member)
		}
	}
	if additional != nil {
		m, ok := additional.typ.Underlying().(*types.Map)
		if !ok {
			return o.typeError(additional.typ)
		}
		o.mapValue, o.mapTarget = m.Elem(), "v."+additional.name
	}
	if o.additional != nil && o.mapValue == nil {
		return o.node.errorf("the Go type %s has no map for additionalProperties", types.TypeString(o.typ, nil))
	}
	return nil
}

func (g *generator) objectReader(s *schema, t types.Type, d direction) (string, error) {
	o, err := g.object(s, t, d)
	if err != nil {
		return "", err
	}
	g.nameStruct(s, t)
	return g.function("read", s, t, d, func(name string) error { return g.writeObjectReader(name, o) }), nil
}

// nameStruct gives a struct without a name an alias, for the sake of who reads the code.
func (g *generator) nameStruct(s *schema, t types.Type) {
	key := types.TypeString(t, nil)
	if _, ok := t.(*types.Struct); !ok || g.structs[key] != "" {
		return
	}
	text := g.typ(t)
	name := "struct" + g.title(s)
	g.structs[key] = name
	g.queue = append(g.queue, func() error {
		g.p("// %s is the Go type of %s, which the models do not name.", name, s.node.pointer)
		g.p("type %s = %s\n", name, text)
		return nil
	})
}

func (g *generator) writeObjectReader(name string, o *object) error {
	title := strings.TrimPrefix(name, "read")
	names := "names" + title
	if len(o.members) > 0 {
		g.p("// %s are the members of %s, in the document's order.", names, o.node.pointer)
		g.p("var %s = []string{", names)
		for _, m := range o.members {
			g.p("%q,", m.name)
		}
		g.p("}\n")
	} else {
		names = "nil"
	}
	g.p("// %s reads the object %s.", name, o.node.pointer)
	g.p("func %s(r *validate.Reader, v *%s) {", name, g.typ(o.typ))
	if o.isMap {
		g.p("*v = %s{}", g.typ(o.typ))
	}
	g.p("if !r.Enter('{', %s) {\nreturn\n}", g.want(o.schema))
	if len(o.members) > 0 {
		g.p("var seen %s", o.seenType())
	}
	if o.usesNames() {
		g.p("var others validate.NameSet")
	}
	if o.countsIgnored() {
		g.p("ignored := 0")
	}
	if len(o.members) > 0 {
		g.p("n, next := 0, 0")
	} else {
		g.p("n := 0")
	}
	g.p("for ; r.More(n, '}'); n++ {")
	if err := g.memberCases(o, names, title); err != nil {
		return err
	}
	g.p("}")
	g.objectEnd(o)
	g.p("}\n")
	if o.ignore != "" {
		g.p("// ignore%s reports whether %s ignores a member.", title, o.node.pointer)
		g.p("func ignore%s(name []byte) bool { return %s }\n", title, g.pattern(o.ignore, "name", true, true))
	}
	return nil
}

func (o *object) seenType() string {
	if len(o.members) <= bitsPerWord {
		return "uint64"
	}
	return fmt.Sprintf("[%d]uint64", (len(o.members)+bitsPerWord-1)/bitsPerWord)
}

// seen writes the word and the bit of the set of members for an index, which is an expression or a number.
func (o *object) seen(i string) (string, string) {
	if len(o.members) <= bitsPerWord {
		return "seen", "1<<" + i
	}
	if n, err := strconv.Atoi(i); err == nil {
		return fmt.Sprintf("seen[%d]", n/bitsPerWord), fmt.Sprintf("1<<%d", n%bitsPerWord)
	}
	return "seen[" + i + ">>6]", "1<<(" + i + "&63)"
}

// usesNames reports whether members without a field are told apart by a set of names.
func (o *object) usesNames() bool { return o.ignore != "" || o.closed || !o.readsMap() }

// readsMap reports whether members that are not declared go into a map.
func (o *object) readsMap() bool { return o.mapValue != nil && !o.closed }

func (o *object) countsIgnored() bool {
	return o.ignore != "" && (o.minProps != nil || o.maxProps != nil)
}

// memberCases writes what is done with one member.
func (g *generator) memberCases(o *object, names, title string) error {
	if len(o.members) == 0 {
		g.p("r.Member(nil, 0)")
		return g.otherMember(o, title)
	}
	g.p("i := r.Member(%s, next)\nif i < 0 {", names)
	if err := g.otherMember(o, title); err != nil {
		return err
	}
	word, bit := o.seen("i")
	g.p("continue\n}")
	g.p("if %s&(%s) != 0 {\nr.Duplicate()\nreturn\n}", word, bit)
	g.p("%s |= %s", word, bit)
	g.p("next = i + 1\nswitch i {")
	for i, m := range o.members {
		g.p("case %d: // %s", i, m.name)
		if m.refused != "" {
			g.p("r.Fault(r.Offset(), %q, \"\", %s)\nr.Skip()", m.refused, g.want(m.schema))
			continue
		}
		if err := g.assign("v."+m.field.name, m.field.typ, m.schema, o.dir); err != nil {
			return err
		}
	}
	g.p("}")
	return nil
}

// otherMember writes what is done with a member that is not declared.
func (g *generator) otherMember(o *object, title string) error {
	if o.ignore != "" {
		g.p("if ignore%s(r.Name()) {", title)
		if _, ok := o.node.get("x-ignore-maxDepth"); ok {
			g.p("r.Ignored(&others, %d)", o.ignoreDepth)
		} else {
			g.p("r.Free(&others)")
		}
		if o.countsIgnored() {
			g.p("ignored++")
		}
		g.p("continue\n}")
	}
	switch {
	case o.closed:
		g.p("r.Unknown(&others, %s)", g.want(o.schema))
	case o.readsMap():
		return g.mapMember(o)
	default:
		g.p("r.Free(&others)")
	}
	return nil
}

func (g *generator) mapMember(o *object) error {
	s := o.additional
	if s == nil {
		s = &schema{node: o.node, untyped: true, state: built}
	}
	key := "string"
	if m, ok := o.typ.Underlying().(*types.Map); ok {
		key = g.typ(m.Key())
	}
	g.p("name := %s(r.Name())", key)
	g.p("if _, ok := %s[name]; ok {\nr.Duplicate()\nreturn\n}", o.mapTarget)
	if !o.isMap {
		g.p("if %s == nil {\n%[1]s = map[string]%s{}\n}", o.mapTarget, g.typ(o.mapValue))
	}
	if read, ok, err := g.simple(o.mapValue, s, o.dir); ok || err != nil {
		g.p("%s[name] = %s", o.mapTarget, read)
		return err
	}
	g.p("var value %s", g.typ(o.mapValue))
	if err := g.assign("value", o.mapValue, s, o.dir); err != nil {
		return err
	}
	g.p("%s[name] = value", o.mapTarget)
	return nil
}

// objectEnd writes the checks of the object as a whole.
func (g *generator) objectEnd(o *object) {
	var required []int
	for i, m := range o.members {
		if m.required && m.refused == "" {
			required = append(required, i)
		}
	}
	if len(required) > 1 {
		g.p("%s {", o.missingAny(required))
	}
	for _, i := range required {
		word, bit := o.seen(strconv.Itoa(i))
		g.p("if %s&(%s) == 0 {\nr.Missing(%q, %s)\n}", word, bit, o.members[i].name, g.want(o.members[i].schema))
	}
	if len(required) > 1 {
		g.p("}")
	}
	count := "n"
	if o.countsIgnored() {
		count = "n-ignored"
	}
	g.counted(o.schema, count, "minProperties", o.minProps, "maxProperties", o.maxProps)
}

// missingAny writes the one comparison that tells whether a required member is missing.
func (o *object) missingAny(required []int) string {
	words := make([]uint64, (len(o.members)+bitsPerWord-1)/bitsPerWord)
	for _, i := range required {
		words[i/bitsPerWord] |= 1 << (i % bitsPerWord)
	}
	if len(words) == 1 {
		return fmt.Sprintf("if seen&%#x != %#[1]x", words[0])
	}
	var tests []string
	for i, w := range words {
		if w != 0 {
			tests = append(tests, fmt.Sprintf("seen[%d]&%#x != %#[2]x", i, w))
		}
	}
	return "if " + strings.Join(tests, " || ")
}

// counted writes the checks of a number of members or items.
func (g *generator) counted(s *schema, count, least string, lo *int, most string, hi *int) {
	if lo != nil && *lo > 0 {
		g.p("if %s < %d {", count, *lo)
		g.fault(s, "r.Closed()", least, strconv.Itoa(*lo))
		g.p("}")
	}
	if hi != nil {
		g.p("if %s > %d {", count, *hi)
		g.fault(s, "r.Closed()", most, strconv.Itoa(*hi))
		g.p("}")
	}
}

func (g *generator) arrayReader(s *schema, t types.Type, d direction) (string, error) {
	slice, ok := t.Underlying().(*types.Slice)
	if !ok {
		return "", s.typeError(t)
	}
	return g.function("read", s, t, d, func(name string) error {
		g.p("// %s reads the array %s.", name, s.node.pointer)
		g.p("func %s(r *validate.Reader, v *%s) {", name, g.typ(t))
		g.p("*v = %s{}", g.typ(t))
		g.p("if !r.Enter('[', %s) {\nreturn\n}", g.want(s))
		g.p("n := 0\nfor ; r.More(n, ']'); n++ {")
		read, ok, err := g.simple(slice.Elem(), s.items, d)
		if err != nil {
			return err
		}
		if !ok {
			read = "item"
			g.p("var item %s", g.typ(slice.Elem()))
			if err := g.assign(read, slice.Elem(), s.items, d); err != nil {
				return err
			}
		}
		g.p("*v = append(*v, %s)\n}", read)
		g.counted(s, "n", "minItems", s.minItems, "maxItems", s.maxItems)
		g.p("}\n")
		return nil
	}), nil
}

func (g *generator) anyReader(s *schema, t types.Type) (string, error) {
	if i, ok := t.Underlying().(*types.Interface); ok && i.Empty() {
		return "r.Any()", nil
	}
	if n, ok := t.(*types.Named); ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "encoding/json" && n.Obj().Name() == "RawMessage" {
		return "r.Raw()", nil
	}
	return "", s.typeError(t)
}
