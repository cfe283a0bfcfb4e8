package main

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// variant is a pattern with one place changed.
type variant struct{ change, pattern string }

// patternVariants changes a pattern one place at a time: it drops an anchor or an alternative, or requires one repetition
// more or less. Patterns with look-around, which Go cannot parse, have no variants.
func patternVariants(pattern string) ([]variant, error) {
	if strings.Contains(pattern, "(?!") || strings.Contains(pattern, "(?=") || strings.Contains(pattern, "(?<") {
		return nil, nil
	}
	root, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	var all []variant
	count := 0
	var visit func(r *syntax.Regexp)
	visit = func(r *syntax.Regexp) {
		count++
		at := count
		try := func(change string, f func()) {
			old := *r
			old.Sub = slices.Clone(r.Sub)
			f()
			all = append(all, variant{fmt.Sprintf("%s (part %d)", change, at), ecmaScript(root)})
			*r = old
		}
		switch r.Op {
		case syntax.OpBeginText, syntax.OpEndText:
			try("anchor dropped", func() { r.Op = syntax.OpEmptyMatch })
		case syntax.OpStar:
			try("at least one "+ecmaScript(r.Sub[0]), func() { r.Op = syntax.OpPlus })
			try("at most one "+ecmaScript(r.Sub[0]), func() { r.Op = syntax.OpQuest })
		case syntax.OpPlus:
			try("none allowed of "+ecmaScript(r.Sub[0]), func() { r.Op = syntax.OpStar })
			try("at most one "+ecmaScript(r.Sub[0]), func() { r.Op = syntax.OpQuest })
		case syntax.OpQuest:
			try("exactly one "+ecmaScript(r.Sub[0]), func() { r.Op, r.Min, r.Max = syntax.OpRepeat, 1, 1 })
			try("more than one allowed of "+ecmaScript(r.Sub[0]), func() { r.Op = syntax.OpStar })
		case syntax.OpRepeat:
			repetitions(r, try)
		case syntax.OpAlternate:
			for i := range r.Sub {
				try("without alternative "+ecmaScript(r.Sub[i]), func() { r.Sub = slices.Delete(slices.Clone(r.Sub), i, i+1) })
			}
		}
		for _, sub := range r.Sub {
			visit(sub)
		}
	}
	visit(root)
	return all, nil
}

// repetitions moves the bounds of a counted repetition; equal bounds move together.
func repetitions(r *syntax.Regexp, try func(string, func())) {
	for _, by := range []int{-1, 1} {
		if r.Min == r.Max {
			try(fmt.Sprintf("{%d} of %s moved by %d", r.Min, ecmaScript(r.Sub[0]), by), func() { r.Min += by; r.Max += by })
			continue
		}
		if r.Min+by >= 0 {
			try(fmt.Sprintf("least of {%d,%d} moved by %d", r.Min, r.Max, by), func() { r.Min += by })
		}
		if r.Max >= 0 {
			try(fmt.Sprintf("most of {%d,%d} moved by %d", r.Min, r.Max, by), func() { r.Max += by })
		}
	}
}

// ecmaScript formats an expression as ECMA-262, which has neither flags in groups nor \A.
func ecmaScript(r *syntax.Regexp) string {
	return strings.NewReplacer(`\A`, "^", "(?-m:", "(?:", "(?-s:.)", ".", "(?-ms:", "(?:").Replace(unfolded(r).String())
}

// unfolded replaces each letter that matches both cases by a class.
func unfolded(r *syntax.Regexp) *syntax.Regexp {
	c := *r
	c.Sub = nil
	for _, sub := range r.Sub {
		c.Sub = append(c.Sub, unfolded(sub))
	}
	if r.Op != syntax.OpLiteral || r.Flags&syntax.FoldCase == 0 {
		return &c
	}
	c.Op, c.Rune, c.Flags = syntax.OpConcat, nil, r.Flags&^syntax.FoldCase
	for _, letter := range r.Rune {
		class := []rune{letter, letter}
		for other := unicode.SimpleFold(letter); other != letter; other = unicode.SimpleFold(other) {
			class = append(class, other, other)
		}
		c.Sub = append(c.Sub, &syntax.Regexp{Op: syntax.OpCharClass, Rune: sortedPairs(class)})
	}
	return &c
}

// sortedPairs sorts ranges of one rune each.
func sortedPairs(pairs []rune) []rune {
	slices.Sort(pairs) // each rune occurs twice
	return pairs
}
