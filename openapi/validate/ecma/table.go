package ecma

import (
	"encoding/binary"
	"slices"
	"sort"
	"unicode/utf8"
)

// table is a program without look-arounds as a deterministic automaton with one look-up per character. The states found
// and dead come first.
type table struct {
	ascii   [utf8.RuneSelf]uint8
	bounds  []rune  // the first character of each range beyond ASCII
	of      []uint8 // the class of each range
	classes int     // the last one is the end of the string
	start   uint16
	next    []uint16 // state·classes + class → state
}

const (
	found = iota // a match, regardless of the rest
	dead
	firstState

	maxClasses = 250
	maxTable   = 1 << 16
	// maxWork limits the instructions examined during construction to some milliseconds.
	maxWork = 1 << 21
)

// Implies reports whether every string that pattern matches is known to match other. It is not known of patterns without a
// table.
func Implies(pattern, other string) bool {
	a, b := tableOf(pattern), tableOf(other)
	return a != nil && b != nil && a.within(b)
}

// tableOf returns the table of a pattern; nil if it has none.
func tableOf(pattern string) *table {
	p, root, err := parse(pattern)
	if err != nil || p.uses.reference {
		return nil
	}
	assembled, err := assemble(pattern, shorten(root, true, true))
	if err != nil {
		return nil
	}
	return tabulate(assembled)
}

// within reports whether other finds a match in every string in which t finds one. It visits all pairs of states that a
// string can lead to.
func (t *table) within(other *table) bool {
	characters := slices.Concat(t.bounds, other.bounds)
	for r := range rune(utf8.RuneSelf) {
		characters = append(characters, r)
	}
	type pair struct{ t, other uint16 }
	start := pair{t.start, other.start}
	seen := map[pair]bool{start: true}
	for todo := []pair{start}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		if t.follow(at.t, t.classes-1) == found && other.follow(at.other, other.classes-1) != found {
			return false
		}
		for _, r := range characters {
			next := pair{t.follow(at.t, t.classOf(r)), other.follow(at.other, other.classOf(r))}
			if !seen[next] {
				seen[next] = true
				todo = append(todo, next)
			}
		}
	}
	return true
}

// follow returns the state after a state for a class.
func (t *table) follow(state uint16, class int) uint16 { return t.next[int(state)*t.classes+class] }

func (t *table) classOf(r rune) int {
	if r < utf8.RuneSelf {
		return int(t.ascii[r])
	}
	return int(t.class(r))
}

// match reports whether the automaton finds a match.
func (t *table) match(text string) bool {
	state := int(t.start)
	for i := 0; i < len(text); {
		var class uint8
		if c := text[i]; c < utf8.RuneSelf {
			class = t.ascii[c]
			i++
		} else {
			r, size := utf8.DecodeRuneInString(text[i:])
			class = t.class(r)
			i += size
		}
		if state = int(t.next[state*t.classes+int(class)]); state < firstState {
			return state == found
		}
	}
	return t.next[state*t.classes+t.classes-1] == found
}

func (t *table) class(r rune) uint8 {
	if len(t.of) == 1 {
		return t.of[0]
	}
	return t.of[sort.Search(len(t.bounds), func(i int) bool { return t.bounds[i] > r })-1]
}

// builder is the subset construction.
type builder struct {
	table
	program *program
	samples []rune // a character of each class
	numbers map[string]uint16
	states  []subset
	work    int
	set     stateSet
}

// subset is a state: the instructions at which it waits, and the facts about the preceding character.
type subset struct {
	waits             []int
	begin, wordBefore bool
}

// tabulate returns the table of a program; nil if it would be too large or the program has look-arounds.
func tabulate(p *program) *table {
	b := &builder{program: p, numbers: map[string]uint16{}}
	if len(p.looks) > 0 || !b.classify() {
		return nil
	}
	b.set.grow(len(p.code))
	b.states = make([]subset, firstState)
	b.next = make([]uint16, firstState*b.classes)
	for class := range b.classes {
		b.next[class], b.next[b.classes+class] = found, dead
	}
	b.start = b.state(subset{begin: true})
	for s := firstState; s < len(b.states); s++ {
		for class := range b.classes {
			b.next = append(b.next, b.transition(b.states[s], class))
		}
		if len(b.next) > maxTable || b.work > maxWork {
			return nil
		}
	}
	return &b.table
}

