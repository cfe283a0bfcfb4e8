package validate

import (
	"bytes"
	"hash/maphash"
)

// skipAny reads a value of any type.
func (l *lexer) skipAny() { l.skip(maxDepth - l.depth) }

// skip reads a value whose objects and arrays nest at most depth levels. It is as strict as reading for a type is.
func (l *lexer) skip(depth int) {
	switch c := l.peek(); c {
	case '"':
		if end, _ := l.endOfString(l.pos + 1); end >= 0 {
			l.pos = end + 1
		}
	case '{':
		l.skipObject(depth - 1)
	case '[':
		l.skipArray(depth - 1)
	case 't':
		l.word("true")
	case 'f':
		l.word("false")
	case 'n':
		l.word("null")
	default:
		if end := numberEnd(l.data, l.pos); end >= 0 {
			l.pos = end
			return
		}
		l.malformed(l.pos)
	}
}

func (l *lexer) skipObject(depth int) {
	if depth < 0 {
		l.malformed(l.pos)
		return
	}
	l.pos++
	l.depth++
	var names nameSet
	for n := 0; l.more(n, '}'); n++ {
		if l.member(nil, 0); l.bad == 0 && !names.add(l.key) {
			l.twice()
		}
		l.skip(depth)
	}
}

func (l *lexer) skipArray(depth int) {
	if depth < 0 {
		l.malformed(l.pos)
		return
	}
	l.pos++
	l.depth++
	for n := 0; l.more(n, ']'); n++ {
		l.skip(depth)
	}
}

// nameSet holds the names of an object's members that no bit stands for.
type nameSet struct {
	names [][]byte
	table []uint32 // 1 + the index of a name, at its hash or in the next free slot; nil as long as there are few
}

// fewNames is up to where comparing with each name is faster than a table.
const fewNames = 16

// nameSeed differs from process to process: nobody can send names that share a hash.
var nameSeed = maphash.MakeSeed()

// add reports false if name is in the set already. The set keeps name.
func (s *nameSet) add(name []byte) bool {
	if len(s.names) < fewNames {
		for _, n := range s.names {
			if bytes.Equal(n, name) {
				return false
			}
		}
		if s.names == nil {
			s.names = make([][]byte, 0, 4)
		}
		s.names = append(s.names, name)
		return true
	}
	if len(s.table) <= 2*len(s.names) {
		s.grow()
	}
	slot := s.slot(name)
	if *slot != 0 {
		return false
	}
	s.names = append(s.names, name)
	*slot = uint32(len(s.names))
	return true
}

// slot returns the slot of name, or the free one where it belongs. At least half of them are free.
func (s *nameSet) slot(name []byte) *uint32 {
	for hash := maphash.Bytes(nameSeed, name); ; hash++ {
		slot := &s.table[hash%uint64(len(s.table))]
		if *slot == 0 || bytes.Equal(s.names[*slot-1], name) {
			return slot
		}
	}
}

func (s *nameSet) grow() {
	s.table = make([]uint32, 4*len(s.names))
	for i, name := range s.names {
		*s.slot(name) = uint32(i + 1)
	}
}

// ignored reads the value of a member that the contract ignores.
func (l *lexer) ignored(names *nameSet, depth int) {
	if l.bad == 0 && !names.add(l.key) {
		l.twice()
	}
	l.skip(min(depth, maxDepth-l.depth))
}

// free reads the value of a member that is not declared and need not be.
func (l *lexer) free(names *nameSet) { l.ignored(names, maxDepth) }

// unknown reads the value of a member that is not declared and must be.
func (l *lexer) unknown(names *nameSet, want *Expected) {
	l.fault(l.pos, "additionalProperties", "", want)
	l.free(names)
}
