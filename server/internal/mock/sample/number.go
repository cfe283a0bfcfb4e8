package sample

import (
	"math/big"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// span is how many steps to choose from if the schema sets no bound.
const span = 1000

// sizes are the bounds of formats.
var sizes = map[string][2]string{
	"int8": {"-128", "127"}, "int16": {"-32768", "32767"}, "int32": {"-2147483648", "2147483647"}, "edm-int32": {"-2147483648", "2147483647"},
	"int64": {"-9223372036854775808", "9223372036854775807"}, "double-int": {"-9007199254740991", "9007199254740991"},
	"uint8": {"0", "255"}, "uint16": {"0", "65535"}, "uint32": {"0", "4294967295"}, "uint64": {"0", "18446744073709551615"},
	"float": {"-16777216", "16777216"}, "sf-integer": {"-999999999999999", "999999999999999"}, "sf-decimal": {"-999999999999", "999999999999"},
}

// integral are the formats of integers.
var integral = map[string]bool{
	"int8": true, "int16": true, "int32": true, "edm-int32": true, "int64": true, "double-int": true, "uint8": true, "uint16": true, "uint32": true,
	"uint64": true, "sf-integer": true,
}

// limits describe the allowed numbers: multiples of step between two bounds. A nil bound is absent.
type limits struct {
	low, high         *big.Rat
	openLow, openHigh bool
	bounded           bool     // the schema itself, not only its format, has a lower bound
	step              *big.Rat // nil if any number is allowed
}

// number generates a number.
func (t *try) number(d *demand, integer bool) ([]byte, bool) {
	l := limits{}
	for _, s := range d.all {
		l.add(s)
		integer = integer || integral[s.Format]
	}
	if l.low != nil && l.low.Cmp(big.NewRat(-span*span, 1)) < 0 {
		l.bounded = false // it is the range of a type
	}
	if integer {
		l.multiple(big.NewRat(1, 1))
	}
	if l.isEmpty() {
		return nil, false
	}
	finest := 0
	if l.step == nil {
		l.step, finest = big.NewRat(1, 100), 50
	}
	for ; ; finest-- {
		if first, count := l.between(); count.Sign() > 0 {
			n := first.Add(first, big.NewInt(t.random.Int64N(atMost(count))))
			return []byte(decimal(new(big.Rat).Mul(new(big.Rat).SetInt(n), l.step))), true
		}
		if finest <= 0 {
			return nil, false
		}
		l.step.Mul(l.step, big.NewRat(1, 10)) // the bounds are close together
	}
}

// atMost returns a count, bounded to an int64 to choose from.
func atMost(count *big.Int) int64 {
	if count.IsInt64() {
		return count.Int64()
	}
	return span
}

func (l *limits) add(s *validate.Schema) {
	if size, ok := sizes[s.Format]; ok {
		l.atLeast(size[0], false)
		l.atMost(size[1], false)
	}
	if s.Minimum != nil {
		l.bounded = true
		l.atLeast(s.Minimum.Literal, s.Minimum.Exclusive)
	}
	if s.Maximum != nil {
		l.atMost(s.Maximum.Literal, s.Maximum.Exclusive)
	}
	for _, text := range s.MultipleOf {
		if r, ok := new(big.Rat).SetString(text); ok {
			l.multiple(r)
		}
	}
}

func (l *limits) atLeast(literal string, open bool) {
	r, ok := new(big.Rat).SetString(literal)
	if !ok || l.low != nil && (r.Cmp(l.low) < 0 || r.Cmp(l.low) == 0 && !open) {
		return
	}
	l.low, l.openLow = r, open
}

func (l *limits) atMost(literal string, open bool) {
	r, ok := new(big.Rat).SetString(literal)
	if !ok || l.high != nil && (r.Cmp(l.high) > 0 || r.Cmp(l.high) == 0 && !open) {
		return
	}
	l.high, l.openHigh = r, open
}

// isEmpty reports whether no number is within the bounds.
func (l *limits) isEmpty() bool {
	if l.low == nil || l.high == nil {
		return false
	}
	c := l.low.Cmp(l.high)
	return c > 0 || c == 0 && (l.openLow || l.openHigh)
}

// multiple makes step the least common multiple of it and r.
func (l *limits) multiple(r *big.Rat) {
	if l.step == nil {
		l.step = new(big.Rat).Set(r)
		return
	}
	a, b := new(big.Int).Mul(l.step.Num(), r.Denom()), new(big.Int).Mul(r.Num(), l.step.Denom())
	product := new(big.Int).Mul(a, b)
	product.Quo(product, new(big.Int).GCD(nil, nil, a, b))
	l.step = new(big.Rat).SetFrac(product, new(big.Int).Mul(l.step.Denom(), r.Denom()))
}

// between returns the first multiple of step within the bounds, in steps, and how many there are. Without a lower bound in
// the schema itself, numbers are positive if possible.
func (l *limits) between() (first, count *big.Int) {
	positive := l.high == nil || l.high.Cmp(l.step) >= 0 && !(l.openHigh && l.high.Cmp(l.step) == 0)
	switch {
	case !l.bounded && positive && (l.low == nil || l.low.Cmp(l.step) <= 0):
		first = big.NewInt(1)
	case l.low != nil && (l.bounded || l.high == nil || l.high.Sign() >= 0):
		first = ceil(new(big.Rat).Quo(l.low, l.step))
		if l.openLow && l.times(first).Cmp(l.low) == 0 {
			first.Add(first, big.NewInt(1))
		}
	default:
		first = new(big.Int).Sub(l.last(), big.NewInt(span-1))
		if l.low != nil {
			if least := ceil(new(big.Rat).Quo(l.low, l.step)); least.Cmp(first) > 0 {
				first = least
			}
		}
	}
	if l.high == nil {
		return first, big.NewInt(span)
	}
	count = new(big.Int).Sub(l.last(), first)
	count.Add(count, big.NewInt(1))
	if !l.bounded && count.Cmp(big.NewInt(span)) > 0 {
		count.SetInt64(span)
	}
	return first, count
}

// last returns the last multiple of step within the bounds, in steps.
func (l *limits) last() *big.Int {
	last := new(big.Int).Neg(ceil(new(big.Rat).Neg(new(big.Rat).Quo(l.high, l.step))))
	if l.openHigh && l.times(last).Cmp(l.high) == 0 {
		last.Sub(last, big.NewInt(1))
	}
	return last
}

func (l *limits) times(n *big.Int) *big.Rat { return new(big.Rat).Mul(new(big.Rat).SetInt(n), l.step) }

func ceil(r *big.Rat) *big.Int {
	quotient, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return quotient
}

// decimal formats a number with a finite fraction.
func decimal(r *big.Rat) string {
	places, _ := r.FloatPrec()
	return r.FloatString(places)
}
