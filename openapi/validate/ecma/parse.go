package ecma

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

type operation uint8

const (
	opEmpty operation = iota
	opSet             // one character of set
	opConcat
	opAlternate
	opRepeat    // min to max times; max < 0 for any number
	opGroup     // group number index
	opReference // what group number index matched
	opLook      // subs[0] matches behind or ahead of here, or negated: does not
	opBegin
	opEnd
	opBoundary // negated: \B
)

// node is a part of a pattern.
type node struct {
	op              operation
	set             runes
	subs            []*node
	min, max        int
	lazy            bool
	index           int
	first, last     int // the groups in what is repeated: from first to before last
	negated, behind bool
}

const (
	maxPattern = 1 << 16 // bytes
	maxDepth   = 200     // of groups within groups
)

// parser reads a Pattern of ECMA-262 §22.2.1 with the flag u.
type parser struct {
	text   string
	pos    int
	depth  int
	groups int
	names  map[string]int
	// references are resolved once all groups are known.
	references []reference
	// tolerated is the offset of syntax that is invalid with u but accepted by §B.1.2; -1 for none.
	tolerated int
	uses      struct{ look, reference bool }
}

type reference struct {
	node *node
	name string
	pos  int
}

// syntaxError is a violation of ECMA-262 in a pattern.
type syntaxError struct {
	pattern, reason string
	pos             int
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("pattern %q, byte %d: %s", e.pattern, e.pos, e.reason)
}

// parse parses a pattern. It recovers the panics of *syntaxError and *Unsupported, which only methods of parser raise.
func parse(pattern string) (p *parser, n *node, err error) {
	p = &parser{text: pattern, names: map[string]int{}, tolerated: -1}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *syntaxError:
			err = e
		case *Unsupported:
			err = e
		default:
			panic(e)
		}
	}()
	if !utf8.ValidString(pattern) {
		p.fail("not UTF-8")
	}
	if len(pattern) > maxPattern {
		panic(&Unsupported{Pattern: pattern[:64] + "…", Reason: "the pattern is too long"})
	}
	n = p.disjunction()
	if p.pos < len(p.text) {
		p.fail("a parenthesis that nothing opens")
	}
	p.resolve()
	return p, n, nil
}

func (p *parser) fail(reason string) {
	panic(&syntaxError{pattern: p.text, reason: reason, pos: p.pos})
}

// tolerate records syntax that is invalid with the flag u but valid without it.
func (p *parser) tolerate() {
	if p.tolerated < 0 {
		p.tolerated = p.pos
	}
}

func (p *parser) unsupported(reason string) { panic(&Unsupported{Pattern: p.text, Reason: reason}) }

// resolve sets the groups of the references.
func (p *parser) resolve() {
	for _, r := range p.references {
		p.pos = r.pos
		if r.name != "" {
			index, ok := p.names[r.name]
			if !ok {
				p.fail("no group has this name")
			}
			r.node.index = index
		}
		if r.node.index > p.groups {
			p.fail("no group has this number")
		}
	}
}

func (p *parser) more() bool { return p.pos < len(p.text) }

func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *parser) take(prefix string) bool {
	if strings.HasPrefix(p.text[p.pos:], prefix) {
		p.pos += len(prefix)
		return true
	}
	return false
}

func (p *parser) rune() rune {
	r, size := utf8.DecodeRuneInString(p.text[p.pos:])
	p.pos += size
	return r
}

func (p *parser) disjunction() *node {
	if p.depth++; p.depth > maxDepth {
		p.unsupported(fmt.Sprintf("groups nest deeper than %d", maxDepth))
	}
	alternatives := []*node{p.alternative()}
	for p.take("|") {
		alternatives = append(alternatives, p.alternative())
	}
	p.depth--
	if len(alternatives) == 1 {
		return alternatives[0]
	}
	return &node{op: opAlternate, subs: alternatives}
}

