package ecma

import "unicode/utf8"

// backtracker matches patterns with back references as ECMA-262 §22.2.2 specifies. The steps can be exponential in the
// length of the string, so both the steps and their depth are limited.
type backtracker struct {
	text       string
	captures   []capture
	steps      int
	depth      int
	overworked bool
}

type capture struct{ start, end int } // start < 0 for none

const (
	maxSteps = 100_000
	maxFrame = 10_000
)

type continuation func(pos int) bool

// backtrack reports whether root matches anywhere in the text. If the limits are exceeded it reports false.
func backtrack(root *node, groups int, text string) bool {
	b := &backtracker{text: text, captures: make([]capture, groups+1)}
	for pos := 0; ; {
		b.forget(0, len(b.captures))
		if b.match(root, pos, false, func(int) bool { return true }) {
			return !b.overworked
		}
		_, size := utf8.DecodeRuneInString(text[pos:])
		if size == 0 || b.overworked {
			return false
		}
		pos += size
	}
}

func (b *backtracker) forget(from, to int) {
	for i := from; i < to; i++ {
		b.captures[i].start = -1
	}
}

// match matches n at pos, from right to left if backward, and then what follows it.
func (b *backtracker) match(n *node, pos int, backward bool, follow continuation) bool {
	b.steps++
	b.depth++
	defer func() { b.depth-- }()
	if b.overworked = b.overworked || b.steps > maxSteps || b.depth > maxFrame; b.overworked {
		return false
	}
	switch n.op {
	case opSet:
		after, ok := b.one(n.set, pos, backward)
		return ok && follow(after)
	case opConcat:
		return b.concat(n.subs, pos, backward, follow)
	case opAlternate:
		for _, sub := range n.subs {
			if b.match(sub, pos, backward, follow) {
				return true
			}
		}
		return false
	case opRepeat:
		if n.subs[0].op == opSet {
			return b.repeatSet(n, pos, backward, follow)
		}
		return b.repeat(n, pos, 0, backward, follow)
	case opGroup:
		return b.group(n, pos, backward, follow)
	case opReference:
		after, ok := b.reference(b.captures[n.index], pos, backward)
		return ok && follow(after)
	case opLook:
		return b.look(n, pos, follow)
	}
	return b.holds(n, pos) && follow(pos)
}

func (b *backtracker) one(set runes, pos int, backward bool) (int, bool) {
	if backward {
		r, size := utf8.DecodeLastRuneInString(b.text[:pos])
		return pos - size, size > 0 && set.has(r)
	}
	r, size := utf8.DecodeRuneInString(b.text[pos:])
	return pos + size, size > 0 && set.has(r)
}

func (b *backtracker) concat(subs []*node, pos int, backward bool, follow continuation) bool {
	if len(subs) == 0 {
		return follow(pos)
	}
	first, rest := subs[0], subs[1:]
	if backward {
		first, rest = subs[len(subs)-1], subs[:len(subs)-1]
	}
	return b.match(first, pos, backward, func(after int) bool { return b.concat(rest, after, backward, follow) })
}

// repeat is RepeatMatcher (§22.2.2.3.1): each round resets its groups, and an unnecessary empty round does not count.
func (b *backtracker) repeat(n *node, pos, count int, backward bool, follow continuation) bool {
	if n.max >= 0 && count >= n.max {
		return follow(pos)
	}
	round := func() bool {
		saved := append([]capture(nil), b.captures[n.first:n.last]...)
		b.forget(n.first, n.last)
		if b.match(n.subs[0], pos, backward, func(after int) bool {
			return (count < n.min || after != pos) && b.repeat(n, after, min(count+1, max(n.min, n.max)), backward, follow)
		}) {
			return true
		}
		copy(b.captures[n.first:n.last], saved)
		return false
	}
	switch {
	case count < n.min:
		return round()
	case n.lazy:
		return follow(pos) || round()
	}
	return round() || follow(pos)
}

// repeatSet is repeat for single characters, without a frame for each.
func (b *backtracker) repeatSet(n *node, pos int, backward bool, follow continuation) bool {
	ends := []int{pos} // by count
	for n.max < 0 || len(ends) <= n.max {
		if n.lazy && len(ends) > n.min && follow(ends[len(ends)-1]) {
			return true
		}
		after, ok := b.one(n.subs[0].set, ends[len(ends)-1], backward)
		if b.steps++; !ok || b.steps > maxSteps {
			break
		}
		ends = append(ends, after)
	}
	if n.lazy {
		return n.max >= 0 && len(ends) > n.max && follow(ends[n.max])
	}
	for count := len(ends) - 1; count >= n.min; count-- {
		if follow(ends[count]) {
			return true
		}
	}
	return false
}

func (b *backtracker) group(n *node, pos int, backward bool, follow continuation) bool {
	return b.match(n.subs[0], pos, backward, func(after int) bool {
		saved := b.captures[n.index]
		b.captures[n.index] = capture{min(pos, after), max(pos, after)}
		if follow(after) {
			return true
		}
		b.captures[n.index] = saved
		return false
	})
}

// reference matches the text that a group has matched; without a match it matches the empty string (§22.2.2.7.2).
func (b *backtracker) reference(c capture, pos int, backward bool) (int, bool) {
	if c.start < 0 {
		return pos, true
	}
	want := b.text[c.start:c.end]
	b.steps += len(want) / 16
	if backward {
		return pos - len(want), pos >= len(want) && b.text[pos-len(want):pos] == want
	}
	return pos + len(want), pos+len(want) <= len(b.text) && b.text[pos:pos+len(want)] == want
}

// look asserts without moving. The captures of a positive look-around stay, but it is not backtracked into.
func (b *backtracker) look(n *node, pos int, follow continuation) bool {
	saved := append([]capture(nil), b.captures...)
	matched := b.match(n.subs[0], pos, n.behind, func(int) bool { return true })
	if n.negated {
		copy(b.captures, saved)
	}
	if matched == n.negated || b.overworked {
		return false
	}
	if follow(pos) {
		return true
	}
	copy(b.captures, saved)
	return false
}

// holds reports whether an assertion about a position is satisfied.
func (b *backtracker) holds(n *node, pos int) bool {
	switch n.op {
	case opBegin:
		return pos == 0
	case opEnd:
		return pos == len(b.text)
	case opBoundary:
		before, size := utf8.DecodeLastRuneInString(b.text[:pos])
		word := size > 0 && isWord(before)
		after, size := utf8.DecodeRuneInString(b.text[pos:])
		return (word != (size > 0 && isWord(after))) != n.negated
	}
	return true // opEmpty
}
