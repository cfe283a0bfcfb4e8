package main

import (
	"fmt"
	"go/types"
	"strings"
)

// encode writes the lines that append value, an expression of type t, to b.
func (g *generator) encode(value string, t types.Type, s *schema, d direction) error {
	switch u := unwrap(t); u.how {
	case pointer:
		g.p("if %s == nil {\nb = append(b, \"null\"...)\n} else {", value)
		if err := g.encodeValue("(*"+value+")", u.value, s, d); err != nil {
			return err
		}
		g.p("}")
		return nil
	case optional:
		g.p("if x, %s := %s.Get(); %s {", u.found(), value, map[string]string{"ok": "ok", "err": "err == nil"}[u.found()])
		if err := g.encodeValue("x", u.value, s, d); err != nil {
			return err
		}
		g.p("} else {\nb = append(b, \"null\"...)\n}")
		return nil
	}
	return g.encodeValue(value, types.Unalias(t), s, d)
}

func (g *generator) encodeValue(value string, t types.Type, s *schema, d direction) error {
	if s.whole {
		s = s.shaped()
	}
	s = g.resolve(s, t)
	switch {
	case isInterface(t), isRaw(t), isUnion(t):
		g.p("b = validate.AppendAny(b, %s)", value)
		return nil
	}
	switch s.typ {
	case "string":
		return g.encodeString(value, t, s)
	case "integer", "number":
		return g.encodeNumber(value, t, s)
	case "boolean":
		g.p("b = %s.AppendBool(b, %s)", g.use("strconv"), convertBack(value, t, types.Bool))
	case "object", "array":
		name, err := g.appender(s, t, d)
		if err != nil {
			return err
		}
		g.p("b = %s(b, &%s)", name, strings.TrimPrefix(value, "&"))
	default:
		return s.typeError(t)
	}
	return nil
}

func (g *generator) encodeNumber(value string, t types.Type, s *schema) error {
	basic, ok := t.Underlying().(*types.Basic)
	switch {
	case isBig(t):
		g.p("b = %s.Append(b, 10)", value)
	case !ok:
		return s.typeError(t)
	case isNumberText(t):
		g.p("b = validate.AppendAny(b, %s)", value)
	case basic.Info()&types.IsUnsigned != 0:
		g.p("b = %s.AppendUint(b, %s, 10)", g.use("strconv"), convertBack(value, t, types.Uint64))
	case basic.Info()&types.IsInteger != 0:
		g.p("b = %s.AppendInt(b, %s, 10)", g.use("strconv"), convertBack(value, t, types.Int64))
	case basic.Kind() == types.Float32:
		g.p("b = validate.AppendFloat(b, %s, 32)", convertBack(value, t, types.Float64))
	default:
		g.p("b = validate.AppendFloat(b, %s, 64)", convertBack(value, t, types.Float64))
	}
	return nil
}

// isNumberText reports whether t is [json.Number].
func isNumberText(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "encoding/json" && n.Obj().Name() == "Number"
}

func (g *generator) encodeString(value string, t types.Type, s *schema) error {
	basic, isBasic := t.Underlying().(*types.Basic)
	switch {
	case s.Format == "byte" && isByteSlice(t):
		g.p("b = validate.AppendBase64(b, %s)", value)
	case appendsText(t), hasMethod(t, "MarshalText", "func() ([]byte, error)"):
		g.p("b = %s(b, %s)", g.textAppender(t), value)
	case isBasic && basic.Kind() == types.String:
		g.p("b = validate.AppendString(b, %s)", convertBack(value, t, types.String))
	default:
		return s.typeError(t)
	}
	return nil
}

// appendsText reports whether AppendText is t's own text form. A struct may get it from an embedded type but have its own
// MarshalText with another result, as oapi-codegen's Date does.
func appendsText(t types.Type) bool {
	if !hasMethod(t, "AppendText", "func([]byte) ([]byte, error)") {
		return false
	}
	marshal := methodDepth(t, "MarshalText")
	return marshal < 0 || methodDepth(t, "AppendText") <= marshal
}

// textAppender returns the function that appends the text of a type.
func (g *generator) textAppender(t types.Type) string {
	key := types.TypeString(t, nil)
	if name, ok := g.texts[key]; ok {
		return name
	}
	text := g.typ(t)
	name := g.unique("append" + exported(text) + "Text")
	g.texts[key] = name
	g.queue = append(g.queue, func() error {
		g.p("// %s appends the text of v as a JSON string, empty if v has none.", name)
		g.p("func %s(b []byte, v %s) []byte {", name, g.typ(t))
		if appendsText(t) {
			g.p("start := len(b)\nt, err := v.AppendText(append(b, '\"'))\nif err != nil {\nreturn append(b, `\"\"`...)\n}\nreturn validate.CloseString(t, start)\n}\n")
			return nil
		}
		g.p("text, err := v.MarshalText()\nif err != nil {\nreturn append(b, `\"\"`...)\n}\nreturn validate.AppendString(b, string(text))\n}\n")
		return nil
	})
	return name
}

