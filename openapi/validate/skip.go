package validate

import (
	"bytes"
	"hash/maphash"
)

// Skip reads a value of any type.
func (r *Reader) Skip() { r.skip(maxDepth - r.depth) }

// skip reads a value whose objects and arrays nest at most depth levels. It is as strict as reading for a type, unless the
// contract has accepted the value: then it was read strictly before.
func (r *Reader) skip(depth int) {
	switch {
	case r.pos+1 == r.start:
		r.pos = r.judged
		return
	case r.pos < r.judged:
		r.pos = jsonEnd(r.data, r.pos)
		return
	}
	switch c := r.Peek(); c {
	case '"':
		if end, _ := r.endOfString(r.pos + 1); end >= 0 {
			r.pos = end + 1
		}
	case '{':
		r.skipObject(depth - 1)
	case '[':
		r.skipArray(depth - 1)
	case 't':
		r.word("true")
	case 'f':
		r.word("false")
	case 'n':
		r.word("null")
	default:
		if end := numberEnd(r.data, r.pos); end >= 0 {
			r.pos = end
			return
		}
		r.malformed(r.pos)
	}
}

// jsonEnd returns the offset after the value at offset i. The bytes are known to be JSON.
func jsonEnd(data []byte, i int) int {
	depth := 0
	for ; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = closingQuote(data, i+1)
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return i // after a number or a word
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i // after a number or a word
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return i
}

func (r *Reader) skipObject(depth int) {
	if depth < 0 {
		r.malformed(r.pos)
		return
	}
	r.pos++
	r.depth++
	var o ObjectReader
	for r.Next(&o) {
		r.other(&o)
		r.skip(depth)
	}
}

func (r *Reader) skipArray(depth int) {
	if depth < 0 {
		r.malformed(r.pos)
		return
	}
	r.pos++
	r.depth++
	for n := 0; r.More(n, ']'); n++ {
		r.skip(depth)
	}
}

// nameSet has the names of an object's members that are not in [Members].
type nameSet struct {
	names [][]byte
	table []uint32 // 1 + the index of a name, in its hash slot or the next free one; nil while there are few
}

// fewNames is the number of names up to which comparing with each is faster than a table.
const fewNames = 16

// nameSeed is random per process, so that clients cannot send names with the same hash.
var nameSeed = maphash.MakeSeed()

// add reports false if the set already has the name. The set keeps name.
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

// slot returns the slot of name, or the free one for it. At least half of the slots are free.
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

// other records that the current member has a name of its own.
func (r *Reader) other(o *ObjectReader) {
	if r.bad == 0 && r.pos >= r.judged && !o.others.add(r.key) {
		r.Duplicate()
	}
}

// Ignored reads the value of a member that the contract ignores. Its objects and arrays nest at most depth levels, unless
// depth is 0.
func (r *Reader) Ignored(o *ObjectReader, depth int) {
	o.ignored++
	r.other(o)
	if most := maxDepth - r.depth; depth == 0 || depth > most {
		depth = most
	}
	r.skip(depth)
}

// Free reads the value of an undeclared member that is allowed.
func (r *Reader) Free(o *ObjectReader) {
	r.other(o)
	r.Skip()
}

// Unknown reads the value of an undeclared member that is not allowed.
func (r *Reader) Unknown(o *ObjectReader, want *Expected) {
	r.Fault(r.pos, "additionalProperties", "", want)
	r.Free(o)
}

// Checked reads the value of an undeclared member and checks it by s.
func (r *Reader) Checked(o *ObjectReader, s *Schema) {
	r.other(o)
	r.Check(s)
}
