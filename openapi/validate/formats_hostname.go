package validate

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxHostname = 253 // characters, including the dots between labels (RFC 1035 §2.3.4)
	maxLabel    = 63
)

// isHostname reports whether s is a host name (RFC 1123 §2.1), whose A-labels are valid (RFC 5891 §4.4).
func isHostname(s string) bool {
	if len(s) > maxHostname || !areLabels(s) {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if isALabel(label) && !isIDNLabel(label) {
			return false
		}
	}
	return true
}

// areLabels reports whether s consists of labels of letters, digits and hyphens.
func areLabels(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, notLetterDigitHyphen) {
			return false
		}
	}
	return true
}

// isIDNHostname reports whether s is a host name, which may have U-labels (RFC 5890 §2.3.2.3). RFC 3490 §3.1 lists the dots.
func isIDNHostname(s string) bool {
	total := -1
	for label := range strings.SplitSeq(strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".").Replace(s), ".") {
		if !isIDNLabel(label) {
			return false
		}
		total += 1 + encodedLength(label)
	}
	return total <= maxHostname
}

func isALabel(label string) bool { return len(label) >= 4 && strings.EqualFold(label[:4], "xn--") }

func isIDNLabel(label string) bool {
	switch {
	case isALabel(label):
		decoded, ok := decodePunycode(strings.ToLower(label[4:]))
		return ok && len(label) <= maxLabel && !allASCII(decoded) && isULabel(decoded)
	case allASCII(label):
		return areLabels(label) && !strings.Contains(label, ".")
	}
	return isULabel(label)
}

func allASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

func encodedLength(label string) int {
	if allASCII(label) {
		return len(label)
	}
	return len("xn--") + len(encodePunycode([]rune(label)))
}

// isULabel reports whether a label is valid in IDNA2008 (RFC 5891 §4.2, RFC 5893 §2), by the tables of package unicode. They
// do not cover normalization: characters that NFKC changes are recognized by their blocks.
func isULabel(label string) bool {
	if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") || encodedLength(label) > maxLabel {
		return false
	}
	runes := []rune(label)
	if len(runes) > 3 && runes[2] == '-' && runes[3] == '-' || unicode.Is(unicode.M, runes[0]) {
		return false
	}
	for i, r := range runes {
		if !isIDNRune(r) && !inContext(runes, i) {
			return false
		}
	}
	return isBidi(runes)
}

// validExceptions and invalidExceptions are the exceptions of RFC 5892 §2.6.
var (
	validExceptions   = []rune{0xdf, 0x3c2, 0x6fd, 0x6fe, 0xf0b, 0x3007}
	invalidExceptions = []rune{0x640, 0x7fa, 0x302e, 0x302f, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303b}
)

// isIDNRune reports whether a character is PVALID (RFC 5892 §3).
func isIDNRune(r rune) bool {
	switch {
	case slices.Contains(validExceptions, r):
		return true
	case slices.Contains(invalidExceptions, r), unicode.Is(arabicDigits, r), unicode.IsUpper(r), unicode.IsTitle(r):
		return false
	case r < utf8.RuneSelf:
		return !notLetterDigitHyphen(r)
	}
	return unicode.In(r, unicode.Ll, unicode.Lo, unicode.Lm, unicode.Mn, unicode.Mc, unicode.Nd) && !unicode.Is(unstable, r)
}

// arabicDigits are both kinds, which have their own rules.
var arabicDigits = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x660, Hi: 0x669, Stride: 1}, {Lo: 0x6f0, Hi: 0x6f9, Stride: 1}}}

