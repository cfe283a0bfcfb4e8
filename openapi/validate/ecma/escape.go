package ecma

import (
	"strings"
	"unicode"
)

// escapedAtom reads an AtomEscape, \b or \B.
func (p *parser) escapedAtom() *node {
	switch c := p.escaped(); {
	case c == 'b', c == 'B':
		p.pos += 2
		return &node{op: opBoundary, negated: c == 'B'}
	case c >= '1' && c <= '9':
		start := p.pos
		p.pos++
		index, _ := p.decimal()
		return p.reference(&node{op: opReference, index: index}, "", start)
	case c == 'k':
		start := p.pos
		if p.pos += 2; !p.take("<") {
			p.fail("invalid named reference")
		}
		return p.reference(&node{op: opReference}, p.groupName(), start)
	}
	if set, ok := p.classEscape(); ok {
		return &node{op: opSet, set: set}
	}
	r := p.characterEscape()
	return &node{op: opSet, set: runes{r, r}}
}

func (p *parser) reference(n *node, name string, pos int) *node {
	p.uses.reference = true
	p.references = append(p.references, reference{n, name, pos})
	return n
}

// escaped returns the byte after the backslash.
func (p *parser) escaped() byte {
	if p.pos+1 >= len(p.text) {
		p.fail(`\ at the end of the pattern`)
	}
	return p.text[p.pos+1]
}

// classEscape reads \d, \s, \w, \p and their complements.
func (p *parser) classEscape() (runes, bool) {
	var set runes
	c := p.escaped()
	switch c | 0x20 {
	case 'd':
		set = digits
	case 's':
		set = whiteSpace
	case 'w':
		set = wordRunes
	case 'p':
		return p.propertyEscape(c == 'P'), true
	default:
		return nil, false
	}
	p.pos += 2
	if c&0x20 == 0 {
		return set.complement(), true
	}
	return set, true
}

func (p *parser) propertyEscape(negated bool) runes {
	start := p.pos
	if p.pos += 2; !p.take("{") {
		p.fail("invalid property name")
	}
	end := strings.IndexByte(p.text[p.pos:], '}')
	if end < 0 {
		p.fail("invalid property name")
	}
	name, value, hasValue := strings.Cut(p.text[p.pos:p.pos+end], "=")
	set, known := property(name, value, hasValue)
	switch {
	case known && set == nil:
		p.unsupported(`the tables of \` + p.text[start+1:p.pos+end+1] + " are not at hand")
	case !known:
		p.pos = start
		p.fail("invalid property name")
	}
	p.pos += end + 1
	if negated {
		return set.complement()
	}
	return set
}

// controls are the ControlEscapes.
var controls = map[byte]rune{'t': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r'}

// characterEscape reads a CharacterEscape.
func (p *parser) characterEscape() rune {
	c := p.escaped()
	if r, ok := controls[c]; ok {
		p.pos += 2
		return r
	}
	switch {
	case c == 'c':
		return p.controlLetter()
	case c == '0':
		if p.pos += 2; p.peek()-'0' <= 9 {
			p.fail("invalid decimal escape")
		}
		return 0
	case c == 'x':
		p.pos += 2
		return p.hex(2)
	case c == 'u':
		p.pos += 2
		return p.unicodeEscape()
	}
	return p.identityEscape()
}

func (p *parser) controlLetter() rune {
	if p.pos+2 >= len(p.text) || !letter(p.text[p.pos+2]) {
		p.fail("invalid control escape")
	}
	p.pos += 3
	return rune(p.text[p.pos-1] & 0x1f)
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// identityEscape reads a character that stands for itself. With u these are the syntax characters; without it, all that do
// not start another escape. It rejects what is an anchor, a class or a character in other dialects.
func (p *parser) identityEscape() rune {
	start := p.pos
	p.pos++
	r := p.rune()
	if strings.ContainsRune(`^$\.*+?()[]{}|/`, r) {
		return r
	}
	if strings.ContainsRune("AZzapPBk", r) || r >= '0' && r <= '9' {
		p.pos = start
		p.fail("invalid escape")
	}
	p.tolerate()
	return r
}

func (p *parser) hex(length int) rune {
	if p.pos+length > len(p.text) {
		p.fail("invalid escape")
	}
	var r rune
	for _, c := range []byte(p.text[p.pos : p.pos+length]) {
		digit := hexDigit(c)
		if digit < 0 {
			p.fail("invalid escape")
		}
		r = r<<4 | digit
	}
	p.pos += length
	return r
}

func hexDigit(c byte) rune {
	switch {
	case c-'0' <= 9:
		return rune(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}

// unicodeEscape reads what follows \u: four digits, two times four that are a surrogate pair, or digits in braces.
func (p *parser) unicodeEscape() rune {
	if p.take("{") {
		return p.codePoint()
	}
	r := p.hex(4)
	if r >= 0xd800 && r < 0xdc00 && strings.HasPrefix(p.text[p.pos:], `\u`) {
		start := p.pos
		p.pos += 2
		if p.peek() != '{' {
			if low := p.hex(4); low >= 0xdc00 && low < 0xe000 {
				return 0x10000 + (r-0xd800)<<10 + low - 0xdc00
			}
		}
		p.pos = start
	}
	return r
}

func (p *parser) codePoint() rune {
	var r rune
	start := p.pos
	for ; p.peek() != '}'; p.pos++ {
		digit := hexDigit(p.peek())
		if digit < 0 {
			p.fail("invalid escape")
		}
		if r = r<<4 | digit; r > unicode.MaxRune {
			p.fail("a code point beyond Unicode")
		}
	}
	if p.pos == start {
		p.fail("invalid escape")
	}
	p.pos++
	return r
}

// groupName reads a RegExpIdentifierName and the > after it.
func (p *parser) groupName() string {
	var name strings.Builder
	for p.more() && p.peek() != '>' {
		var r rune
		if p.take(`\u`) {
			r = p.unicodeEscape()
		} else {
			r = p.rune()
		}
		if !identifier(r, name.Len() == 0) {
			p.fail("invalid group name")
		}
		name.WriteRune(r)
	}
	if name.Len() == 0 || !p.take(">") {
		p.fail("invalid group name")
	}
	return name.String()
}

func identifier(r rune, first bool) bool {
	if r == '$' || r == '_' || unicode.In(r, idStart...) {
		return true
	}
	return !first && (r == 0x200c || r == 0x200d || unicode.In(r, idContinue...))
}
