package validate

import (
	"math"
	"math/big"
	"strconv"
	"testing"
)

func TestInteger(t *testing.T) {
	t.Parallel()
	tests := []struct {
		lit         string
		value       int64
		whole, fits bool
	}{
		{"0", 0, true, true}, {"-0", 0, true, true}, {"-0.0", 0, true, true}, {"0e99999999999999999999", 0, true, true},
		{"1.0", 1, true, true}, {"1e2", 100, true, true}, {"-12.50e1", -125, true, true}, {"1.5", 0, false, false},
		{"1e-1", 0, false, false}, {"10e-1", 1, true, true}, {"1e-99999999999999999999", 0, false, false},
		{"9223372036854775807", 1<<63 - 1, true, true}, {"-9223372036854775808", -1 << 63, true, true},
		{"9223372036854775808", 0, true, false}, {"-9223372036854775809", 0, true, false},
		{"92233720368547758070", 0, true, false}, {"9223372036854775807.0", 1<<63 - 1, true, true},
		{"1e18", 1e18, true, true}, {"1e19", 0, true, false}, {"1e99999999999999999999", 0, true, false},
	}
	for _, tt := range tests {
		value, whole, fits := ParseInteger([]byte(tt.lit))
		if whole != tt.whole || fits != tt.fits || fits && value != tt.value {
			t.Errorf("%s: got %d %v %v, want %d %v %v", tt.lit, value, whole, fits, tt.value, tt.whole, tt.fits)
		}
	}
}

func TestMultipleOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		lit    string
		digits uint64
		exp    int
		want   bool
	}{
		{"0", 7, 0, true}, {"0.3", 1, -1, true}, {"0.30", 3, -1, true}, {"0.35", 1, -1, false}, {"19.99", 1, -2, true},
		{"1e300", 3, 0, false}, {"3e300", 3, 0, true}, {"-0.75", 25, -2, true}, {"1e-400", 1, 0, false},
		{"4.35", 1, -2, true}, {"18446744073709551614e999999999999", 18446744073709551557, 0, false}, {"10", 4, 0, false}, {"20", 4, 0, true},
		{"5", 25, -1, true}, {"1e2", 4, 0, true},
	}
	for _, tt := range tests {
		if got := multipleOf([]byte(tt.lit), tt.digits, tt.exp); got != tt.want {
			t.Errorf("%s of %de%d: got %v, want %v", tt.lit, tt.digits, tt.exp, got, tt.want)
		}
	}
}

// FuzzNumber compares exact decimals with rational numbers, and the grammar with strconv's.
func FuzzNumber(f *testing.F) {
	for _, s := range [][2]string{{"0", "-0"}, {"1.50", "15e-1"}, {"-3", "2"}, {"1e5", "99999.9"}, {"0.001", "1e-3"}, {"0", "0e99999999999999999999"}, {"-0.1", "-0.2"}, {"-0.0", "16777217"}, {"9007199254740993", "0.1234567891"}, {"922337203685477580", "1677721.7e1"}, {"1.00000017881393432617187499", "123456789012345678"}, {"120", "12"}} {
		f.Add(s[0], s[1], uint64(25), -2)
	}
	f.Fuzz(func(t *testing.T, a, b string, digits uint64, exp int) {
		if len(a) > 60 || len(b) > 60 || !isNumber([]byte(a)) || !isNumber([]byte(b)) {
			return
		}
		for _, size := range []int{32, 64} {
			want, err := strconv.ParseFloat(a, size)
			if got, ok := ParseFloat([]byte(a), size); ok != (err == nil) || ok && math.Float64bits(got) != math.Float64bits(want) {
				t.Errorf("%s in %d bits: got %v, %v, want %v", a, size, got, ok, want)
			}
		}
		x, y := parseDecimal([]byte(a)), parseDecimal([]byte(b))
		if max(x.exp, y.exp, exp) > 400 || min(x.exp, y.exp, exp) < -400 {
			return
		}
		p, q := rational(a), rational(b)
		if got := CompareDecimal([]byte(a), b); got != p.Cmp(q) {
			t.Errorf("%s and %s: got %d, want %d", a, b, got, p.Cmp(q))
		}
		n, whole, fits := ParseInteger([]byte(a))
		if whole != p.IsInt() || fits != (p.IsInt() && p.Num().IsInt64()) || fits && p.Num().Int64() != n {
			t.Errorf("%s: got %d %v %v", a, n, whole, fits)
		}
		if digits == 0 || digits%10 == 0 {
			return
		}
		unit := rational(strconv.FormatUint(digits, 10) + "e" + strconv.Itoa(exp))
		if got, want := multipleOf([]byte(a), digits, exp), new(big.Rat).Quo(p, unit).IsInt(); got != want {
			t.Errorf("%s of %de%d: got %v, want %v", a, digits, exp, got, want)
		}
	})
}

// rational returns the value of a JSON number. big.Rat rejects exponents out of its range, which here only zero has.
func rational(literal string) *big.Rat {
	if r, ok := new(big.Rat).SetString(literal); ok {
		return r
	}
	return new(big.Rat)
}

func TestIntegersWithoutSign(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lit         string
		value       uint64
		whole, fits bool
	}{
		{"0", 0, true, true},
		{"-0", 0, true, true},
		{"-1", 0, true, false},
		{"1.5", 0, false, false},
		{"9223372036854775807", 9223372036854775807, true, true},
		{"9223372036854775808", 9223372036854775808, true, true},
		{"1844674407370955161.5e1", 18446744073709551615, true, true},
		{"18446744073709551616", 0, true, false},
		{"1e999999999", 0, true, false},
		{"1e-999999999", 0, false, false},
	} {
		value, whole, fits := ParseUnsigned([]byte(tt.lit))
		if fits && value != tt.value || whole != tt.whole || fits != tt.fits {
			t.Errorf("%s: got %d, %t, %t", tt.lit, value, whole, fits)
		}
	}
}

func TestBigIntegers(t *testing.T) {
	t.Parallel()
	for lit, want := range map[string]string{
		"0": "0", "-0.0": "0", "-99999999999999999999": "-99999999999999999999", "1.5e21": "1500000000000000000000", "1e4096": "", "1e999999999": "",
	} {
		got, ok := ParseBig([]byte(lit))
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%s: got %v, %t, want %s", lit, got, ok, want)
		}
	}
}
