package ecma

import "strings"

// class reads a CharacterClass.
func (p *parser) class() runes {
	start := p.pos
	p.pos++
	negated := p.take("^")
	var pairs []rune
	for !p.take("]") {
		if !p.more() {
			p.pos = start
			p.fail("a class without its end")
		}
		pairs = append(pairs, p.classRange()...)
	}
	set := normal(pairs)
	if negated {
		return set.complement()
	}
	return set
}

// classRange reads a member of a class, or a range.
func (p *parser) classRange() runes {
	low, single := p.classAtom()
	if p.peek() != '-' || strings.HasPrefix(p.text[p.pos:], "-]") || p.pos+1 >= len(p.text) {
		return low
	}
	dash := p.pos
	p.pos++
	high, alsoSingle := p.classAtom()
	if !single || !alsoSingle {
		// §B.1.2 reads the hyphen of [\w-.] literally.
		p.tolerate()
		return append(append(low[:len(low):len(low)], '-', '-'), high...)
	}
	if low[0] > high[0] {
		p.pos = dash
		p.fail("a range out of order in a class")
	}
	return runes{low[0], high[0]}
}

// classAtom reads a member of a class, and reports whether it is one character.
func (p *parser) classAtom() (runes, bool) {
	if p.peek() != '\\' {
		r := p.rune()
		return runes{r, r}, true
	}
	switch p.escaped() {
	case 'b':
		p.pos += 2
		return runes{'\b', '\b'}, true
	case '-':
		p.pos += 2
		return runes{'-', '-'}, true
	}
	if set, ok := p.classEscape(); ok {
		return set, false
	}
	r := p.characterEscape()
	return runes{r, r}, true
}
