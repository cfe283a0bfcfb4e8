package runtime

import "bytes"

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
	few  [][]byte
	many map[string]struct{}
}

// fewNames is up to where comparing with each name is faster than a map.
const fewNames = 12

// add reports false if name is in the set already. The set keeps name.
func (s *nameSet) add(name []byte) bool {
	if s.many == nil {
		for _, n := range s.few {
			if bytes.Equal(n, name) {
				return false
			}
		}
		if len(s.few) < fewNames {
			s.few = append(s.few, name)
			return true
		}
		s.many = make(map[string]struct{}, 4*fewNames)
		for _, n := range s.few {
			s.many[string(n)] = struct{}{}
		}
	}
	if _, ok := s.many[string(name)]; ok {
		return false
	}
	s.many[string(name)] = struct{}{}
	return true
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
