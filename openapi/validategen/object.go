package main

import (
	"errors"
	"fmt"
	"go/types"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// assign writes the lines that read a value of s into target, an addressable field or variable of type t.
func (g *generator) assign(target string, t types.Type, s *schema, d direction) error {
	u := unwrap(t)
	switch {
	case g.mayNotHold(s, u.value):
		g.p("r.Admit()")
	case g.isWhole(s, u.value):
		g.p("if at := r.Offset(); r.Check(%s) {\nr.Rewind(at)", g.literal(s.Schema))
		defer g.p("}")
		s = s.shaped()
	}
	s = g.resolve(s, u.value)
	read, err := g.reader(s, u.value, d)
	if err != nil {
		return err
	}
	if s.nullable && !holdsNull(s, u.value) {
		switch {
		case !s.hasNull():
			g.p("if at := r.Offset(); r.Null() {")
			g.fault(s, "at", "enum", enumText(s))
			g.p("} else {")
		case u.how == optional:
			g.p("if r.Null() {\n%s = %s\n} else {", target, g.null(u))
		default:
			if u.how == bare && !canBeNil(u.value) {
				g.note(s.Pointer, "null is decoded as the zero value of the Go type %s", types.TypeString(u.value, nil))
			}
			g.p("if !r.Null() {")
		}
		defer g.p("}")
	}
	switch {
	case u.how == bare && g.isValue(s, u.value):
		g.p("%s = %s", target, read)
	case u.how == bare:
		g.p("%s(r, &%s)", read, target)
	case u.how == pointer && g.isValue(s, u.value):
		g.p("x := %s\n%s = &x", read, target)
	case u.how == pointer:
		g.p("%s = new(%s)\n%s(r, %s)", target, g.typ(u.value), read, target)
	case g.isValue(s, u.value):
		g.p("%s = %s(%s)", target, g.optionalValue(u), read)
	default:
		g.p("var x %s\n%s(r, &x)\n%s = %s(x)", g.typ(u.value), read, target, g.optionalValue(u))
	}
	return nil
}

// optionalValue returns the function that makes an optional with a value.
func (g *generator) optionalValue(u unwrapped) string {
	return g.useAs(u.pkg.Path(), u.pkg.Name()) + "." + u.ofValue
}

// null returns the expression of an optional that is null.
func (g *generator) null(u unwrapped) string {
	return g.useAs(u.pkg.Path(), u.pkg.Name()) + "." + u.ofNull + "[" + g.typ(u.value) + "]()"
}

// simple returns the expression that reads a value of s into type t. It reports false if t is a pointer, the value may
// be null, or the reader needs a target.
func (g *generator) simple(t types.Type, s *schema, d direction) (string, bool, error) {
	u := unwrap(t)
	if g.isWhole(s, u.value) || g.mayNotHold(s, u.value) {
		return "", false, nil
	}
	s = g.resolve(s, u.value)
	if u.how == bare && g.isValue(s, u.value) && (!s.nullable || holdsNull(s, u.value)) {
		read, err := g.reader(s, u.value, d)
		return read, true, err
	}
	return "", false, nil
}

// isWhole reports whether package validate must check values before they are decoded: the schema requires it, or the
// type accepts any value.
func (g *generator) isWhole(s *schema, t types.Type) bool {
	return !s.judged && !s.isAny() && (s.whole || isInterface(t) || isRaw(t) || isUnion(t) || s.typ == "integer" && jsonType(t) == "number")
}

// mayNotHold reports whether the schema accepts any value, but the Go type does not.
func (g *generator) mayNotHold(s *schema, t types.Type) bool {
	return !s.judged && s.isAny() && !isInterface(t) && !isRaw(t)
}

// resolve returns a schema with a type: if s has none, that of the Go type.
func (g *generator) resolve(s *schema, t types.Type) *schema {
	if isUnion(t) && s.typ == "object" || s.typ != "" && !(s.typ == "integer" && jsonType(t) == "number") || isInterface(t) || isRaw(t) {
		return s
	}
	c := *s
	c.judged, c.typ, c.nullable = true, jsonType(t), s.takesNull()
	if c.typ == "array" && c.items == nil {
		c.items = s.contract.schema(nil)
	}
	key := fmt.Sprintf("%p %s", s, c.typ)
	if g.resolved[key] == nil {
		g.resolved[key] = &c
	}
	return g.resolved[key]
}

// jsonType returns the JSON type that a Go type represents, "" if that is not known.
func jsonType(t types.Type) string {
	if hasMethod(t, "UnmarshalText", "func([]byte) error") {
		return "string"
	}
	switch u := t.Underlying().(type) {
	case *types.Struct, *types.Map:
		return "object"
	case *types.Slice:
		if isByteSlice(t) {
			return "string"
		}
		return "array"
	case *types.Basic:
		switch {
		case u.Info()&types.IsString != 0:
			return "string"
		case u.Info()&types.IsBoolean != 0:
			return "boolean"
		case u.Info()&types.IsInteger != 0:
			return "integer"
		case u.Info()&types.IsFloat != 0:
			return "number"
		}
	}
	return ""
}

func isInterface(t types.Type) bool {
	i, ok := t.Underlying().(*types.Interface)
	return ok && i.Empty()
}

// isRaw reports whether t is [json.RawMessage].
func isRaw(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "encoding/json" && n.Obj().Name() == "RawMessage"
}

// isUnion reports whether t is oapi-codegen's type for oneOf and anyOf: a struct that keeps the JSON.
func isUnion(t types.Type) bool {
	s, ok := t.Underlying().(*types.Struct)
	if !ok || !hasMethod(t, "UnmarshalJSON", "func([]byte) error") {
		return false
	}
	for f := range s.Fields() {
		if f.Name() == "union" && isRaw(f.Type()) {
			return true
		}
	}
	return false
}

// canBeNil reports whether the zero value of a Go type represents null alone.
func canBeNil(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Slice, *types.Map:
		return true
	}
	return false
}

