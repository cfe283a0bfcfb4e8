package ecma

import "fmt"

// program is a pattern as a nondeterministic automaton. It determines only whether there is a match, so that it needs no
// order of preference and reads each character once.
type program struct {
	code  []instruction
	start int
	looks []look // nested ones before those that contain them
}

type instruction struct {
	kind        instructionKind
	negated     bool
	next, other int // other: the second branch of a fork, or the number of a look
	set         runes
}

type instructionKind uint8

const (
	matchKind instructionKind = iota
	setKind
	forkKind
	beginKind
	endKind
	boundaryKind
	lookKind
)

// look is a look-around: it matches start from a position onwards, or backwards for a look-behind. It runs over the
// whole string against its direction, so that the result is known for all positions at once.
type look struct {
	start  int
	behind bool
}

// maxCode limits the instructions of a program.
const maxCode = 1 << 13

// compiler writes instructions from the back: each part knows the one that follows.
type compiler struct {
	program
	pattern string
}

// assemble returns the program of a pattern without references. The error is *Unsupported if the program is too long.
func assemble(pattern string, root *node) (p *program, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *Unsupported:
			err = e
		default:
			panic(e)
		}
	}()
	c := &compiler{pattern: pattern}
	c.start = c.part(root, c.emit(instruction{kind: matchKind}), false)
	return &c.program, nil
}

func (c *compiler) emit(i instruction) int {
	if len(c.code) >= maxCode {
		panic(&Unsupported{Pattern: c.pattern, Reason: fmt.Sprintf("it needs more than %d states", maxCode)})
	}
	c.code = append(c.code, i)
	return len(c.code) - 1
}

// part writes n before next and returns its start. With reverse it reads the string from right to left.
func (c *compiler) part(n *node, next int, reverse bool) int {
	switch n.op {
	case opSet:
		return c.emit(instruction{kind: setKind, set: n.set, next: next})
	case opGroup:
		return c.part(n.subs[0], next, reverse)
	case opConcat:
		for i := range n.subs {
			if !reverse {
				i = len(n.subs) - 1 - i
			}
			next = c.part(n.subs[i], next, reverse)
		}
		return next
	case opAlternate:
		start := c.part(n.subs[0], next, reverse)
		for _, sub := range n.subs[1:] {
			start = c.emit(instruction{kind: forkKind, next: start, other: c.part(sub, next, reverse)})
		}
		return start
	case opRepeat:
		return c.repeat(n, next, reverse)
	case opBegin:
		return c.emit(instruction{kind: beginKind, next: next})
	case opEnd:
		return c.emit(instruction{kind: endKind, next: next})
	case opBoundary:
		return c.emit(instruction{kind: boundaryKind, negated: n.negated, next: next})
	case opLook:
		return c.look(n, next)
	}
	return next // opEmpty
}

func (c *compiler) repeat(n *node, next int, reverse bool) int {
	sub := n.subs[0]
	if matchesNothingOnly(sub) {
		return c.part(sub, next, reverse)
	}
	if n.max < 0 {
		loop := c.emit(instruction{kind: forkKind, other: next})
		c.code[loop].next = c.part(sub, loop, reverse)
		next = loop
	} else {
		end := next
		for range n.max - n.min {
			next = c.emit(instruction{kind: forkKind, next: c.part(sub, next, reverse), other: end})
		}
	}
	for range n.min {
		next = c.part(sub, next, reverse)
	}
	return next
}

// matchesNothingOnly reports whether n has no instructions, so that a repetition has no effect.
func matchesNothingOnly(n *node) bool {
	switch n.op {
	case opEmpty:
		return true
	case opGroup, opConcat, opAlternate, opRepeat:
		for _, sub := range n.subs {
			if !matchesNothingOnly(sub) {
				return false
			}
		}
		return true
	}
	return false
}

func (c *compiler) look(n *node, next int) int {
	match := c.emit(instruction{kind: matchKind})
	start := c.part(n.subs[0], match, !n.behind)
	c.looks = append(c.looks, look{start, n.behind})
	return c.emit(instruction{kind: lookKind, negated: n.negated, other: len(c.looks) - 1, next: next})
}
