package main

import (
	"fmt"
	"regexp/syntax"
	"slices"
)

// variant is a pattern with one place changed.
type variant struct{ change, pattern string }

// patternVariants changes a pattern one place at a time: an anchor is dropped, an alternative is dropped, a repetition
// needs one more or one less.
func patternVariants(pattern string) ([]variant, error) {
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
			all = append(all, variant{fmt.Sprintf("%s (part %d)", change, at), root.String()})
			*r = old
		}
		switch r.Op {
		case syntax.OpBeginText, syntax.OpEndText:
			try("anchor dropped", func() { r.Op = syntax.OpEmptyMatch })
		case syntax.OpStar:
			try("at least one "+r.Sub[0].String(), func() { r.Op = syntax.OpPlus })
			try("at most one "+r.Sub[0].String(), func() { r.Op = syntax.OpQuest })
		case syntax.OpPlus:
			try("none allowed of "+r.Sub[0].String(), func() { r.Op = syntax.OpStar })
			try("at most one "+r.Sub[0].String(), func() { r.Op = syntax.OpQuest })
		case syntax.OpQuest:
			try("exactly one "+r.Sub[0].String(), func() { r.Op, r.Min, r.Max = syntax.OpRepeat, 1, 1 })
			try("more than one allowed of "+r.Sub[0].String(), func() { r.Op = syntax.OpStar })
		case syntax.OpRepeat:
			repetitions(r, try)
		case syntax.OpAlternate:
			for i := range r.Sub {
				try(fmt.Sprint("without alternative ", r.Sub[i]), func() { r.Sub = slices.Delete(slices.Clone(r.Sub), i, i+1) })
			}
		}
		for _, sub := range r.Sub {
			visit(sub)
		}
	}
	visit(root)
	return all, nil
}

// repetitions moves the bounds of a counted repetition: both at once where they are the same.
func repetitions(r *syntax.Regexp, try func(string, func())) {
	for _, by := range []int{-1, 1} {
		if r.Min == r.Max {
			try(fmt.Sprintf("{%d} of %s moved by %d", r.Min, r.Sub[0], by), func() { r.Min += by; r.Max += by })
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
