package validate

import (
	"strconv"
	"unsafe"
)

// tape is a list of tokens of a JSON text, or of the value of a parameter or a form. Each token has the place of its value
// and the index of the token after it.
type tape struct {
	data   []byte
	text   string // data, without a copy
	tokens []token
	quote  uint32 // the number of bytes before the characters of a string: 1 for JSON, 0 for decoded texts
	stack  []frame
	names  nameTable
}

// token is a value or the name of a member. It is followed by the tokens of an object's members, names and values in turn,
// or of an array's items.
type token struct {
	start, end uint32 // of the bytes in data: without quotes for strings and names, else with delimiters
	next       uint32 // the token after the value; for a name its hash
	traits
}

// traits are apart because compilers keep a struct of at most four fields in registers, and copy others through memory.
type traits struct {
	kind  tokenKind
	flags tokenFlags
}

type tokenKind uint8

const (
	nullToken tokenKind = iota
	falseToken
	trueToken
	numberToken
	stringToken
	nameToken
	arrayToken
	objectToken
)

type tokenFlags uint8

const (
	escaped    tokenFlags = 1 << iota // the string has JSON escapes
	fractional                        // the number has a fraction or an exponent
	nested                            // the object or array contains another
	counted                           // the string stands for bytes, which are elsewhere: its text is their number and a hash
)

// The methods below write a tape for parameters and forms, whose texts are decoded, without JSON.

// reset empties the tape.
func (t *tape) reset() {
	t.data, t.tokens, t.quote = t.data[:0], t.tokens[:0], 0
}

// literal appends null, true, false or a JSON number.
func (t *tape) literal(kind tokenKind, text string) {
	t.leaf(kind, text)
	if kind == numberToken && !isPlain(text) {
		t.tokens[len(t.tokens)-1].flags = fractional
	}
}

// isPlain reports whether a number has neither a fraction nor an exponent.
func isPlain(number string) bool {
	for i := range len(number) {
		if c := number[i]; c != '-' && c-'0' > 9 {
			return false
		}
	}
	return true
}

// string appends a string, given as unescaped characters.
func (t *tape) string(s string) { t.leaf(stringToken, s) }

// name appends the name of a member; its value follows. The caller must avoid duplicates.
func (t *tape) name(s string) {
	t.leaf(nameToken, s)
	t.tokens[len(t.tokens)-1].next = hashName(s)
}

// leaf appends a token with its text and a further byte, so that no two values start at the same offset.
func (t *tape) leaf(kind tokenKind, s string) {
	start := uint32(len(t.data))
	t.data = append(append(t.data, s...), ' ')
	t.tokens = append(t.tokens, token{start: start, end: start + uint32(len(s)), next: uint32(len(t.tokens) + 1), traits: traits{kind: kind}})
}

// open starts an array or an object and returns the argument for close.
func (t *tape) open(kind tokenKind) int {
	t.tokens = append(t.tokens, token{start: uint32(len(t.data)), traits: traits{kind, nested}})
	t.data = append(t.data, ' ')
	return len(t.tokens) - 1
}

func (t *tape) close(opened int) {
	t.data = append(t.data, ' ')
	t.tokens[opened].end, t.tokens[opened].next = uint32(len(t.data)), uint32(len(t.tokens))
}

// share makes text a view of data, which must not change while the tape is in use.
func (t *tape) share() { t.text = unsafe.String(unsafe.SliceData(t.data), len(t.data)) }

// place returns the offset of a value's first byte, which may be a quote.
func (t *tape) place(at uint32) int {
	tok := &t.tokens[at]
	if tok.kind == stringToken || tok.kind == nameToken {
		return int(tok.start - t.quote)
	}
	return int(tok.start)
}

// closing returns the offset of the byte that closes an object or array, and the place of any other value.
func (t *tape) closing(at uint32) int {
	if tok := &t.tokens[at]; tok.kind >= arrayToken {
		return int(tok.end - 1)
	}
	return t.place(at)
}

// raw returns the text of a token in data.
func (t *tape) raw(at uint32) string {
	tok := &t.tokens[at]
	return t.text[tok.start:tok.end]
}

// chars returns the characters of a string or a name.
func (t *tape) chars(at uint32) string {
	tok := &t.tokens[at]
	s := t.text[tok.start:tok.end]
	if tok.flags&escaped == 0 {
		return s
	}
	return string(unescape(make([]byte, 0, len(s)), t.data[tok.start:tok.end]))
}

// faults appends the faults of marks, which are in document order.
func (t *tape) faults(faults []Fault, marks []mark) []Fault {
	var room [8]step // enough for most values
	path := room[:0]
	for i := range marks {
		at := marks[i].at
		for len(path) > 0 && t.closing(path[len(path)-1].parent) <= at {
			path = path[:len(path)-1]
		}
		value := uint32(0)
		if len(path) > 0 {
			value = t.advance(&path[len(path)-1], at)
		}
		for t.place(value) < at && at < t.closing(value) {
			path = append(path, step{parent: value, value: t.child(value, value+1)})
			value = t.advance(&path[len(path)-1], at)
		}
		pointer, name := t.pointer(path)
		faults = append(faults, marks[i].fault(pointer, name))
	}
	return faults
}

// step is an object or array that contains a value, and the n-th of its members or items.
type step struct {
	parent, value uint32
	n             int
}

// advance moves to the member or item that ends at offset at or after it, and returns its value.
func (t *tape) advance(s *step, at int) uint32 {
	for t.closing(s.value) < at {
		s.value = t.child(s.parent, t.tokens[s.value].next)
		s.n++
	}
	return s.value
}

// child returns the value of the member or item of parent that starts with token i.
func (t *tape) child(parent, i uint32) uint32 {
	if t.tokens[parent].kind == objectToken {
		i++
	}
	return i
}

// pointer returns the JSON Pointer of the value to which a path leads, and the name of the member that contains it.
func (t *tape) pointer(path []step) (pointer, name string) {
	var room [64]byte // enough for most pointers
	p, last := room[:0], []byte(nil)
	for _, s := range path {
		if t.tokens[s.parent].kind == arrayToken {
			p = strconv.AppendInt(append(p, '/'), int64(s.n), 10)
			continue
		}
		tok := t.tokens[s.value-1]
		if last = t.data[tok.start:tok.end]; tok.flags&escaped != 0 {
			last = unescape(nil, last)
		}
		p = appendToken(p, last)
	}
	pointer = string(p)
	return pointer, lastOf(pointer, last)
}
