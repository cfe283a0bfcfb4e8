package ecma

import (
	"fmt"
	"slices"
	"unsafe"
)

// Pattern is a compiled pattern. It is safe for concurrent use.
type Pattern struct {
	text     string
	all      []clause // a string must satisfy each
	tolerant bool
}

// clause is a part of a pattern that is matched separately. If negated, it must not match.
type clause struct {
	matcher matcher
	negated bool
}

type matcher interface{ match(text string) bool }

// Unsupported is the error for a pattern that is valid in ECMA-262 but that this package cannot match.
type Unsupported struct {
	Pattern string
	Reason  string
}

func (e *Unsupported) Error() string { return fmt.Sprintf("pattern %q: %s", e.Pattern, e.Reason) }

// Compile compiles a pattern. If the pattern is valid but unsupported, the error is *Unsupported.
func Compile(pattern string) (*Pattern, error) {
	p, root, err := parse(pattern)
	if err != nil {
		return nil, err
	}
	compiled := &Pattern{text: pattern, tolerant: p.tolerated >= 0}
	if p.uses.reference {
		compiled.all = []clause{{matcher: referring{root, p.groups}}}
		return compiled, nil
	}
	for _, part := range split(root) {
		m, err := compile(pattern, part.node)
		if err != nil {
			return nil, err
		}
		compiled.all = append(compiled.all, clause{m, part.negated})
	}
	return compiled, nil
}

// MustCompile is Compile for generated code, whose patterns are known to compile. It panics on an error.
func MustCompile(pattern string) *Pattern {
	p, err := Compile(pattern)
	if err != nil {
		panic(err)
	}
	return p
}

// Valid reports whether a pattern is valid in ECMA-262 with the flag u.
func Valid(pattern string) bool {
	p, _, err := parse(pattern)
	if _, unsupported := err.(*Unsupported); unsupported { //nolint:errorlint // parse wraps no errors
		return true
	}
	return err == nil && p.tolerated < 0
}

// String returns the text of the pattern.
func (p *Pattern) String() string { return p.text }

// Tolerant reports whether the pattern is invalid with the flag u and was accepted anyway; see the package comment.
func (p *Pattern) Tolerant() bool { return p.tolerant }

// MatchString reports whether the pattern matches anywhere in s, which must be UTF-8.
func (p *Pattern) MatchString(s string) bool {
	for i := range p.all {
		if p.all[i].matcher.match(s) == p.all[i].negated {
			return false
		}
	}
	return true
}

// Match is MatchString for bytes, which it neither keeps nor changes.
func (p *Pattern) Match(b []byte) bool {
	return p.MatchString(unsafe.String(unsafe.SliceData(b), len(b)))
}

// referring is a pattern with back references.
type referring struct {
	root   *node
	groups int
}

func (r referring) match(text string) bool { return backtrack(r.root, r.groups, text) }

// automaton is a program that is too large for a table or has look-arounds.
type automaton struct{ *program }

func (a automaton) match(text string) bool { return a.run(text) }

// compile returns the fastest matcher of a pattern without references.
func compile(pattern string, root *node) (matcher, error) {
	if list := counted(root); list != nil {
		return list, nil
	}
	p, err := assemble(pattern, shorten(root, true, true))
	if err != nil {
		return nil, err
	}
	if t := tabulate(p); t != nil {
		return t, nil
	}
	return automaton{p}, nil
}

// shorten returns a pattern that matches the same strings in fewer steps. A match may lie anywhere. So at its very start or
// end, the least count of a repetition is enough: ^.{1,2097152} has the meaning of ^. and a*b that of b.
func shorten(n *node, start, end bool) *node {
	switch {
	case n.op == opRepeat && n.min == 0 && (start || end):
		return &node{op: opEmpty}
	case n.op == opRepeat && (start || end):
		return &node{op: opRepeat, subs: n.subs, min: n.min, max: n.min}
	case n.op == opGroup:
		return shorten(n.subs[0], start, end)
	case n.op == opAlternate:
		alternatives := make([]*node, len(n.subs))
		for i, sub := range n.subs {
			alternatives[i] = shorten(sub, start, end)
		}
		return &node{op: opAlternate, subs: alternatives}
	case n.op == opConcat:
		return shortenAll(n.subs, start, end)
	}
	return n
}

// shortenAll shortens the parts at the start and the end. If nothing is left of one, the next one takes its place.
func shortenAll(subs []*node, start, end bool) *node {
	subs = slices.Clone(subs)
	for start && len(subs) > 0 {
		if subs[0] = shorten(subs[0], true, end && len(subs) == 1); subs[0].op != opEmpty {
			break
		}
		subs = subs[1:]
	}
	for last := len(subs) - 1; end && last >= 0; last-- {
		if subs[last] = shorten(subs[last], start && last == 0, true); subs[last].op != opEmpty {
			break
		}
		subs = subs[:last]
	}
	return concat(subs...)
}

// part is a pattern that is matched separately.
type part struct {
	node    *node
	negated bool
}

// split separates look-aheads at the very start, as in ^(?=.*\d)(?!.*--)…, and look-behinds at the very end. As separate
// patterns they need no look-arounds.
func split(root *node) []part {
	if root.op != opConcat {
		return []part{{root, false}}
	}
	subs := root.subs
	var parts []part
	begin, end := subs[0], subs[len(subs)-1]
	if begin.op == opBegin {
		subs = subs[1:]
		for len(subs) > 0 && subs[0].op == opLook && !subs[0].behind {
			parts = append(parts, part{concat(begin, subs[0].subs[0]), subs[0].negated})
			subs = subs[1:]
		}
		subs = append([]*node{begin}, subs...)
	}
	if end.op == opEnd && len(subs) > 1 {
		subs = subs[:len(subs)-1]
		for len(subs) > 0 && subs[len(subs)-1].op == opLook && subs[len(subs)-1].behind {
			last := subs[len(subs)-1]
			parts = append(parts, part{concat(last.subs[0], end), last.negated})
			subs = subs[:len(subs)-1]
		}
		subs = append(subs[:len(subs):len(subs)], end)
	}
	return append(parts, part{concat(subs...), false})
}

func concat(subs ...*node) *node {
	switch len(subs) {
	case 0:
		return &node{op: opEmpty}
	case 1:
		return subs[0]
	}
	return &node{op: opConcat, subs: subs}
}
