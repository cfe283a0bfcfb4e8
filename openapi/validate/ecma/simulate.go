package ecma

import (
	"sync"
	"unicode/utf8"
)

// place has the facts about a position between two characters of a string.
type place struct {
	begin, end            bool
	wordBefore, wordAfter bool
}

// stateSet is a set of instructions, in the order of insertion.
type stateSet struct {
	dense  []int
	sparse []int
}

func (s *stateSet) grow(size int) {
	if len(s.sparse) < size {
		s.sparse = make([]int, size)
	}
	s.dense = s.dense[:0]
}

func (s *stateSet) add(state int) bool {
	if i := s.sparse[state]; i < len(s.dense) && s.dense[i] == state {
		return false
	}
	s.sparse[state] = len(s.dense)
	s.dense = append(s.dense, state)
	return true
}

// simulation is one run of a program over a string. Its steps are at most the length of the string times the length of
// the program.
type simulation struct {
	program          *program
	text             string
	current, pending stateSet
	looks            [][]uint64 // by look and place: whether it matches there
}

var simulations = sync.Pool{New: func() any { return &simulation{} }}

// run reports whether the program matches anywhere in the text.
func (p *program) run(text string) bool {
	s := simulations.Get().(*simulation)
	defer simulations.Put(s)
	s.program, s.text = p, text
	s.current.grow(len(p.code))
	s.pending.grow(len(p.code))
	s.looks = s.looks[:0]
	for _, l := range p.looks {
		s.look(l)
	}
	found := s.forward(p.start, nil)
	s.program, s.text = nil, ""
	return found
}

// look records the positions at which l matches.
func (s *simulation) look(l look) {
	table := make([]uint64, len(s.text)/64+1)
	if l.behind {
		s.forward(l.start, table)
	} else {
		s.backward(l.start, table)
	}
	s.looks = append(s.looks, table)
}

// forward reads the text from left to right, starting at every place. Without table it stops at the first match;
// otherwise it records all matches in table.
func (s *simulation) forward(start int, table []uint64) bool {
	s.pending.dense = s.pending.dense[:0]
	wordBefore := false
	for pos := 0; ; {
		r, size := utf8.DecodeRuneInString(s.text[pos:])
		here := place{begin: pos == 0, end: size == 0, wordBefore: wordBefore, wordAfter: size > 0 && isWord(r)}
		if s.close(start, pos, here) {
			if table == nil {
				return true
			}
			table[pos/64] |= 1 << (pos % 64)
		}
		if size == 0 {
			return false
		}
		s.step(r)
		wordBefore = here.wordAfter
		pos += size
	}
}

// backward reads the text from right to left.
func (s *simulation) backward(start int, table []uint64) {
	s.pending.dense = s.pending.dense[:0]
	wordAfter := false
	for pos := len(s.text); ; {
		r, size := utf8.DecodeLastRuneInString(s.text[:pos])
		here := place{begin: size == 0, end: pos == len(s.text), wordBefore: size > 0 && isWord(r), wordAfter: wordAfter}
		if s.close(start, pos, here) {
			table[pos/64] |= 1 << (pos % 64)
		}
		if size == 0 {
			return
		}
		s.step(r)
		wordAfter = here.wordBefore
		pos -= size
	}
}

// close follows all instructions that need no character, from the pending ones and from start. It reports a match.
func (s *simulation) close(start, pos int, here place) bool {
	s.current.dense = s.current.dense[:0]
	for _, state := range s.pending.dense {
		s.current.add(state)
	}
	s.current.add(start)
	matched := false
	for i := 0; i < len(s.current.dense); i++ {
		in := &s.program.code[s.current.dense[i]]
		switch {
		case in.kind == matchKind:
			matched = true
		case in.kind == forkKind:
			s.current.add(in.next)
			s.current.add(in.other)
		case in.kind == lookKind:
			if s.looks[in.other][pos/64]>>(pos%64)&1 == 1 != in.negated {
				s.current.add(in.next)
			}
		case in.holds(here):
			s.current.add(in.next)
		}
	}
	return matched
}

// holds reports whether an assertion about a position is satisfied.
func (in *instruction) holds(here place) bool {
	switch in.kind {
	case beginKind:
		return here.begin
	case endKind:
		return here.end
	case boundaryKind:
		return (here.wordBefore != here.wordAfter) != in.negated
	}
	return false
}

// step reads a character.
func (s *simulation) step(r rune) {
	s.pending.dense = s.pending.dense[:0]
	for _, state := range s.current.dense {
		if in := &s.program.code[state]; in.kind == setKind && in.set.has(r) {
			s.pending.add(in.next)
		}
	}
}

func isWord(r rune) bool {
	return r < utf8.RuneSelf && (r == '_' || r-'0' <= 9 && r >= '0' || r|0x20 >= 'a' && r|0x20 <= 'z')
}
