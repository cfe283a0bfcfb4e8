package main

import (
	"go/types"
	"math/big"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// integerBits gives the bits of Go's integer types, and of the formats with the same names. Package validate does not
// compile where an int has fewer than 64.
var integerBits = map[string]uint{
	"int8": 8, "int16": 16, "int32": 32, "int64": 64, "int": 64, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64, "uint": 64,
	"byte": 8, "rune": 32, "edm-int32": 32,
}

// integerRange returns the least and the greatest integer of a Go type or a format, and false for others.
func integerRange(name string) (least, most *big.Int, ok bool) {
	bits, ok := integerBits[name]
	one := big.NewInt(1)
	switch {
	case !ok:
		return nil, nil, false
	case name[0] == 'u', name == "byte":
		return new(big.Int), new(big.Int).Sub(new(big.Int).Lsh(one, bits), one), true
	}
	half := new(big.Int).Lsh(one, bits-1)
	return new(big.Int).Neg(half), new(big.Int).Sub(half, one), true
}

// kindOf returns the type into which a literal is parsed before it is converted to the Go type.
func kindOf(s *schema, basic *types.Basic) types.BasicKind {
	if s.Format != "edm-int32" && basic.Info()&types.IsUnsigned != 0 {
		return types.Uint64
	}
	return types.Int64
}

// integerChecks writes the checks of an integer whose Go type is a basic integer type.
func (g *generator) integerChecks(s *schema, t types.Type, basic *types.Basic) error {
	least, most, ok := integerRange(basic.Name())
	if !ok {
		return s.typeError(t)
	}
	lo, hi := least, most
	from, to, hasFormat := integerRange(s.Format)
	hasFormat = hasFormat && numberFormats[s.Format]
	if hasFormat {
		lo, hi = larger(lo, from), smaller(hi, to)
	}
	parse := "ParseInteger"
	if kindOf(s, basic) == types.Uint64 {
		parse = "ParseUnsigned"
	}
	condition := "!ok" + beyondText(lo, hi, parse)
	if s.Format == "edm-int32" {
		g.p("n, ok := validate.ParsePlainInteger(lit)")
		condition = "!ok" + beyondText(lo, hi, "")
	} else {
		g.p("n, whole, ok := validate.%s(lit)\nif !whole {", parse)
		g.fault(s, "at", "type", "")
		g.p("return 0\n}")
	}
	g.p("if %s {", condition)
	if hasFormat && lo.Cmp(from) == 0 && hi.Cmp(to) == 0 {
		g.fault(s, "at", "format", "")
	} else {
		g.beyond(s)
	}
	g.p("return 0\n}")
	g.intBound(s, "minimum", s.Minimum, lo, hi)
	g.intBound(s, "maximum", s.Maximum, lo, hi)
	if s.Enum != nil {
		g.enumCheck(s, lo, hi)
	}
	return nil
}

func (g *generator) enumCheck(s *schema, lo, hi *big.Int) {
	values := intEnum(s, lo, hi)
	if len(values) == 0 {
		g.fault(s, "at", "enum", enumText(s))
		return
	}
	g.p("switch n {\ncase %s:\ndefault:", strings.Join(values, ", "))
	g.fault(s, "at", "enum", enumText(s))
	g.p("}")
}

// beyondText returns the comparisons with the bounds that the parsing function does not guarantee.
func beyondText(lo, hi *big.Int, parse string) string {
	least, most := kept(parse)
	text := ""
	if least == nil || lo.Cmp(least) > 0 {
		text += " || n < " + lo.String()
	}
	if most == nil || hi.Cmp(most) < 0 {
		text += " || n > " + hi.String()
	}
	return text
}

// kept returns the bounds that a parsing function guarantees.
func kept(parse string) (least, most *big.Int) {
	name := map[string]string{"ParseInteger": "int64", "ParseUnsigned": "uint64"}[parse]
	least, most, _ = integerRange(name)
	return least, most
}

// leastInteger returns the least integer that satisfies a minimum.
func leastInteger(b *validate.Bound) *big.Int {
	r := rat(b.Literal)
	whole := new(big.Int).Div(r.Num(), r.Denom()) // rounded down
	if !r.IsInt() || b.Exclusive {
		whole.Add(whole, big.NewInt(1))
	}
	return whole
}

// mostInteger returns the greatest integer that satisfies a maximum.
func mostInteger(b *validate.Bound) *big.Int {
	r := rat(b.Literal)
	whole := new(big.Int).Div(r.Num(), r.Denom())
	if r.IsInt() && b.Exclusive {
		whole.Sub(whole, big.NewInt(1))
	}
	return whole
}

func larger(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return b
	}
	return a
}

func smaller(a, b *big.Int) *big.Int {
	if a.Cmp(b) > 0 {
		return b
	}
	return a
}

// beyond writes the line that records the fault of a number outside the Go type's range.
func (g *generator) beyond(s *schema) {
	if s.judged {
		g.fault(s, "at", "format", "")
		return
	}
	g.p("r.Beyond(at, lit, %s)", g.literal(s.Schema))
}

// isBig reports whether t is [big.Int].
func isBig(t types.Type) bool { return types.TypeString(types.Unalias(t), nil) == "math/big.Int" }
