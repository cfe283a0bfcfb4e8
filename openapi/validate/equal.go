package validate

import (
	"hash/maphash"
	"math/bits"
)

// inEnum reports whether a value is one of the enum.
func (r *run) inEnum(s *Schema, at uint32) bool {
	for _, v := range s.values {
		if equal(r.tape, at, s.enum, v) {
			return true
		}
	}
	return false
}

// equal reports whether two values are equal (JSON Schema 2020-12 §4.2.2): numbers by value, objects in any order.
func equal(t *tape, at uint32, o *tape, other uint32) bool {
	a, b := &t.tokens[at], &o.tokens[other]
	if isText(a.kind) && isText(b.kind) {
		return t.chars(at) == o.chars(other)
	}
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case numberToken:
		return t.raw(at) == o.raw(other) || equalNumbers(t.data[a.start:a.end], o.data[b.start:b.end])
	case arrayToken:
		return equalItems(t, at, o, other)
	case objectToken:
		return equalMembers(t, at, o, other)
	}
	return true
}

func equalNumbers(a, b []byte) bool {
	x, xPlaces, ok := small(a)
	y, yPlaces, both := small(b)
	if !ok || !both {
		return parseDecimal(a).compare(parseDecimal(b)) == 0
	}
	x, xPlaces = shortest(x, xPlaces)
	y, yPlaces = shortest(y, yPlaces)
	return x == y && xPlaces == yPlaces
}

// shortest removes trailing zeros after the decimal point from mantissa·10^-places.
func shortest(mantissa int64, places int) (int64, int) {
	for places > 0 && mantissa%10 == 0 {
		mantissa, places = mantissa/10, places-1
	}
	return mantissa, places
}

func isText(kind tokenKind) bool { return kind == stringToken || kind == nameToken }

func equalItems(t *tape, at uint32, o *tape, other uint32) bool {
	i, j := at+1, other+1
	for i < t.tokens[at].next && j < o.tokens[other].next {
		if !equal(t, i, o, j) {
			return false
		}
		i, j = t.tokens[i].next, o.tokens[j].next
	}
	return i == t.tokens[at].next && j == o.tokens[other].next
}

func equalMembers(t *tape, at uint32, o *tape, other uint32) bool {
	n := t.members(at)
	if n != o.members(other) {
		return false
	}
	find := o.find
	if n > crowded {
		find = o.index(other)
	}
	for i := at + 1; i < t.tokens[at].next; i = t.tokens[i+1].next {
		if v := find(other, t.chars(i), t.tokens[i].next); v == 0 || !equal(t, i+1, o, v) {
			return false
		}
	}
	return true
}

// members returns the number of members of an object.
func (t *tape) members(at uint32) int {
	n := 0
	for i := at + 1; i < t.tokens[at].next; i = t.tokens[i+1].next {
		n++
	}
	return n
}

// index returns a find with a table, for an object with many members.
func (t *tape) index(at uint32) func(uint32, string, uint32) uint32 {
	values := map[string]uint32{}
	for i := at + 1; i < t.tokens[at].next; i = t.tokens[i+1].next {
		values[t.chars(i)] = i + 1
	}
	return func(_ uint32, name string, _ uint32) uint32 { return values[name] }
}

// find returns the value of an object's member; 0 if it is absent.
func (t *tape) find(at uint32, name string, hash uint32) uint32 {
	for i := at + 1; i < t.tokens[at].next; i = t.tokens[i+1].next {
		if t.tokens[i].next == hash && t.chars(i) == name {
			return i + 1
		}
	}
	return 0
}

// unique reports whether no two items of an array are equal. It compares only items with the same hash. The hash has a
// secret seed, so that clients cannot send items that must all be compared with each other.
func (r *run) unique(at uint32) bool {
	seen := map[uint64]uint32{}
	for i := at + 1; i < r.tokens[at].next; i = r.tokens[i].next {
		hash := r.hash(i)
		for ; seen[hash] != 0; hash++ {
			if equal(r.tape, i, r.tape, seen[hash]) {
				return false
			}
		}
		seen[hash] = i
	}
	return true
}

// hash returns equal hashes for equal values.
func (t *tape) hash(at uint32) uint64 {
	tok := &t.tokens[at]
	switch tok.kind {
	case stringToken, nameToken:
		return maphash.String(nameSeed, t.chars(at))
	case numberToken:
		d := parseDecimal(t.data[tok.start:tok.end])
		return maphash.Bytes(nameSeed, d.digits) + uint64(d.exp)*3 + uint64(d.sign())
	case arrayToken:
		h := secret
		for i := at + 1; i < tok.next; i = t.tokens[i].next {
			h = mix(h ^ t.hash(i))
		}
		return mix(h)
	case objectToken:
		h := ^secret
		for i := at + 1; i < tok.next; i = t.tokens[i+1].next {
			h += mix(maphash.String(nameSeed, t.chars(i)) ^ mix(t.hash(i+1)))
		}
		return mix(h)
	}
	return mix(secret + uint64(tok.kind))
}

// secret is random per process.
var secret = maphash.String(nameSeed, "") | 1

func mix(h uint64) uint64 {
	hi, lo := bits.Mul64(h^secret, secret)
	return hi ^ lo
}