// holdsNull reports whether the reader of the Go type accepts null.
func holdsNull(s *schema, t types.Type) bool {
	return isInterface(t) || isRaw(t) || isUnion(t) && s.judged
}

// member is a property with its field.
type member struct {
	*property
	field      *field // nil if the Go type has none
	required   bool
	refused    string // the keyword that excludes it in this direction, "" for none
	undeclared bool   // in required, but not in properties
}

// object is an object schema with its Go type.
type object struct {
	*schema
	typ         types.Type
	members     []member
	mapValue    types.Type // of additional properties, nil if the Go type drops them
	mapTarget   string
	isMap       bool
	dir         direction
	certain     bool                   // the first member is always written
	ignores     string                 // the function that reports whether a member is ignored
	loose       bool                   // additional properties are checked and dropped
	shared      map[string]*allocation // by member, for those that share an allocation
	allocations []*allocation
}

// object matches an object schema with a Go type: each property needs a field, each field a property.
func (g *generator) object(s *schema, t types.Type, d direction) (*object, error) {
	o := &object{schema: s, typ: t, dir: d}
	switch u := t.Underlying().(type) {
	case *types.Map:
		if b, ok := u.Key().Underlying().(*types.Basic); !ok || b.Kind() != types.String {
			return nil, s.typeError(t)
		}
		o.isMap, o.mapValue, o.mapTarget = true, u.Elem(), "(*v)"
		if err := o.matchMap(); err != nil {
			return nil, err
		}
	case *types.Struct:
		if err := o.match(g, u); err != nil {
			return nil, err
		}
	default:
		return nil, s.typeError(t)
	}
	return o, nil
}

// matchMap makes each property an entry of a map.
func (o *object) matchMap() error {
	for _, p := range o.properties {
		o.members = append(o.members, member{property: p, required: o.isRequired(p.name), refused: p.hidden})
	}
	for _, name := range o.undeclared {
		o.members = append(o.members, o.undeclaredMember(name))
	}
	return nil
}

// undeclaredMember returns a member that required lists and properties does not declare.
func (o *object) undeclaredMember(name string) member {
	p := &property{name: name, schema: o.additional}
	if p.schema == nil {
		p.schema = o.contract.schema(nil)
	}
	return member{property: p, required: true, undeclared: true}
}

