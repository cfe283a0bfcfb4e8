package validate

import (
	"bytes"
	"math/big"
	"math/bits"
	"strconv"
)

// Number reads a number and returns its literal. It reports false after a fault.
func (r *Reader) Number(want *Expected) ([]byte, bool) {
	start := r.pos
	if c := r.Peek(); c != '-' && c-'0' > 9 {
		r.wrongType(want)
		return nil, false
	}
	end := numberEnd(r.data, start)
	if end < 0 {
		r.malformed(start)
		return nil, false
	}
	r.pos = end
	return r.data[start:end], true
}

// numberEnd returns the offset after the number at offset i; -1 if there is none (RFC 8259 §6).
func numberEnd(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	first := i
	i = digitsEnd(b, i)
	if i == first {
		return -1
	}
	if b[first] == '0' && i > first+1 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		first = i + 1
		if i = digitsEnd(b, first); i == first {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		first = i
		if i = digitsEnd(b, first); i == first {
			return -1
		}
	}
	return i
}

func digitsEnd(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// isNumber reports whether b is a JSON number.
func isNumber(b []byte) bool { return numberEnd(b, 0) == len(b) }

// ParsePlainInteger returns the value of an integer without fraction and exponent. It reports false for another literal, or
// one beyond 64 bits.
func ParsePlainInteger(lit []byte) (int64, bool) {
	negative := lit[0] == '-'
	digits := lit
	if negative {
		digits = lit[1:]
	}
	var n uint64
	for _, c := range digits {
		d := uint64(c - '0')
		// 2⁶³ has 19 digits: no sum overflows before it exceeds the bound.
		if d > 9 || n > (1<<63)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	switch {
	case negative && n <= 1<<63:
		return -int64(n), true
	case !negative && n < 1<<63:
		return int64(n), true
	}
	return 0, false
}

// ParseInteger returns the value of a literal, which may have a fraction or an exponent; whether that is an integer; and
// whether it fits into 64 bits.
func ParseInteger(lit []byte) (int64, bool, bool) {
	if n, ok := ParsePlainInteger(lit); ok {
		return n, true, true
	}
	d := parseDecimal(lit)
	if d.exp < 0 {
		return 0, false, false
	}
	if len(d.digits)+d.exp > 19 {
		return 0, true, false
	}
	var text [20]byte
	b := text[:0]
	if d.negative {
		b = append(b, '-')
	}
	b = append(b, d.digits...)
	for range d.exp {
		b = append(b, '0')
	}
	if len(d.digits) == 0 {
		return 0, true, true
	}
	n, ok := ParsePlainInteger(b)
	return n, true, ok
}

// ParseUnsigned is [ParseInteger] for unsigned 64-bit integers.
func ParseUnsigned(lit []byte) (uint64, bool, bool) {
	if n, whole, ok := ParseInteger(lit); ok || !whole || lit[0] == '-' {
		return uint64(n), whole, ok && n >= 0
	}
	d := parseDecimal(lit)
	if len(d.digits)+d.exp > len("18446744073709551615") {
		return 0, true, false
	}
	n, err := strconv.ParseUint(string(d.integer()), 10, 64)
	return n, true, err == nil
}

// maxBigDigits limits integers that a short literal can stand for, such as 1e999999999.
const maxBigDigits = 1 << 12

// ParseBig returns the value of an integer literal. It reports false if the value has more than 4096 digits.
func ParseBig(lit []byte) (*big.Int, bool) {
	d := parseDecimal(lit)
	n := new(big.Int)
	if len(d.digits)+d.exp > maxBigDigits {
		return n, false
	}
	if len(d.digits) > 0 {
		n.SetString(string(d.integer()), 10)
	}
	return n, true
}

// integer returns all digits of an integer other than zero.
func (d decimal) integer() []byte {
	b := make([]byte, 0, len(d.digits)+d.exp+1)
	if d.negative {
		b = append(b, '-')
	}
	b = append(b, d.digits...)
	for range d.exp {
		b = append(b, '0')
	}
	return b
}

// ParseFloat returns the value of a literal in 32 or 64 bits. It reports false if the literal is too large.
func ParseFloat(lit []byte, size int) (float64, bool) {
	// If both operands are exact, the quotient is rounded once. An integer has no negative zero.
	if n, places, ok := small(lit); ok && n != 0 {
		switch {
		case size == 64 && n == int64(float64(n)):
			return float64(n) / float64(tens[places]), true
		case size == 32 && n == int64(float32(n)) && places <= 10:
			return float64(float32(n) / float32(tens[places])), true
		}
	}
	f, err := strconv.ParseFloat(string(lit), size)
	return f, err == nil
}

// decimal is an exact number: ±digits·10^exp. The digits neither start nor end with '0'; zero has none.
type decimal struct {
	negative bool
	digits   []byte
	exp      int
}

// hugeExp replaces larger exponents: no literal has enough digits to compensate for it.
const hugeExp = 1 << 40

// parseDecimal parses a JSON number.
func parseDecimal(lit []byte) decimal {
	var d decimal
	if lit[0] == '-' {
		d.negative = true
		lit = lit[1:]
	}
	mantissa := lit
	if i := bytes.IndexAny(lit, "eE"); i >= 0 {
		mantissa = lit[:i]
		d.exp = parseExp(lit[i+1:])
	}
	if whole, fraction, ok := bytes.Cut(mantissa, []byte{'.'}); ok {
		d.exp -= len(fraction)
		mantissa = append(append(make([]byte, 0, len(mantissa)), whole...), fraction...)
	}
	mantissa = bytes.TrimLeft(mantissa, "0")
	d.digits = bytes.TrimRight(mantissa, "0")
	d.exp += len(mantissa) - len(d.digits)
	if len(d.digits) == 0 {
		return decimal{}
	}
	return d
}

func parseExp(b []byte) int {
	sign := 1
	if b[0] == '+' || b[0] == '-' {
		if b[0] == '-' {
			sign = -1
		}
		b = b[1:]
	}
	n := 0
	for _, c := range b {
		if n = n*10 + int(c-'0'); n > hugeExp {
			return sign * hugeExp
		}
	}
	return sign * n
}

// CompareDecimal compares two literals by value and returns -1, 0 or 1.
func CompareDecimal(a []byte, b string) int {
	return parseDecimal(a).compare(parseDecimal([]byte(b)))
}

func (d decimal) compare(e decimal) int {
	switch {
	case d.sign() < e.sign():
		return -1
	case d.sign() > e.sign():
		return 1
	case d.negative:
		return -d.compareSize(e)
	}
	return d.compareSize(e)
}

func (d decimal) sign() int {
	switch {
	case len(d.digits) == 0:
		return 0
	case d.negative:
		return -1
	}
	return 1
}

func (d decimal) compareSize(e decimal) int {
	if m, n := len(d.digits)+d.exp, len(e.digits)+e.exp; m != n && len(d.digits) > 0 && len(e.digits) > 0 {
		if m < n {
			return -1
		}
		return 1
	}
	// The magnitudes are equal, and digits have no trailing zeros.
	return bytes.Compare(d.digits, e.digits)
}

// multipleOf reports whether the literal is a multiple of digits·10^exp, where digits is not a multiple of ten. It uses only
// remainders, so that rounding and large exponents do no harm.
func multipleOf(lit []byte, digits uint64, exp int) bool {
	d := parseDecimal(lit)
	if len(d.digits) == 0 {
		return true
	}
	if d.exp < exp {
		// d.digits·10^-(exp-d.exp) is no integer, because d.digits does not end with zero.
		return false
	}
	var rest uint64
	for _, c := range d.digits {
		hi, lo := bits.Mul64(rest, 10)
		lo, carry := bits.Add64(lo, uint64(c-'0'), 0)
		rest = bits.Rem64(hi+carry, lo, digits)
	}
	return mulMod(rest, powMod(10, uint64(d.exp-exp), digits), digits) == 0
}

func mulMod(a, b, m uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return bits.Rem64(hi, lo, m)
}

func powMod(base, exp, m uint64) uint64 {
	result := 1 % m
	for base %= m; exp > 0; exp >>= 1 {
		if exp&1 == 1 {
			result = mulMod(result, base, m)
		}
		base = mulMod(base, base, m)
	}
	return result
}
