package validate

import (
	"hash/maphash"
	"math/bits"
	"unicode/utf8"
)

// frame is an object or array that is being scanned.
type frame struct {
	at      uint32 // its token
	members uint32
	seen    uint64 // a bit for each hash of a name, modulo 64
}

// crowded is the number of members from which an object's names are in a table.
const crowded = 24

// scan writes the tape of the JSON value at offset i of data and returns the offset after it. It reports false if the value
// is not I-JSON or nests deeper than depth levels. It reads each byte once.
func (t *tape) scan(data []byte, i, depth int) (int, bool) {
	t.data, t.tokens, t.stack, t.quote = data, t.tokens[:0], t.stack[:0], 1
	t.names.reset()
	t.share()
	var top frame // the innermost object or array
	open := 0     // the number of open objects and arrays
	for {
		// a value starts at i
		if i >= len(data) {
			return 0, false
		}
		switch c := data[i]; c {
		case '"':
			end, flags := t.stringEnd(i + 1)
			if end < 0 {
				return 0, false
			}
			t.tokens = append(t.tokens, token{start: uint32(i + 1), end: uint32(end), next: uint32(len(t.tokens) + 1), traits: traits{stringToken, flags}})
			i = end + 1
		case '{', '[':
			if open > 0 {
				t.tokens[top.at].flags |= nested
			}
			if open++; open > depth {
				return 0, false
			}
			t.stack = append(t.stack, top)
			top = frame{at: uint32(len(t.tokens))}
			kind := arrayToken
			if c == '{' {
				kind = objectToken
			}
			t.tokens = append(t.tokens, token{start: uint32(i), traits: traits{kind: kind}})
			i = skipSpace(data, i+1)
			if i < len(data) && data[i] == c+2 { // the closing byte: } is {+2, ] is [+2
				break
			}
			if kind == objectToken {
				if i = t.member(&top, i); i < 0 {
					return 0, false
				}
			}
			continue
		case 't':
			if len(data)-i < 4 || string(data[i:i+4]) != "true" {
				return 0, false
			}
			i = t.word(trueToken, i, 4)
		case 'f':
			if len(data)-i < 5 || string(data[i:i+5]) != "false" {
				return 0, false
			}
			i = t.word(falseToken, i, 5)
		case 'n':
			if len(data)-i < 4 || string(data[i:i+4]) != "null" {
				return 0, false
			}
			i = t.word(nullToken, i, 4)
		default:
			if i = t.number(i); i < 0 {
				return 0, false
			}
		}
		// a value ended before i, or an empty object or array ends at i
		for {
			if open == 0 {
				return i, true
			}
			i = skipSpace(data, i)
			if i >= len(data) {
				return 0, false
			}
			tok := &t.tokens[top.at]
			if c := data[i]; c == ',' {
				i = skipSpace(data, i+1)
				if tok.kind == objectToken {
					if i = t.member(&top, i); i < 0 {
						return 0, false
					}
				}
				break
			}
			if data[i] != data[tok.start]+2 {
				return 0, false
			}
			i++
			tok.end, tok.next = uint32(i), uint32(len(t.tokens))
			top, t.stack = t.stack[len(t.stack)-1], t.stack[:len(t.stack)-1]
			open--
		}
	}
}

func (t *tape) word(kind tokenKind, i, n int) int {
	t.tokens = append(t.tokens, token{start: uint32(i), end: uint32(i + n), next: uint32(len(t.tokens) + 1), traits: traits{kind: kind}})
	return i + n
}

// number appends the number at offset i and returns the offset after it; -1 if there is none (RFC 8259 §6).
func (t *tape) number(i int) int {
	end, flags := i, tokenFlags(0)
	if data := t.data; data[end] == '-' {
		end++
	}
	first := end
	end = digitsEnd(t.data, end)
	if end == first || t.data[first] == '0' && end > first+1 {
		return -1
	}
	if end < len(t.data) && (t.data[end] == '.' || t.data[end]|0x20 == 'e') {
		flags = fractional
		if end = numberEnd(t.data, i); end < 0 {
			return -1
		}
	}
	t.tokens = append(t.tokens, token{start: uint32(i), end: uint32(end), next: uint32(len(t.tokens) + 1), traits: traits{numberToken, flags}})
	return end
}