func (o *object) match(g *generator, t *types.Struct) error {
	all, additional := fields(t)
	var errs []error
	for _, p := range o.properties {
		m := member{property: p, required: o.isRequired(p.name), refused: p.hidden}
		demanded := m.required || slices.Contains(o.demanded, p.name)
		f, ok := fieldOf(all, p.name)
		switch {
		case ok:
			m.field = &f
			if !demanded && !o.text {
				errs = append(errs, o.twoStates(m))
			}
			if !demanded && !o.text && o.blurs(m) {
				g.note(p.schema.Pointer, "the Go type %s of the member %q is nil for null and for an absent member", types.TypeString(f.typ, nil), m.name)
			}
		case p.schema.Types == 0 || o.judged:
		default:
			errs = append(errs, p.schema.errorf("the Go type %s has no field for the member %q", types.TypeString(o.typ, nil), p.name))
		}
		o.members = append(o.members, m)
	}
	for _, f := range all {
		if o.property(f.member) == nil && !o.judged {
			errs = append(errs, o.errorf("the Go type %s has a field for the member %q, which the schema does not have", types.TypeString(o.typ, nil), f.member))
		}
	}
	for _, name := range o.undeclared {
		o.members = append(o.members, o.undeclaredMember(name))
	}
	if additional != nil {
		m, ok := additional.typ.Underlying().(*types.Map)
		if !ok {
			return errors.Join(append(errs, o.typeError(additional.typ))...)
		}
		o.mapValue, o.mapTarget = m.Elem(), "v."+additional.name
	}
	if o.additional != nil && o.mapValue == nil && !o.judged {
		o.loose = true
	}
	return errors.Join(errs...)
}

// blurs reports whether the Go type of a member accepts any value, but does not distinguish null from absent.
func (o *object) blurs(m member) bool {
	u := unwrap(m.field.typ)
	return m.refused == "" && u.how != optional && isInterface(u.value)
}

// twoStates rejects a member that may be absent or null if the Go type does not distinguish the two.
func (o *object) twoStates(m member) error {
	u := unwrap(m.field.typ)
	if m.refused != "" || u.how == optional || isInterface(u.value) || isUnion(u.value) || !m.schema.takesNull() {
		return nil
	}
	return m.schema.errorf("the member %q may be absent or null, but the Go type %s does not distinguish the two: set nullable-type: true "+
		"in the output-options of oapi-codegen, or give it an x-go-type with three states such as edm.Optional", m.name, types.TypeString(m.field.typ, nil))
}

func (g *generator) objectReader(s *schema, t types.Type, d direction) (string, error) {
	g.nameStruct(s, t)
	return g.function("read", s, t, d, func(name string) error {
		o, err := g.object(s, t, d)
		if err != nil {
			return err
		}
		return g.writeObjectReader(name, o)
	}), nil
}

// nameStruct gives an unnamed struct an alias, to make the code readable.
func (g *generator) nameStruct(s *schema, t types.Type) {
	key := types.TypeString(t, nil)
	if _, ok := t.(*types.Struct); !ok || g.structs[key] != "" {
		return
	}
	text := g.typ(t)
	name := g.unique("struct" + g.title(s))
	g.structs[key] = name
	g.queue = append(g.queue, func() error {
		g.p("// %s is the Go type of %s, which the models do not name.", name, s.Pointer)
		g.p("type %s = %s\n", name, text)
		return nil
	})
}