// state returns the number of a state, which it adds if it is new.
func (b *builder) state(s subset) uint16 {
	slices.Sort(s.waits)
	key := []byte{0}
	if s.begin {
		key[0] |= 1
	}
	if s.wordBefore {
		key[0] |= 2
	}
	for _, w := range s.waits {
		key = binary.BigEndian.AppendUint16(key, uint16(w))
	}
	n, ok := b.numbers[string(key)]
	if !ok {
		n = uint16(len(b.states))
		b.numbers[string(key)] = n
		b.states = append(b.states, s)
	}
	return n
}

// transition returns the state after s for a character of a class, or for the end. It returns dead if no match is possible.
func (b *builder) transition(s subset, class int) uint16 {
	here := place{begin: s.begin, wordBefore: s.wordBefore, end: class == b.classes-1}
	if !here.end {
		here.wordAfter = isWord(b.samples[class])
	}
	if b.close(s.waits, here) {
		return found
	}
	if here.end {
		return dead
	}
	after := subset{wordBefore: here.wordAfter}
	for _, i := range b.set.dense {
		if in := &b.program.code[i]; in.kind == setKind && in.set.has(b.samples[class]) && !slices.Contains(after.waits, in.next) {
			after.waits = append(after.waits, in.next)
		}
	}
	if len(after.waits) == 0 && b.anchored() {
		return dead
	}
	return b.state(after)
}

// anchored reports whether a match can begin only at the start of the string.
func (b *builder) anchored() bool { return b.program.code[b.program.start].kind == beginKind }

func (b *builder) close(waits []int, here place) bool {
	b.set.dense = b.set.dense[:0]
	for _, w := range waits {
		b.set.add(w)
	}
	b.set.add(b.program.start)
	for i := 0; i < len(b.set.dense); i++ {
		b.work++
		in := &b.program.code[b.set.dense[i]]
		switch {
		case in.kind == matchKind:
			return true
		case in.kind == forkKind:
			b.set.add(in.next)
			b.set.add(in.other)
		case in.holds(here):
			b.set.add(in.next)
		}
	}
	return false
}

// classify divides the characters into classes that all instructions treat alike. It reports false for too many.
func (b *builder) classify() bool {
	starts := []rune{0, utf8.RuneSelf}
	sets := []runes{wordRunes}
	for i := range b.program.code {
		if in := &b.program.code[i]; in.kind == setKind && !slices.ContainsFunc(sets, func(s runes) bool { return slices.Equal(s, in.set) }) {
			sets = append(sets, in.set)
		}
	}
	for _, s := range sets {
		for i := 0; i < len(s); i += 2 {
			starts = append(starts, s[i], s[i+1]+1)
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	signatures := map[string]uint8{}
	if len(starts)*len(sets) > maxWork {
		return false
	}
	for i, r := range starts {
		class, ok := b.register(r, sets, signatures)
		if !ok {
			return false
		}
		b.cover(r, starts, i, class)
	}
	b.classes = len(b.samples) + 1
	return true
}

func (b *builder) register(r rune, sets []runes, signatures map[string]uint8) (uint8, bool) {
	signature := make([]byte, len(sets))
	for i, s := range sets {
		if s.has(r) {
			signature[i] = 1
		}
	}
	class, ok := signatures[string(signature)]
	if !ok {
		if len(b.samples) == maxClasses {
			return 0, false
		}
		class = uint8(len(b.samples))
		signatures[string(signature)] = class
		b.samples = append(b.samples, r)
	}
	return class, true
}

// cover records the class of the characters from r to the next start.
func (b *builder) cover(r rune, starts []rune, i int, class uint8) {
	if r >= utf8.RuneSelf {
		if n := len(b.of); n == 0 || b.of[n-1] != class {
			b.bounds, b.of = append(b.bounds, r), append(b.of, class)
		}
		return
	}
	for ; r < utf8.RuneSelf && (i+1 == len(starts) || r < starts[i+1]); r++ {
		b.ascii[r] = class
	}
}
