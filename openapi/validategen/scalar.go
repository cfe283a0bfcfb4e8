package main

import (
	"fmt"
	"go/types"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate/ecma"
)

// isValue reports whether an expression reads a value of the schema: all except objects, arrays and unions.
func (g *generator) isValue(s *schema, t types.Type) bool {
	if isInterface(t) || isRaw(t) {
		return true
	}
	return s.typ != "object" && s.typ != "array" && !isUnion(t)
}

// reader returns code that reads a value of a schema into a type: for an object, array or union a function that takes a
// pointer to it, for other values an expression.
func (g *generator) reader(s *schema, t types.Type, d direction) (string, error) {
	write := g.writeStringReader
	switch {
	case isInterface(t), isRaw(t):
		return g.anyReader(s, t)
	case isUnion(t):
		return g.unionReader(s, t, d)
	}
	switch s.typ {
	case "string":
		if s.isFree() && types.Identical(t, types.Typ[types.String]) {
			return "r.AnyString(" + g.want(s) + ")", nil
		}
	case "integer", "number":
		write = g.writeNumberReader
	case "boolean":
		if s.Enum == nil && types.Identical(t, types.Typ[types.Bool]) {
			return "r.Boolean(" + g.want(s) + ")", nil
		}
		write = g.writeBooleanReader
	case "object":
		return g.objectReader(s, t, d)
	case "array":
		return g.arrayReader(s, t, d)
	default:
		return "", s.typeError(t)
	}
	return g.function("read", s, t, d, func(name string) error { return write(name, s, t) }) + "(r)", nil
}

// isFree reports whether every string is valid.
func (s *schema) isFree() bool {
	return (s.Format == "" || validate.FormatOf(s.Format) == nil) && s.Enum == nil && s.Patterns == nil &&
		s.MinLength == nil && s.MaxLength == nil && s.MaxBytes == nil
}

// checker returns the function that checks a string or the literal of a number, and converts it.
func (g *generator) checker(s *schema, t types.Type) string {
	write := g.writeStringChecker
	if s.typ != "string" {
		write = g.writeNumberChecker
	}
	return g.function("check", s, t, request, func(name string) error { return write(name, s, t) })
}

func (g *generator) writeStringReader(name string, s *schema, t types.Type) error {
	g.p("// %s reads the string %s.", name, s.Pointer)
	g.p("func %s(r *validate.Reader) %s {", name, g.typ(t))
	if method := s.directReader(t); method != "" {
		g.p("if v, ok := r.%s(); ok {\nreturn v\n}", method)
	}
	g.p("at := r.Offset()")
	g.p("if s, ok := r.String(%s); ok {", g.want(s))
	g.p("return %s(r, at, s)", g.checker(s, t))
	g.p("}\nvar none %s\nreturn none\n}\n", g.typ(t))
	return nil
}

// directReader returns the method of [validate.Reader] that checks and decodes most strings of the format; "" if there is
// none for the schema and the type.
func (s *schema) directReader(t types.Type) string {
	if s.Enum != nil || s.MinLength != nil || s.MaxLength != nil || s.MaxBytes != nil ||
		slices.ContainsFunc(s.Patterns, func(p *validate.Pattern) bool { return !implied(s.Format, p.Text) }) {
		return ""
	}
	return directReaders[[2]string{s.Format, types.TypeString(t, nil)}]
}

// directReaders are the methods of [validate.Reader] by format and type. Those for 16 bytes have the order of a UUID's text.
var directReaders = map[[2]string]string{
	{"uuid", "github.com/pfxrecryption/pfxrecryption/openapi/edm.Guid"}: "UUID",
	{"uuid", "github.com/google/uuid.UUID"}:                             "UUID",
	{"date-time", "time.Time"}:                                          "DateTime",
}

func (g *generator) writeNumberReader(name string, s *schema, t types.Type) error {
	g.p("// %s reads the number %s.", name, s.Pointer)
	g.p("func %s(r *validate.Reader) %s {", name, g.typ(t))
	g.p("at := r.Offset()")
	g.p("if lit, ok := r.Number(%s); ok {", g.want(s))
	g.p("return %s(r, at, lit)", g.checker(s, t))
	g.p("}\nvar none %s\nreturn none\n}\n", g.typ(t))
	return nil
}