func (g *generator) writeObjectReader(name string, o *object) error {
	title := strings.TrimPrefix(strings.TrimPrefix(name, "read"), "shape")
	if o.judged {
		title += "Shape"
	}
	members := g.writeMembers(o, title)
	g.shareOptionals(o, title)
	g.p("// %s reads the object %s.", name, o.Pointer)
	if o.IgnoreMembers != nil {
		o.ignores = g.unique("ignore" + title)
	}
	g.p("func %s(r *validate.Reader, v *%s) {", name, g.typ(o.typ))
	if o.isMap {
		g.p("*v = %s{}", g.typ(o.typ))
	}
	if isUnion(o.typ) {
		g.unionStart(o)
	}
	g.p("if !r.Enter('{', %s) {\nreturn\n}", g.want(o.schema))
	for _, group := range o.allocations {
		g.p("var %s *%s", group.variable, group.typeName)
	}
	g.p("o := validate.ObjectReader{%s}", members)
	g.p("for r.Next(&o) {")
	if err := g.memberCases(o); err != nil {
		return err
	}
	g.p("}")
	g.counted(o.schema, "o.Count()", "minProperties", o.MinProperties, "maxProperties", o.MaxProperties)
	g.p("}\n")
	if o.IgnoreMembers != nil {
		g.p("// %s reports whether %s ignores a member.", o.ignores, o.Pointer)
		g.p("func %s(name []byte) bool { return %s.Match(name) }\n", o.ignores, g.pattern(o.IgnoreMembers.Text))
	}
	return nil
}

// writeMembers writes the table of the members and returns the field of [validate.ObjectReader] that refers to it.
func (g *generator) writeMembers(o *object, title string) string {
	if len(o.members) == 0 {
		return ""
	}
	name := g.unique("members" + title)
	g.p("// %s are the members of %s, in the document's order.", name, o.Pointer)
	g.p("var %s = validate.MembersOf([]validate.Member{", name)
	for _, m := range o.members {
		switch {
		case !m.required || m.refused != "":
			g.p("{Name: %q},", m.name)
		case m.undeclared:
			g.p("{Name: %q, Required: %s},", m.name, g.expected(validate.Expected{}))
		default:
			g.p("{Name: %q, Required: %s},", m.name, g.want(m.schema))
		}
	}
	g.p("})\n")
	return "Members: " + name
}

// readsMap reports whether undeclared members go into a map.
func (o *object) readsMap() bool { return o.mapValue != nil && !o.closed }

// memberCases writes the lines that read one member.
func (g *generator) memberCases(o *object) error {
	if len(o.members) == 0 {
		return g.otherMember(o)
	}
	g.p("switch o.Index {")
	var errs []error
	for i, m := range o.members {
		g.p("case %d: // %s", i, strings.Map(oneLine, m.name))
		errs = append(errs, g.memberCase(o, m))
	}
	g.p("default:")
	errs = append(errs, g.otherMember(o))
	g.p("}")
	return errors.Join(errs...)
}

// oneLine replaces the characters that would end a line comment.
func oneLine(r rune) rune {
	if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\uFEFF' {
		return ' '
	}
	return r
}

func (g *generator) memberCase(o *object, m member) error {
	switch {
	case m.refused != "":
		g.p("r.Fault(r.Offset(), %q, \"\", %s)\nr.Skip()", m.refused, g.want(m.schema))
		return nil
	case m.undeclared && o.closed:
		g.p("r.Fault(r.Offset(), \"additionalProperties\", \"\", %s)\nr.Skip()", g.want(o.schema))
		return nil
	case o.shared[m.name] != nil:
		return g.assignOptional(o, m, o.shared[m.name])
	case m.field != nil:
		return g.assign("v."+m.field.name, m.field.typ, m.schema, o.dir)
	case o.mapValue != nil:
		return g.mapEntry(o, quote(m.name), m.schema)
	}
	g.skip(m.schema)
	return nil
}

// skip writes the lines that read a value for which the Go type has no place.
func (g *generator) skip(s *schema) {
	if s.isAny() || s.judged {
		g.p("r.Skip()")
		return
	}
	g.p("r.Check(%s)", g.literal(s.Schema))
}

// otherMember writes the lines that read an undeclared member.
func (g *generator) otherMember(o *object) error {
	if o.IgnoreMembers != nil {
		g.p("if %s(r.Name()) {\nr.Ignored(&o, %d)\ncontinue\n}", o.ignores, o.IgnoreMaxDepth)
	}
	switch {
	case o.closed:
		g.p("r.Unknown(&o, %s)", g.want(o.schema))
	case o.readsMap():
		return g.mapMember(o)
	case o.loose:
		g.p("r.Checked(&o, %s)", g.literal(o.additional.Schema))
	default:
		g.p("r.Free(&o)")
	}
	return nil
}

