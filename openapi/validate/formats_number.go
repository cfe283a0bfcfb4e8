package validate

import (
	"math"
	"strings"
)

// between reports whether a literal is an integer from low to high.
func between(literal []byte, low, high int64) bool {
	n, _, ok := ParseInteger(literal)
	return ok && n >= low && n <= high
}

func isInt8(literal []byte) bool   { return between(literal, math.MinInt8, math.MaxInt8) }
func isInt16(literal []byte) bool  { return between(literal, math.MinInt16, math.MaxInt16) }
func isInt32(literal []byte) bool  { return between(literal, math.MinInt32, math.MaxInt32) }
func isInt64(literal []byte) bool  { return between(literal, math.MinInt64, math.MaxInt64) }
func isUint8(literal []byte) bool  { return between(literal, 0, math.MaxUint8) }
func isUint16(literal []byte) bool { return between(literal, 0, math.MaxUint16) }
func isUint32(literal []byte) bool { return between(literal, 0, math.MaxUint32) }

func isUint64(literal []byte) bool {
	if between(literal, 0, math.MaxInt64) {
		return true
	}
	d := parseDecimal(literal)
	return !d.negative && d.exp >= 0 && CompareDecimal(literal, "18446744073709551615") <= 0
}

// isEdmInt32 reports whether a literal is an Edm.Int32, without fraction and exponent (OData ABNF int32Value).
func isEdmInt32(literal []byte) bool {
	n, ok := ParsePlainInteger(literal)
	return ok && n >= math.MinInt32 && n <= math.MaxInt32
}

func isInt64Text(s string) bool { return isIntegerText(s) && isInt64([]byte(s)) }

func isUint64Text(s string) bool { return isIntegerText(s) && isUint64([]byte(s)) }

// isIntegerText reports whether s is a JSON integer without an exponent.
func isIntegerText(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && digitsEndString(digits, 0) == len(digits) && (digits[0] != '0' || digits == "0")
}

// isFloat reports whether the nearest 32-bit number is finite.
func isFloat(literal []byte) bool {
	_, ok := ParseFloat(literal, 32)
	return ok
}

// isDouble reports whether the nearest 64-bit number is finite.
func isDouble(literal []byte) bool {
	_, ok := ParseFloat(literal, 64)
	return ok
}

// isDoubleInt reports whether a literal is an integer within the range in which float64 holds every integer.
func isDoubleInt(literal []byte) bool { return between(literal, -1<<53+1, 1<<53-1) }

// isDecimal128 reports whether a literal fits into an IEEE 754 decimal128 without rounding.
func isDecimal128(literal []byte) bool {
	const digits, largest, smallest = 34, 6144, -6176
	d := parseDecimal(literal)
	return len(d.digits) == 0 || len(d.digits) <= digits && d.exp+len(d.digits)-1 <= largest && d.exp >= smallest
}

// isDecimal128Text also accepts the special values.
func isDecimal128Text(s string) bool {
	switch s {
	case "NaN", "INF", "-INF":
		return true
	}
	return isDecimal(s) && isDecimal128([]byte(strings.TrimPrefix(s, "+")))
}

// isDecimal reports whether s is an SQL number (ISO/IEC 9075-2, signed numeric literal).
func isDecimal(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	whole := digitsEndString(s, 0)
	end := whole
	if end < len(s) && s[end] == '.' {
		end = digitsEndString(s, end+1)
		if end == 1 {
			return false // only a point
		}
	}
	if end == 0 {
		return false
	}
	return end == len(s) || isExponent(s[end:])
}

func isExponent(s string) bool {
	if s[0]|0x20 != 'e' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && digitsEndString(s, 0) == len(s)
}

// isStructuredInteger reports whether a literal has at most fifteen digits (RFC 8941 §3.3.1).
func isStructuredInteger(literal []byte) bool {
	return between(literal, -999_999_999_999_999, 999_999_999_999_999)
}

// isStructuredDecimal reports whether a literal has at most twelve digits and three decimal places (RFC 8941 §3.3.2).
func isStructuredDecimal(literal []byte) bool {
	d := parseDecimal(literal)
	return d.exp >= -3 && len(d.digits)+d.exp <= 12
}