// member appends the name at offset i and returns the offset of its value; -1 if there is none, or if the name is a
// duplicate (RFC 7493 §2.3).
func (t *tape) member(top *frame, i int) int {
	if i >= len(t.data) || t.data[i] != '"' {
		return -1
	}
	end, flags := t.stringEnd(i + 1)
	if end < 0 {
		return -1
	}
	at := uint32(len(t.tokens))
	t.tokens = append(t.tokens, token{start: uint32(i + 1), end: uint32(end), traits: traits{nameToken, flags}})
	name := t.text[i+1 : end]
	if flags&escaped != 0 {
		name = t.chars(at)
	}
	hash := hashName(name)
	t.tokens[at].next = hash
	if !t.fresh(top, at, hash, name) {
		return -1
	}
	i = end + 1
	if i < len(t.data) && t.data[i] != ':' {
		i = skipSpace(t.data, i)
	}
	if i >= len(t.data) || t.data[i] != ':' {
		return -1
	}
	return skipSpace(t.data, i+1)
}

// fresh records a name and reports whether the object did not have it yet.
func (t *tape) fresh(top *frame, at, hash uint32, name string) bool {
	top.members++
	if top.members > crowded {
		if top.members == crowded+1 {
			t.crowd(top, at)
		}
		return t.names.add(t, top.at, at, name)
	}
	bit := uint64(1) << (hash >> 26)
	if top.seen&bit == 0 {
		top.seen |= bit
		return true
	}
	for i := top.at + 1; i < at; i = t.tokens[i+1].next {
		if t.tokens[i].next == hash && t.chars(i) == name {
			return false
		}
	}
	return true
}

// crowd moves the names of an object into the table.
func (t *tape) crowd(top *frame, until uint32) {
	for i := top.at + 1; i < until; i = t.tokens[i+1].next {
		t.names.add(t, top.at, i, t.chars(i))
	}
}

// stringEnd returns the offset of the quote that closes a string, starting at offset i in it, and the flags of its token; -1
// if there is none.
func (t *tape) stringEnd(i int) (int, tokenFlags) {
	data := t.data
	flags := tokenFlags(0)
	for {
		if i = plain(data, i); i >= len(data) {
			return -1, 0
		}
		n := 0
		switch c := data[i]; {
		case c == '"':
			return i, flags
		case c == '\\':
			n = escapeLen(data[i:])
			flags |= escaped
		case c >= utf8.RuneSelf:
			if _, n = utf8.DecodeRune(data[i:]); n == 1 { // RFC 3629 §3: no overlong forms, no surrogates
				n = 0
			}
		}
		if n == 0 {
			return -1, 0
		}
		i += n
	}
}

// skipSpace returns the offset of the first byte from i on that is not white space (RFC 8259 §2).
func skipSpace(data []byte, i int) int {
	if i < len(data) && data[i] > ' ' {
		return i
	}
	for i < len(data) && data[i] <= ' ' && uint64(1)<<data[i]&(1<<' '|1<<'\t'|1<<'\r'|1<<'\n') != 0 {
		i++
	}
	return i
}

// hashName returns a hash of a name's length, start and end. It need not resist attacks: objects with many names use a table
// with a secret seed.
func hashName(s string) uint32 {
	const k = 0x9e3779b97f4a7c15
	var w uint64
	switch n := len(s); {
	case n >= 8:
		w = le64(s) ^ bits.RotateLeft64(le64(s[n-8:]), 23)
	case n >= 4:
		w = uint64(le32(s))<<32 | uint64(le32(s[n-4:]))
	case n > 0:
		w = uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16
	}
	w = (w ^ uint64(len(s))) * k
	return uint32((w ^ w>>29) * k >> 32)
}

func le64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func le32(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// nameTable has the names of objects with many members, with their objects.
type nameTable struct {
	slots []nameSlot // in the hash slot of the object and the name, or the next free one; a power of two
	used  int
}

type nameSlot struct{ object, name uint32 } // tokens; no name is token 0

func (n *nameTable) reset() {
	if n.used > 0 {
		clear(n.slots)
		n.used = 0
	}
}

// add reports false if the object already has the name.
func (n *nameTable) add(t *tape, object, at uint32, name string) bool {
	if 2*n.used >= len(n.slots) {
		n.grow(t)
	}
	slot := n.slot(t, object, name)
	if slot.name != 0 {
		return false
	}
	*slot = nameSlot{object, at}
	n.used++
	return true
}

// slot returns the slot of a name, or the free one for it. At least half of the slots are free.
func (n *nameTable) slot(t *tape, object uint32, name string) *nameSlot {
	hash := maphash.String(nameSeed, name) + uint64(object)*0x9e3779b97f4a7c15
	for mask := uint64(len(n.slots) - 1); ; hash++ {
		slot := &n.slots[hash&mask]
		if slot.name == 0 || slot.object == object && t.chars(slot.name) == name {
			return slot
		}
	}
}

func (n *nameTable) grow(t *tape) {
	old := n.slots
	n.slots = make([]nameSlot, max(128, 2*len(old)))
	for _, s := range old {
		if s.name != 0 {
			*n.slot(t, s.object, t.chars(s.name)) = s
		}
	}
}