func (g *generator) mapMember(o *object) error {
	s := o.additional
	if s == nil {
		s = o.contract.schema(nil)
	}
	g.p("name := string(r.Name())")
	g.p("if _, ok := %s[%s]; ok {\nr.Duplicate()\nreturn\n}", o.mapTarget, g.mapKey(o, "name"))
	return g.mapEntry(o, "name", s)
}

func (g *generator) mapKey(o *object, name string) string {
	if m, ok := o.typ.Underlying().(*types.Map); ok && !types.Identical(m.Key(), types.Typ[types.String]) {
		return g.typ(m.Key()) + "(" + name + ")"
	}
	return name
}

func (g *generator) mapEntry(o *object, name string, s *schema) error {
	if !o.isMap {
		g.p("if %s == nil {\n%[1]s = map[string]%s{}\n}", o.mapTarget, g.typ(o.mapValue))
	}
	entry := fmt.Sprintf("%s[%s]", o.mapTarget, g.mapKey(o, name))
	if read, ok, err := g.simple(o.mapValue, s, o.dir); ok || err != nil {
		g.p("%s = %s", entry, read)
		return err
	}
	g.p("var value %s", g.typ(o.mapValue))
	if err := g.assign("value", o.mapValue, s, o.dir); err != nil {
		return err
	}
	g.p("%s = value", entry)
	return nil
}

// unionStart writes the lines that keep the JSON of a union and rewind. The lines after them read the fields, by their
// exact names.
func (g *generator) unionStart(o *object) {
	g.p("at := r.Offset()\nr.Skip()")
	g.p("if v.UnmarshalJSON(r.Since(at)) != nil {\nr.Fault(at, \"type\", \"\", %s)\nreturn\n}", g.want(o.schema))
	g.p("var none %s", g.typ(o.typ))
	for _, m := range o.members {
		if m.field != nil {
			g.p("v.%s = none.%[1]s", m.field.name)
		}
	}
	g.p("r.Rewind(at)")
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
		g.p("// %s reads the array %s.", name, s.Pointer)
		g.p("func %s(r *validate.Reader, v *%s) {", name, g.typ(t))
		g.p("*v = %s{}", g.typ(t))
		g.p("if !r.Enter('[', %s) {\nreturn\n}", g.want(s))
		first := firstItems(slice.Elem())
		if first > 0 {
			g.p("var first [%d]%s", first, g.typ(slice.Elem()))
		}
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
		if first > 0 {
			g.p("if n < len(first) {\nfirst[n] = %s\ncontinue\n}", read)
			g.p("if n == len(first) {\n*v = append(*v, first[:]...)\n}")
		}
		g.p("*v = append(*v, %s)\n}", read)
		if first > 0 {
			g.p("if n <= len(first) {\n*v = append(*v, first[:n]...)\n}")
		}
		g.counted(s, "n", "minItems", s.MinItems, "maxItems", s.MaxItems)
		g.p("}\n")
		return nil
	}), nil
}

func (g *generator) anyReader(s *schema, t types.Type) (string, error) {
	switch {
	case isInterface(t):
		return "r.Any()", nil
	case isRaw(t):
		return "r.Raw()", nil
	}
	return "", s.typeError(t)
}

// unionReader returns the function that reads a checked value into a union: it keeps the JSON and reads the union's
// fields.
func (g *generator) unionReader(s *schema, t types.Type, d direction) (string, error) {
	all, _ := fields(t.Underlying().(*types.Struct))
	if len(all) > 0 && s.typ == "object" {
		return g.objectReader(s, t, d)
	}
	return g.function("read", s, t, d, func(name string) error {
		g.p("// %s keeps the JSON of %s.", name, s.Pointer)
		g.p("func %s(r *validate.Reader, v *%s) {", name, g.typ(t))
		g.p("at := r.Offset()\nr.Skip()")
		g.p("if v.UnmarshalJSON(r.Since(at)) != nil {\nr.Fault(at, \"type\", \"\", %s)\n}\n}\n", g.want(s))
		return nil
	}), nil
}