func (g *generator) writeBooleanReader(name string, s *schema, t types.Type) error {
	if b, ok := t.Underlying().(*types.Basic); !ok || b.Kind() != types.Bool {
		return s.typeError(t)
	}
	g.p("// %s reads the boolean %s.", name, s.Pointer)
	g.p("func %s(r *validate.Reader) %s {", name, g.typ(t))
	if s.Enum == nil {
		g.p("return %s\n}\n", g.convert("r.Boolean("+g.want(s)+")", types.Bool, t))
		return nil
	}
	g.p("at, first := r.Offset(), r.Peek()")
	g.p("v := r.Boolean(%s)", g.want(s))
	tests := []string{"(first == 't' || first == 'f')"}
	for _, v := range s.values() {
		tests = append(tests, "v != "+v)
	}
	g.p("if %s {", strings.Join(tests, " && "))
	g.fault(s, "at", "enum", enumText(s))
	g.p("}\nreturn %s\n}\n", g.convert("v", types.Bool, t))
	return nil
}

// convert returns expr converted from a basic type, or expr if the types are identical.
func (g *generator) convert(expr string, from types.BasicKind, to types.Type) string {
	if types.Identical(types.Typ[from], to) {
		return expr
	}
	return g.typ(to) + "(" + expr + ")"
}

// convertBack returns expr converted to a basic type, or expr if the types are identical.
func convertBack(expr string, from types.Type, to types.BasicKind) string {
	if types.Identical(from, types.Typ[to]) {
		return expr
	}
	return types.Typ[to].Name() + "(" + expr + ")"
}

// typeError returns the error for a Go type that cannot represent the values of the schema.
func (s *schema) typeError(t types.Type) error {
	return s.errorf("the Go type %s is not supported for a value of type %q and format %q", types.TypeString(t, nil), s.typ, s.Format)
}

// fault writes the line that records a fault.
func (g *generator) fault(s *schema, at, keyword, value string) {
	g.p("r.Fault(%s, %q, %s, %s)", at, keyword, quote(value), g.want(s))
}