// unstable are the blocks of characters that NFKC changes, of ignorable characters, and of old Hangul (RFC 5892 §2.2 to
// §2.9).
var unstable = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0xaa, Hi: 0xaa, Stride: 1}, {Lo: 0xb5, Hi: 0xb5, Stride: 1}, {Lo: 0xba, Hi: 0xba, Stride: 1}, {Lo: 0x132, Hi: 0x133, Stride: 1},
		{Lo: 0x13f, Hi: 0x140, Stride: 1}, {Lo: 0x149, Hi: 0x149, Stride: 1}, {Lo: 0x17f, Hi: 0x17f, Stride: 1}, {Lo: 0x1c4, Hi: 0x1cc, Stride: 1},
		{Lo: 0x1f1, Hi: 0x1f3, Stride: 1}, {Lo: 0x2b0, Hi: 0x2b8, Stride: 1}, {Lo: 0x2e0, Hi: 0x2e4, Stride: 1}, {Lo: 0x340, Hi: 0x345, Stride: 1},
		{Lo: 0x34f, Hi: 0x34f, Stride: 1}, {Lo: 0x37a, Hi: 0x37a, Stride: 1}, {Lo: 0x3d0, Hi: 0x3d6, Stride: 1}, {Lo: 0x3f0, Hi: 0x3f2, Stride: 1}, {Lo: 0x3f4, Hi: 0x3f5, Stride: 1},
		{Lo: 0x587, Hi: 0x587, Stride: 1}, {Lo: 0x675, Hi: 0x678, Stride: 1}, {Lo: 0x958, Hi: 0x95f, Stride: 1}, {Lo: 0xe33, Hi: 0xe33, Stride: 1},
		{Lo: 0xeb3, Hi: 0xeb3, Stride: 1}, {Lo: 0xedc, Hi: 0xedd, Stride: 1}, {Lo: 0x1100, Hi: 0x11ff, Stride: 1}, {Lo: 0x17b4, Hi: 0x17b5, Stride: 1},
		{Lo: 0x180b, Hi: 0x180f, Stride: 1}, {Lo: 0x1d2c, Hi: 0x1d2e, Stride: 1}, {Lo: 0x1d30, Hi: 0x1d3a, Stride: 1}, {Lo: 0x1d3c, Hi: 0x1d4d, Stride: 1},
		{Lo: 0x1d4f, Hi: 0x1d6a, Stride: 1}, {Lo: 0x1d9b, Hi: 0x1dbf, Stride: 1}, {Lo: 0x2071, Hi: 0x209c, Stride: 1}, {Lo: 0x20d0, Hi: 0x20ff, Stride: 1},
		{Lo: 0x2100, Hi: 0x214d, Stride: 1}, {Lo: 0x3131, Hi: 0x318e, Stride: 1}, {Lo: 0xa960, Hi: 0xa97c, Stride: 1}, {Lo: 0xd7b0, Hi: 0xd7fb, Stride: 1},
		{Lo: 0xf900, Hi: 0xfa0d, Stride: 1}, {Lo: 0xfa10, Hi: 0xfa10, Stride: 1}, {Lo: 0xfa12, Hi: 0xfa12, Stride: 1}, {Lo: 0xfa15, Hi: 0xfa1e, Stride: 1},
		{Lo: 0xfa20, Hi: 0xfa20, Stride: 1}, {Lo: 0xfa22, Hi: 0xfa22, Stride: 1}, {Lo: 0xfa25, Hi: 0xfa26, Stride: 1}, {Lo: 0xfa2a, Hi: 0xfb1d, Stride: 1},
		{Lo: 0xfb1f, Hi: 0xfdff, Stride: 1}, {Lo: 0xfe00, Hi: 0xfe0f, Stride: 1}, {Lo: 0xfe70, Hi: 0xfe72, Stride: 1}, {Lo: 0xfe74, Hi: 0xffef, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1d100, Hi: 0x1d24f, Stride: 1}, {Lo: 0x1d400, Hi: 0x1d7ff, Stride: 1}, {Lo: 0x1ee00, Hi: 0x1eeff, Stride: 1}, {Lo: 0x1fbf0, Hi: 0x1fbf9, Stride: 1},
		{Lo: 0x2f800, Hi: 0x2fa1f, Stride: 1}, {Lo: 0xe0100, Hi: 0xe01ef, Stride: 1},
	},
}

// inContext reports whether a CONTEXTJ or CONTEXTO character is allowed at its position (RFC 5892 appendix A).
func inContext(label []rune, i int) bool {
	var before, after rune
	if i > 0 {
		before = label[i-1]
	}
	if i+1 < len(label) {
		after = label[i+1]
	}
	switch r := label[i]; {
	case r == 0x200c:
		return unicode.Is(viramas, before) || joins(label, i)
	case r == 0x200d:
		return unicode.Is(viramas, before)
	case r == 0xb7:
		return before == 'l' && after == 'l'
	case r == 0x375:
		return unicode.Is(unicode.Greek, after)
	case r == 0x5f3, r == 0x5f4:
		return unicode.Is(unicode.Hebrew, before)
	case r == 0x30fb:
		return slices.ContainsFunc(label, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) })
	case r >= 0x660 && r <= 0x669:
		return !slices.ContainsFunc(label, func(r rune) bool { return r >= 0x6f0 && r <= 0x6f9 })
	case r >= 0x6f0 && r <= 0x6f9:
		return !slices.ContainsFunc(label, func(r rune) bool { return r >= 0x660 && r <= 0x669 })
	}
	return false
}