func (p *parser) alternative() *node {
	var terms []*node
	for p.more() && p.peek() != '|' && p.peek() != ')' {
		terms = append(terms, p.term())
	}
	switch len(terms) {
	case 0:
		return &node{op: opEmpty}
	case 1:
		return terms[0]
	}
	return &node{op: opConcat, subs: terms}
}

func (p *parser) term() *node {
	groups := p.groups
	atom := p.atom()
	start := p.pos
	low, high, ok := p.quantifier()
	if !ok {
		return atom
	}
	switch atom.op {
	case opBegin, opEnd, opBoundary, opLook:
		p.pos = start
		p.fail("nothing to repeat")
	}
	return &node{op: opRepeat, subs: []*node{atom}, min: low, max: high, lazy: p.take("?"), first: groups + 1, last: p.groups + 1}
}

// quantifier reads the quantifier of the preceding part.
func (p *parser) quantifier() (low, high int, ok bool) {
	switch {
	case p.take("*"):
		return 0, -1, true
	case p.take("+"):
		return 1, -1, true
	case p.take("?"):
		return 0, 1, true
	case p.peek() == '{':
		return p.braces()
	}
	return 0, 0, false
}

func (p *parser) braces() (low, high int, ok bool) {
	start := p.pos
	p.pos++
	low, ok = p.decimal()
	high = low
	if ok && p.take(",") {
		if high, ok = p.decimal(); !ok {
			high, ok = -1, true
		}
	}
	if !ok || !p.take("}") {
		p.pos = start
		return 0, 0, false
	}
	if high >= 0 && high < low {
		p.fail("numbers out of order in a quantifier")
	}
	return low, high, true
}

// decimal reads digits. It limits the value to more than the length of any string.
func (p *parser) decimal() (int, bool) {
	start, n := p.pos, 0
	for p.more() && p.peek()-'0' <= 9 {
		n = min(n*10+int(p.peek()-'0'), math.MaxInt32)
		p.pos++
	}
	return n, p.pos > start
}

func (p *parser) atom() *node {
	switch c := p.peek(); c {
	case '^':
		p.pos++
		return &node{op: opBegin}
	case '$':
		p.pos++
		return &node{op: opEnd}
	case '.':
		p.pos++
		return &node{op: opSet, set: lineTerminator.complement()}
	case '(':
		return p.group()
	case '[':
		return &node{op: opSet, set: p.class()}
	case '\\':
		return p.escapedAtom()
	case '*', '+', '?':
		p.fail("nothing to repeat")
	case '{':
		if _, _, ok := p.braces(); ok {
			p.fail("nothing to repeat")
		}
		p.tolerate()
	case '}', ']':
		p.tolerate()
	}
	r := p.rune()
	return &node{op: opSet, set: runes{r, r}}
}

func (p *parser) group() *node {
	start := p.pos
	switch {
	case p.take("(?:"):
		return p.inside(start)
	case p.take("(?="):
		return p.look(start, false, false)
	case p.take("(?!"):
		return p.look(start, false, true)
	case p.take("(?<="):
		return p.look(start, true, false)
	case p.take("(?<!"):
		return p.look(start, true, true)
	}
	p.groups++
	group := &node{op: opGroup, index: p.groups}
	if p.take("(?<") {
		name := p.groupName()
		if p.names[name] != 0 {
			p.fail("a group of this name exists")
		}
		p.names[name] = group.index
	} else if p.pos++; p.peek() == '?' {
		p.fail("invalid group")
	}
	group.subs = []*node{p.inside(start)}
	return group
}

func (p *parser) look(start int, behind, negated bool) *node {
	p.uses.look = true
	return &node{op: opLook, behind: behind, negated: negated, subs: []*node{p.inside(start)}}
}

func (p *parser) inside(start int) *node {
	n := p.disjunction()
	if !p.take(")") {
		p.pos = start
		p.fail("a group without its end")
	}
	return n
}