// quote writes a string literal, raw where that is easier to read.
func quote(s string) string {
	if strconv.CanBackquote(s) && strings.ContainsAny(s, `"\`) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

func (g *generator) writeStringChecker(name string, s *schema, t types.Type) error {
	g.p("// %s checks the string %s.", name, s.Pointer)
	g.p("func %s(r *validate.Reader, at int, s string) %s {", name, g.typ(t))
	if s.MinLength != nil && *s.MinLength > 0 {
		g.p("if validate.Shorter(s, %d) {", *s.MinLength)
		g.fault(s, "at", "minLength", strconv.Itoa(*s.MinLength))
		g.p("}")
	}
	if s.MaxLength != nil {
		g.p("if validate.Longer(s, %d) {", *s.MaxLength)
		g.fault(s, "at", "maxLength", strconv.Itoa(*s.MaxLength))
		g.p("}")
	}
	if s.MaxBytes != nil {
		g.p("if len(s) > %d {", *s.MaxBytes)
		g.fault(s, "at", "x-maxBytes", strconv.Itoa(*s.MaxBytes))
		g.p("}")
	}
	for _, pattern := range s.Patterns {
		p := pattern.Text
		if implied(s.Format, p) {
			g.p("// The format %s implies the pattern %s", s.Format, strconv.Quote(p))
			continue
		}
		g.p("if !%s.MatchString(s) {", g.pattern(p))
		g.fault(s, "at", "pattern", jsonText(p))
		g.p("}")
	}
	if s.Enum != nil {
		if values := s.values(); len(values) > 0 {
			g.p("switch s {\ncase %s:\ndefault:", strings.Join(goStrings(values), ", "))
			g.fault(s, "at", "enum", enumText(s))
			g.p("}")
		} else {
			g.fault(s, "at", "enum", enumText(s))
		}
	}
	if err := g.convertString(s, t); err != nil {
		return err
	}
	g.p("}\n")
	return nil
}

// goStrings writes JSON strings as Go strings.
func goStrings(values []string) []string {
	var out []string
	for _, v := range values {
		if text := strconv.Quote(unquote(v)); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// convertString writes the format's check and the conversion of the string s into t.
func (g *generator) convertString(s *schema, t types.Type) error {
	parse := parseFunction(t)
	if parse != nil && parserFormats[parse.FullName()] == s.Format && s.Format != "" {
		g.parse(parse)
		g.fault(s, "at", "format", "")
		g.p("}\nreturn v")
		return nil
	}
	if s.Format == "byte" && isByteSlice(t) {
		g.p("v, ok := validate.DecodeByte(s)\nif !ok {")
		g.fault(s, "at", "format", "")
		g.p("}\nreturn v")
		return nil
	}
	if validate.FormatOf(s.Format) != nil {
		g.p("if !%s(s) {", g.format(s.Format))
		g.fault(s, "at", "format", "")
		if basic, ok := t.Underlying().(*types.Basic); !ok || basic.Kind() != types.String {
			g.p("var none %s\nreturn none", g.typ(t))
		}
		g.p("}")
	}
	basic, ok := t.Underlying().(*types.Basic)
	switch {
	case ok && basic.Kind() == types.String && !hasMethod(t, "UnmarshalText", "func([]byte) error"):
		g.p("return %s", g.convert("s", types.String, t))
	case parse != nil:
		g.parse(parse)
		g.p("r.Undecodable(at, %s)\n}\nreturn v", g.want(s))
	case hasMethod(t, "UnmarshalText", "func([]byte) error"):
		g.p("var v %s\nif v.UnmarshalText([]byte(s)) != nil {", g.typ(t))
		g.p("r.Undecodable(at, %s)\n}\nreturn v", g.want(s))
	default:
		return s.typeError(t)
	}
	return nil
}

// parse writes the lines that parse the string s. The caller writes what follows for a string that cannot be parsed,
// and the closing brace.
func (g *generator) parse(parse *types.Func) {
	g.p("v, err := %s.%s(s)\nif err != nil {", g.useAs(parse.Pkg().Path(), parse.Pkg().Name()), parse.Name())
}

func isByteSlice(t types.Type) bool {
	slice, ok := t.Underlying().(*types.Slice)
	return ok && types.Identical(slice.Elem().Underlying(), types.Typ[types.Byte])
}

// parserFormats are the functions that accept exactly the strings of a format, so that no other check is needed.
var parserFormats = map[string]string{
	"github.com/pfxrecryption/pfxrecryption/openapi/edm.ParseGuid":           "uuid",
	"github.com/pfxrecryption/pfxrecryption/openapi/edm.ParseDateTimeOffset": "edm-datetimeoffset",
}

// formatPatterns gives, for some formats, a pattern that every string of the format matches.
var formatPatterns = map[string]string{
	"uuid": `^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$`,
	"date": `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`,
	"edm-datetimeoffset": `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]` +
		`(:[0-5][0-9](\.[0-9]{1,12})?)?([Zz]|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)$`,
}

// implied reports whether every string of the format matches the pattern.
func implied(format, pattern string) bool {
	formats, ok := formatPatterns[format]
	return ok && ecma.Implies(formats, pattern)
}

func (g *generator) writeNumberChecker(name string, s *schema, t types.Type) error {
	basic, _ := t.Underlying().(*types.Basic)
	if basic == nil {
		basic = types.Typ[types.Invalid]
	}
	g.p("// %s checks the number %s.", name, s.Pointer)
	g.p("func %s(r *validate.Reader, at int, lit []byte) %s {", name, g.typ(t))
	var err error
	result := ""
	switch {
	case isNumberText(t):
		g.literalChecks(s, t)
		result = g.typ(t) + "(lit)"
	case isBig(t) && s.typ == "integer":
		g.literalChecks(s, t)
		g.p("n, ok := validate.ParseBig(lit)\nif !ok {")
		g.beyond(s)
		g.p("return *n\n}")
		result = "*n"
	case s.typ == "integer" && basic.Info()&types.IsInteger != 0:
		err = g.integerChecks(s, t, basic)
		result = g.convert("n", kindOf(s, basic), t)
	case s.typ == "number" && basic.Info()&types.IsFloat != 0:
		err = g.floatChecks(s, t, basic)
		result = g.convert("n", types.Float64, t)
	default:
		err = s.typeError(t)
	}
	if err != nil {
		return err
	}
	for _, m := range s.MultipleOf {
		g.p("if !%s.Divides(lit) {", g.multiple(m))
		g.fault(s, "at", "multipleOf", m)
		g.p("}")
	}
	g.p("return %s\n}\n", result)
	return nil
}

// literalChecks writes the checks of a number of any size.
func (g *generator) literalChecks(s *schema, t types.Type) {
	if s.typ == "integer" && s.Format != "edm-int32" {
		g.p("if _, whole, _ := validate.ParseInteger(lit); !whole {")
		g.fault(s, "at", "type", "")
		g.p("var none %s\nreturn none\n}", g.typ(t))
	}
	if validate.NumberFormatOf(s.Format) != nil {
		g.p("if !validate.NumberFormatOf(%q)(lit) {", s.Format)
		g.fault(s, "at", "format", "")
		g.p("var none %s\nreturn none\n}", g.typ(t))
	}
	for _, b := range []struct {
		keyword, op string
		bound       *validate.Bound
	}{{"minimum", "<", s.Minimum}, {"maximum", ">", s.Maximum}} {
		if b.bound == nil {
			continue
		}
		op := b.op
		if b.bound.Exclusive {
			op += "="
		}
		g.p("if validate.CompareDecimal(lit, %q) %s 0 {", b.bound.Literal, op)
		g.fault(s, "at", boundKeyword(b.bound, b.keyword), b.bound.Literal)
		g.p("}")
	}
	g.literalEnum(s)
}

func (g *generator) literalEnum(s *schema) {
	if s.Enum == nil {
		return
	}
	tests := []string{"true"}
	for i, v := range s.values() {
		if i == 0 {
			tests = nil
		}
		tests = append(tests, fmt.Sprintf("validate.CompareDecimal(lit, %q) != 0", v))
	}
	g.p("if %s {", strings.Join(tests, " && "))
	g.fault(s, "at", "enum", enumText(s))
	g.p("}")
}

// intBound writes the check of a minimum or a maximum, unless every value from least to most passes it.
func (g *generator) intBound(s *schema, keyword string, b *validate.Bound, least, most *big.Int) {
	if b == nil {
		return
	}
	whole, op := leastInteger(b), "<"
	if keyword == "maximum" {
		whole, op = mostInteger(b), ">"
	}
	if op == "<" && whole.Cmp(least) <= 0 || op == ">" && whole.Cmp(most) >= 0 {
		return
	}
	if whole.Cmp(least) < 0 || whole.Cmp(most) > 0 {
		g.fault(s, "at", boundKeyword(b, keyword), b.Literal) // no value in the range satisfies it
		return
	}
	g.p("if n %s %s {", op, whole)
	g.fault(s, "at", boundKeyword(b, keyword), b.Literal)
	g.p("}")
}

func boundKeyword(b *validate.Bound, keyword string) string {
	if b.Exclusive {
		return map[string]string{"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}[keyword]
	}
	return keyword
}

// intEnum returns the distinct values of an enum that are integers from lo to hi.
func intEnum(s *schema, lo, hi *big.Int) []string {
	var out []string
	for _, v := range s.values() {
		r := rat(v)
		if r.IsInt() && r.Num().Cmp(lo) >= 0 && r.Num().Cmp(hi) <= 0 && !slices.Contains(out, r.Num().String()) {
			out = append(out, r.Num().String())
		}
	}
	return out
}

func (g *generator) floatChecks(s *schema, t types.Type, basic *types.Basic) error {
	size := 64
	if basic.Kind() == types.Float32 || s.Format == "float" {
		size = 32
	}
	if basic.Kind() == types.Float32 && s.Format != "float" {
		g.note(s.Pointer, "the Go type %s rounds the number to 32 bits: give it the format double, or set the default of number to float64 in the "+
			"type-mapping of oapi-codegen", types.TypeString(t, nil))
	}
	g.p("n, ok := validate.ParseFloat(lit, %d)\nif !ok {", size)
	if s.Format == "float" && size == 32 || s.Format == "double" && size == 64 {
		g.fault(s, "at", "format", "")
	} else {
		g.beyond(s)
	}
	g.p("return 0\n}")
	g.floatBound(s, "minimum", s.Minimum, "<", size)
	g.floatBound(s, "maximum", s.Maximum, ">", size)
	g.literalEnum(s)
	return nil
}

// floatBound writes the check of a minimum or a maximum. Rounding keeps the order, so the literals are compared only
// when the rounded values are equal or out of order.
func (g *generator) floatBound(s *schema, keyword string, b *validate.Bound, op string, size int) {
	if b == nil {
		return
	}
	rounded, err := strconv.ParseFloat(b.Literal, size)
	exact := op + " 0"
	if b.Exclusive {
		exact = op + "= 0"
	}
	if err != nil { // no float is this large
		g.p("if validate.CompareDecimal(lit, %q) %s {", b.Literal, exact)
		g.fault(s, "at", boundKeyword(b, keyword), b.Literal)
		g.p("}")
		return
	}
	g.p("if n %s= %s && validate.CompareDecimal(lit, %q) %s {", op, strconv.FormatFloat(rounded, 'g', -1, 64), b.Literal, exact)
	g.fault(s, "at", boundKeyword(b, keyword), b.Literal)
	g.p("}")
}
