package ecma

import (
	"slices"
	"sort"
	"unicode"
)

// runes is a set of characters: sorted pairs of a first and a last character, which neither overlap nor touch.
type runes []rune

var (
	digits         = runes{'0', '9'}
	wordRunes      = runes{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}
	lineTerminator = runes{'\n', '\n', '\r', '\r', 0x2028, 0x2029}
	// whiteSpace is WhiteSpace and LineTerminator of ECMA-262 §12.2 and §12.3: with U+FEFF and the category Zs.
	whiteSpace = runes{'\t', '\r', ' ', ' ', 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000, 0xfeff, 0xfeff}
	anyRune    = runes{0, unicode.MaxRune}
)

// normal sorts and merges pairs.
func normal(pairs []rune) runes {
	type span struct{ lo, hi rune }
	spans := make([]span, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		spans = append(spans, span{pairs[i], pairs[i+1]})
	}
	slices.SortFunc(spans, func(a, b span) int { return int(a.lo) - int(b.lo) })
	var out runes
	for _, s := range spans {
		if n := len(out); n > 0 && s.lo <= out[n-1]+1 {
			out[n-1] = max(out[n-1], s.hi)
			continue
		}
		out = append(out, s.lo, s.hi)
	}
	return out
}

func (s runes) union(t runes) runes { return normal(append(slices.Clone(s), t...)) }

func (s runes) complement() runes {
	var out runes
	next := rune(0)
	for i := 0; i < len(s); i += 2 {
		if s[i] > next {
			out = append(out, next, s[i]-1)
		}
		next = s[i+1] + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, next, unicode.MaxRune)
	}
	return out
}

func (s runes) has(r rune) bool {
	i := sort.Search(len(s)/2, func(i int) bool { return s[2*i+1] >= r })
	return 2*i < len(s) && s[2*i] <= r
}

// disjoint reports whether no character is in both.
func (s runes) disjoint(t runes) bool {
	for i, j := 0, 0; i < len(s) && j < len(t); {
		switch {
		case s[i+1] < t[j]:
			i += 2
		case t[j+1] < s[i]:
			j += 2
		default:
			return false
		}
	}
	return true
}

// ofTables returns the union of tables.
func ofTables(tables ...*unicode.RangeTable) runes {
	var pairs []rune
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			pairs = append(pairs, lo, hi)
			return
		}
		for r := lo; r <= hi; r += stride {
			pairs = append(pairs, r, r)
		}
	}
	for _, t := range tables {
		for _, r := range t.R16 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return normal(pairs)
}
