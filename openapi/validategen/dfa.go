package main

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// automaton is a pattern as a deterministic automaton over the 128 ASCII characters and one symbol for all others.
type automaton struct {
	next    [][symbols]int
	accepts []bool // by state, at the end of the string
}

const (
	other   = int(unicode.MaxASCII) + 1 // the symbol of the characters beyond ASCII
	symbols = other + 1
	// maxStates bounds an automaton: a state is a byte in the table.
	maxStates = 256
)

// automatonOf returns the automaton of an ECMA-262 pattern that has the same meaning in RE2's syntax.
func automatonOf(pattern string) (*automaton, bool) {
	if !sameInRE2(pattern) {
		return nil, false
	}
	return compile(pattern)
}

// sameInRE2 reports whether a pattern has only syntax with the same meaning in ECMA-262 and RE2. The point and \s differ.
func sameInRE2(pattern string) bool {
	inClass := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
			if i == len(pattern) || !strings.ContainsRune(`dDwW\/.*+?()[]{}^$|-tnrfv`, rune(pattern[i])) {
				return false
			}
		case inClass && (c == '[' || c == '&' || c == '~'), !inClass && c == '.', c == '(' && strings.HasPrefix(pattern[i:], "(?") && !strings.HasPrefix(pattern[i:], "(?:"):
			return false
		case c == '[':
			inClass = true
			if strings.HasPrefix(pattern[i:], "[]") || strings.HasPrefix(pattern[i:], "[^]") {
				return false
			}
		case c == ']':
			inClass = false
		}
	}
	return true
}

// compile returns the automaton of a pattern. It reports false if only RE2 can match the pattern: it distinguishes
// characters beyond ASCII, has word boundaries or line anchors, or needs too many states.
func compile(pattern string) (*automaton, bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, false
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil || !simple(prog) {
		return nil, false
	}
	c := compiler{prog: prog, states: map[string]int{}}
	return c.run()
}

// simple reports whether prog treats all characters beyond ASCII alike and has no assertions except begin and end.
func simple(prog *syntax.Prog) bool {
	for i := range prog.Inst {
		switch in := &prog.Inst[i]; in.Op {
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
				return false
			}
		case syntax.InstRune, syntax.InstRune1:
			if !alikeBeyondASCII(in) {
				return false
			}
		}
	}
	return true
}

func alikeBeyondASCII(in *syntax.Inst) bool {
	if len(in.Rune) == 1 {
		r := in.Rune[0]
		if syntax.Flags(in.Arg)&syntax.FoldCase == 0 {
			return r <= unicode.MaxASCII
		}
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if f > unicode.MaxASCII {
				return false
			}
		}
		return r <= unicode.MaxASCII
	}
	for i := 0; i+1 < len(in.Rune); i += 2 {
		lo, hi := in.Rune[i], in.Rune[i+1]
		if hi > unicode.MaxASCII && (lo > unicode.MaxASCII+1 || hi != unicode.MaxRune) {
			return false
		}
	}
	return true
}

// compiler is the subset construction.
type compiler struct {
	prog   *syntax.Prog
	states map[string]int
	sets   [][]uint32 // by state: instructions that wait for a character or for the end, sorted
	out    automaton
}

func (c *compiler) run() (*automaton, bool) {
	c.state(c.closure([]uint32{uint32(c.prog.Start)}, syntax.EmptyBeginText), true)
	for s := 0; s < len(c.sets); s++ {
		for r := range symbols {
			var after []uint32
			if c.matched(c.sets[s], 0) {
				after = c.sets[s] // what matched before the end still matches
			} else {
				for _, pc := range c.sets[s] {
					if in := &c.prog.Inst[pc]; takes(in, r) {
						after = append(after, in.Out)
					}
				}
				// A pattern may match anywhere.
				after = c.closure(append(after, uint32(c.prog.Start)), 0)
			}
			to := c.state(after, false)
			if to >= maxStates {
				return nil, false
			}
			c.out.next[s][r] = to
		}
	}
	c.out.minimise()
	return &c.out, true
}