// appender returns the function that appends an object or array.
func (g *generator) appender(s *schema, t types.Type, d direction) (string, error) {
	if s.typ == "array" {
		slice, ok := t.Underlying().(*types.Slice)
		if !ok {
			return "", s.typeError(t)
		}
		return g.function("append", s, t, d, func(name string) error { return g.writeArrayAppender(name, s, t, slice, d) }), nil
	}
	return g.function("append", s, t, d, func(name string) error {
		o, err := g.object(s, t, d)
		if err != nil {
			return err
		}
		return g.writeObjectAppender(name, o)
	}), nil
}

func (g *generator) writeArrayAppender(name string, s *schema, t types.Type, slice *types.Slice, d direction) error {
	g.p("// %s appends the array %s.", name, s.Pointer)
	g.p("func %s(b []byte, v *%s) []byte {", name, g.typ(t))
	if s.nullable {
		g.p("if *v == nil {\nreturn append(b, \"null\"...)\n}")
	}
	g.p("b = append(b, '[')\nfor i := range *v {\nif i > 0 {\nb = append(b, ',')\n}")
	if err := g.encode("(*v)[i]", slice.Elem(), s.items, d); err != nil {
		return err
	}
	g.p("}\nreturn append(b, ']')\n}\n")
	return nil
}

func (g *generator) writeObjectAppender(name string, o *object) error {
	g.p("// %s appends the object %s.", name, o.Pointer)
	g.p("func %s(b []byte, v *%s) []byte {", name, g.typ(o.typ))
	if o.isMap && o.nullable {
		g.p("if *v == nil {\nreturn append(b, \"null\"...)\n}")
	}
	// If the first member is optional, each member starts with a comma, and the first comma becomes the brace.
	opened := false
	for _, m := range o.members {
		if m.refused != "" || m.field == nil {
			continue
		}
		conditions := g.omitted("v."+m.field.name, *m.field)
		separator := ","
		switch {
		case opened:
		case len(conditions) == 0:
			separator = "{"
		default:
			g.p("start := len(b)")
		}
		first := !opened
		opened = true
		if len(conditions) > 0 {
			g.p("if %s {", strings.Join(conditions, " && "))
		}
		g.p("b = append(b, %s...)", quote(separator+jsonText(m.name)+":"))
		if err := g.encode("v."+m.field.name, m.field.typ, m.schema, o.dir); err != nil {
			return err
		}
		if len(conditions) > 0 {
			g.p("}")
		}
		if first {
			o.certain = len(conditions) == 0
		}
	}
	if !opened {
		g.p("start := len(b)")
	}
	if o.readsMap() {
		if err := g.appendMap(o); err != nil {
			return err
		}
	}
	if !o.certain {
		g.p("if len(b) == start {\nreturn append(b, \"{}\"...)\n}")
		g.p("b[start] = '{'")
	}
	g.p("return append(b, '}')\n}\n")
	return nil
}

// appendMap writes the lines that append additional properties, sorted by name like encoding/json.
func (g *generator) appendMap(o *object) error {
	s := o.additional
	if s == nil {
		s = o.contract.schema(nil)
	}
	name := "name"
	if m, ok := o.typ.Underlying().(*types.Map); ok {
		name = convertBack(name, types.Unalias(m.Key()), types.String)
	}
	g.p("for _, name := range %s.Sorted(%s.Keys(%s)) {", g.use("slices"), g.use("maps"), strings.Trim(o.mapTarget, "()"))
	g.p("b = append(validate.AppendString(append(b, ','), %s), ':')\nvalue := %s[name]", name, o.mapTarget)
	if err := g.encode("value", o.mapValue, s, o.dir); err != nil {
		return err
	}
	g.p("}")
	return nil
}

// omitted returns the conditions for writing a field, as encoding/json derives them from the tag.
func (g *generator) omitted(value string, f field) []string {
	var all []string
	under := types.Unalias(f.typ).Underlying()
	basic, isBasic := under.(*types.Basic)
	_, isPointer := under.(*types.Pointer)
	_, isSlice := under.(*types.Slice)
	_, isMap := under.(*types.Map)
	_, isInterface := under.(*types.Interface)
	if f.omitEmpty && (isSlice || isMap) {
		return []string{"len(" + value + ") > 0"}
	}
	if f.omitZero && hasMethod(f.typ, "IsZero", "func() bool") && !isPointer {
		all = append(all, "!"+value+".IsZero()")
	} else if f.omitZero && !isBasic && types.Comparable(f.typ) && !isPointer && !isInterface {
		all = append(all, fmt.Sprintf("%s != (%s{})", value, g.typ(f.typ)))
	}
	if !f.omitEmpty && !f.omitZero {
		return all
	}
	switch {
	case isPointer, isInterface, isSlice, isMap:
		all = append(all, value+" != nil")
	case isBasic && basic.Info()&types.IsBoolean != 0:
		all = append(all, "bool("+value+")")
	case isBasic && basic.Info()&types.IsString != 0:
		all = append(all, value+" != \"\"")
	case isBasic:
		all = append(all, value+" != 0")
	}
	return all
}