// viramas are the characters of the combining class 9.
var viramas = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x94d, Hi: 0xd4d, Stride: 0x80}, {Lo: 0xd3b, Hi: 0xd3c, Stride: 1}, {Lo: 0xdca, Hi: 0xdca, Stride: 1}, {Lo: 0xe3a, Hi: 0xe3a, Stride: 1},
		{Lo: 0xeba, Hi: 0xeba, Stride: 1}, {Lo: 0xf84, Hi: 0xf84, Stride: 1}, {Lo: 0x1039, Hi: 0x103a, Stride: 1}, {Lo: 0x1714, Hi: 0x1715, Stride: 1},
		{Lo: 0x1734, Hi: 0x1734, Stride: 1}, {Lo: 0x17d2, Hi: 0x17d2, Stride: 1}, {Lo: 0x1a60, Hi: 0x1a60, Stride: 1}, {Lo: 0x1b44, Hi: 0x1b44, Stride: 1},
		{Lo: 0x1baa, Hi: 0x1bab, Stride: 1}, {Lo: 0x1bf2, Hi: 0x1bf3, Stride: 1}, {Lo: 0x2d7f, Hi: 0x2d7f, Stride: 1}, {Lo: 0xa806, Hi: 0xa806, Stride: 1},
		{Lo: 0xa82c, Hi: 0xa82c, Stride: 1}, {Lo: 0xa8c4, Hi: 0xa8c4, Stride: 1}, {Lo: 0xa953, Hi: 0xa953, Stride: 1}, {Lo: 0xa9c0, Hi: 0xa9c0, Stride: 1},
		{Lo: 0xaaf6, Hi: 0xaaf6, Stride: 1}, {Lo: 0xabed, Hi: 0xabed, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x10a3f, Hi: 0x10a3f, Stride: 1}, {Lo: 0x11046, Hi: 0x11046, Stride: 1}, {Lo: 0x1107f, Hi: 0x1107f, Stride: 1}, {Lo: 0x110b9, Hi: 0x110b9, Stride: 1},
		{Lo: 0x11133, Hi: 0x11134, Stride: 1}, {Lo: 0x111c0, Hi: 0x111c0, Stride: 1},
	},
}

// joins reports whether a zero width non-joiner is between letters of a script that joins them. Package unicode has no
// Joining_Type; this uses the letters of joining scripts except those that join on one side only.
func joins(label []rune, i int) bool {
	before := slices.IndexFunc(reversed(label[:i]), notMark)
	after := slices.IndexFunc(label[i+1:], notMark)
	return before >= 0 && after >= 0 && joining(label[i-1-before], true) && joining(label[i+1+after], false)
}

func reversed(label []rune) []rune {
	label = slices.Clone(label)
	slices.Reverse(label)
	return label
}

func notMark(r rune) bool { return !unicode.Is(unicode.Mn, r) }

// rightJoining are the Arabic letters that join only the letter before them.
const rightJoining = "\u0622\u0623\u0624\u0625\u0627\u0629\u062f\u0630\u0631\u0632\u0648\u0671\u0672\u0673\u0675\u0676\u0677\u0688\u0689\u068a\u068b" +
	"\u068c\u068d\u068e\u068f\u0690\u0691\u0692\u0693\u0694\u0695\u0696\u0697\u0698\u0699\u06c0\u06c3\u06c4\u06c5\u06c6\u06c7\u06c8\u06c9\u06ca\u06cb" +
	"\u06cd\u06cf\u06d2\u06d3\u06d5\u06ee\u06ef"

// joining reports whether a letter joins the following one or, if forward is false, the one before.
func joining(r rune, forward bool) bool {
	if !unicode.In(r, unicode.Lo) || !unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Nko, unicode.Mongolian, unicode.Phags_Pa) || r == 0x621 {
		return false
	}
	return !forward || !strings.ContainsRune(rightJoining, r)
}

// isBidi reports whether a label with right-to-left characters follows RFC 5893 §2.
func isBidi(label []rune) bool {
	if !slices.ContainsFunc(label, rightToLeft) {
		return true
	}
	end := len(label)
	for end > 0 && unicode.Is(unicode.Mn, label[end-1]) {
		end--
	}
	if !rightToLeft(label[0]) || isArabicNumber(label[0]) || !rightToLeft(label[end-1]) && !isEuropeanNumber(label[end-1]) {
		return false
	}
	if slices.ContainsFunc(label, isEuropeanNumber) && slices.ContainsFunc(label, isArabicNumber) {
		return false
	}
	return !slices.ContainsFunc(label, func(r rune) bool {
		neutral := r == '-' || r == 0x200c || r == 0x200d || unicode.Is(unicode.Mn, r)
		return !rightToLeft(r) && !isEuropeanNumber(r) && !neutral
	})
}

// rightToLeft reports whether a character of a label has the direction R, AL or AN.
func rightToLeft(r rune) bool {
	switch {
	case r == 0x5f3, r == 0x5f4, r == 0x6fd, r == 0x6fe:
		return true
	case isEuropeanNumber(r), !unicode.IsLetter(r) && !unicode.IsDigit(r):
		return false
	}
	return r >= 0x590 && r < 0x900 || r >= 0xfb1d && r < 0xfe00 || r >= 0xfe70 && r < 0xff00 || r >= 0x10800 && r < 0x11000 || r >= 0x1e800 && r < 0x1f000
}

func isEuropeanNumber(r rune) bool { return r >= '0' && r <= '9' || r >= 0x6f0 && r <= 0x6f9 }

func isArabicNumber(r rune) bool {
	return r >= 0x660 && r <= 0x669 || r >= 0x10d30 && r <= 0x10d39
}