func takes(in *syntax.Inst, symbol int) bool {
	switch in.Op {
	case syntax.InstRuneAny:
		return true
	case syntax.InstRuneAnyNotNL:
		return symbol != '\n'
	case syntax.InstRune, syntax.InstRune1:
		if symbol == other {
			return in.MatchRune(unicode.MaxRune)
		}
		return in.MatchRune(rune(symbol))
	}
	return false
}

// state returns the number of a set of instructions. The first is that of the empty string.
func (c *compiler) state(set []uint32, first bool) int {
	key := []byte{}
	if first {
		key = append(key, 1)
	}
	for _, pc := range set {
		key = binary.BigEndian.AppendUint32(key, pc)
	}
	if s, ok := c.states[string(key)]; ok {
		return s
	}
	s := len(c.sets)
	c.states[string(key)] = s
	c.sets = append(c.sets, set)
	c.out.next = append(c.out.next, [symbols]int{})
	flags := syntax.EmptyEndText
	if first {
		flags |= syntax.EmptyBeginText
	}
	c.out.accepts = append(c.out.accepts, c.matched(set, flags))
	return s
}

func (c *compiler) matched(set []uint32, flags syntax.EmptyOp) bool {
	return slices.ContainsFunc(c.closure(set, flags), func(pc uint32) bool { return c.prog.Inst[pc].Op == syntax.InstMatch })
}

// closure returns the instructions that set leads to without a character, at a position for which flags hold.
func (c *compiler) closure(set []uint32, flags syntax.EmptyOp) []uint32 {
	seen := map[uint32]bool{}
	var out []uint32
	for todo := slices.Clone(set); len(todo) > 0; {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &c.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			todo = append(todo, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			todo = append(todo, in.Out)
		case syntax.InstEmptyWidth:
			out = append(out, pc) // it may hold at the end
			if syntax.EmptyOp(in.Arg)&^flags == 0 {
				todo = append(todo, in.Out)
			}
		case syntax.InstFail:
		default:
			out = append(out, pc)
		}
	}
	slices.Sort(out)
	return out
}

// minimise merges equivalent states (Moore).
func (a *automaton) minimise() {
	group := make([]int, len(a.next))
	for s, ok := range a.accepts {
		if ok != a.accepts[0] {
			group[s] = 1
		}
	}
	for n := 0; ; {
		ids := map[[symbols + 1]int]int{}
		refined := make([]int, len(group))
		for s := range a.next {
			key := [symbols + 1]int{symbols: group[s]}
			for r, to := range a.next[s] {
				key[r] = group[to]
			}
			id, ok := ids[key]
			if !ok {
				id = len(ids)
				ids[key] = id
			}
			refined[s] = id
		}
		group = refined
		if len(ids) == n {
			break
		}
		n = len(ids)
	}
	a.merge(group)
}

func (a *automaton) merge(group []int) {
	var out automaton
	for s, g := range group {
		if g < len(out.next) {
			continue
		}
		var row [symbols]int
		for r, to := range a.next[s] {
			row[r] = group[to]
		}
		out.next = append(out.next, row)
		out.accepts = append(out.accepts, a.accepts[s])
	}
	*a = out
}

// within reports whether b accepts every string that a accepts. Then b need not be checked after a.
func (a *automaton) within(b *automaton) bool {
	type pair struct{ a, b int }
	seen := map[pair]bool{}
	for todo := []pair{{0, 0}}; len(todo) > 0; {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[p] {
			continue
		}
		seen[p] = true
		if a.accepts[p.a] && !b.accepts[p.b] {
			return false
		}
		for r := range symbols {
			todo = append(todo, pair{a.next[p.a][r], b.next[p.b][r]})
		}
	}
	return true
}

// withoutByte returns the ASCII character that a string must not contain, if that is the automaton's only rule.
func (a *automaton) withoutByte() (byte, bool) {
	if len(a.next) != 2 || !a.accepts[0] || a.accepts[1] {
		return 0, false
	}
	found := -1
	for r, to := range a.next[0] {
		switch {
		case to == 0:
		case found >= 0 || r == other:
			return 0, false
		default:
			found = r
		}
	}
	for _, to := range a.next[1] {
		if to != 1 {
			return 0, false
		}
	}
	return byte(found), found >= 0
}
