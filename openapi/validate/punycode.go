package validate

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The parameters of RFC 3492 §5.
const (
	punyBase, punyMin, punyMax   = 36, 1, 26
	punySkew, punyDamp, punyBias = 38, 700, 72
)

// decodePunycode decodes Punycode in lower case (RFC 3492 §6.2).
func decodePunycode(s string) (string, bool) {
	if len(s) > maxLabel {
		return "", false
	}
	var out []rune
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		out, s = []rune(s[:i]), s[i+1:]
	}
	n, at, bias := rune(utf8.RuneSelf), 0, punyBias
	for s != "" {
		before, weight := at, 1
		for k := punyBase; ; k += punyBase {
			digit := punyDigit(s)
			if digit < 0 || digit > (math.MaxInt32-at)/weight {
				return "", false
			}
			s = s[1:]
			at += digit * weight
			threshold := min(max(k-bias, punyMin), punyMax)
			if digit < threshold {
				break
			}
			if weight *= punyBase - threshold; weight > math.MaxInt32 {
				return "", false
			}
		}
		size := len(out) + 1
		bias = adaptBias(at-before, size, before == 0)
		if at/size > unicode.MaxRune-int(n) {
			return "", false
		}
		n += rune(at / size)
		at %= size
		out = slices.Insert(out, at, n)
		at++
	}
	return string(out), utf8.ValidString(string(out)) && !slices.ContainsFunc(out, func(r rune) bool { return r >= 0xd800 && r < 0xe000 })
}

// punyDigit returns the value of the first digit; -1 for none.
func punyDigit(s string) int {
	switch {
	case s == "":
	case s[0]-'a' <= 'z'-'a':
		return int(s[0] - 'a')
	case s[0]-'0' <= 9:
		return int(s[0]-'0') + 26
	}
	return -1
}

func adaptBias(delta, size int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / size
	k := 0
	for ; delta > (punyBase-punyMin)*punyMax/2; k += punyBase {
		delta /= punyBase - punyMin
	}
	return k + (punyBase-punyMin+1)*delta/(delta+punySkew)
}

// encodePunycode returns the Punycode of a label (RFC 3492 §6.3). It stops early if the label is too long.
func encodePunycode(label []rune) string {
	var out []byte
	for _, r := range label {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(utf8.RuneSelf), 0, punyBias
	for done := basic; done < len(label) && len(out) <= maxHostname; n++ {
		next := rune(unicode.MaxRune)
		for _, r := range label {
			if r >= n {
				next = min(next, r)
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range label {
			if r < n {
				delta++
			}
			if r == n {
				out = appendPuny(out, delta, bias)
				bias = adaptBias(delta, done+1, done == basic)
				delta = 0
				done++
			}
		}
		delta++
	}
	return string(out)
}

func appendPuny(out []byte, delta, bias int) []byte {
	const digits = "abcdefghijklmnopqrstuvwxyz0123456789"
	for k := punyBase; ; k += punyBase {
		threshold := min(max(k-bias, punyMin), punyMax)
		if delta < threshold {
			return append(out, digits[delta])
		}
		out = append(out, digits[threshold+(delta-threshold)%(punyBase-threshold)])
		delta = (delta - threshold) / (punyBase - threshold)
	}
}
