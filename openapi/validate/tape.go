package validate

import (
	"strconv"
	"strings"
	"unsafe"
)

// tape is a JSON text, or what a parameter or a form stands for, as a list of tokens. It is not a tree of values: each
// token says where its value is, and which token is behind it.
type tape struct {
	data   []byte
	text   string // data, without a copy
	tokens []token
	quote  uint32 // how many bytes stand before the characters of a string: 1 for JSON, 0 for decoded texts
	stack  []frame
	names  nameTable
}

// token is a value or the name of a member. The tokens of an object's members, names and values in turn, and those of an
// array's items follow it.
type token struct {
	start, end uint32 // of the bytes in data: inside of the quotes for strings and names, else with all delimiters
	next       uint32 // the token behind the value; of a name its hash
	kind       tokenKind
	flags      tokenFlags
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
	escaped    tokenFlags = 1 << iota // the string has escapes of JSON
	fractional                        // the number has a fraction or an exponent
	nested                            // the object or array has one within
	counted                           // the string stands for bytes, which are elsewhere: its text is their number and a hash
)

// The methods below write a tape without a JSON text: for parameters and forms, whose texts have been decoded.

// reset empties the tape.
func (t *tape) reset() {
	t.data, t.tokens, t.quote = t.data[:0], t.tokens[:0], 0
}

// literal appends null, true, false or a number as JSON writes it.
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

// string appends a string: the characters themselves, not as JSON writes them.
func (t *tape) string(s string) { t.leaf(stringToken, s) }

// name appends the name of a member, whose value follows. The caller sees to it that no name is there twice.
func (t *tape) name(s string) {
	t.leaf(nameToken, s)
	t.tokens[len(t.tokens)-1].next = hashName(s)
}

// leaf appends a token with its text, and a byte behind it, so that no two values begin in the same place.
func (t *tape) leaf(kind tokenKind, s string) {
	start := uint32(len(t.data))
	t.data = append(append(t.data, s...), ' ')
	t.tokens = append(t.tokens, token{start: start, end: start + uint32(len(s)), next: uint32(len(t.tokens) + 1), kind: kind})
}

// open begins an array or an object, and returns what close needs.
func (t *tape) open(kind tokenKind) int {
	t.tokens = append(t.tokens, token{start: uint32(len(t.data)), kind: kind, flags: nested})
	t.data = append(t.data, ' ')
	return len(t.tokens) - 1
}

func (t *tape) close(opened int) {
	t.data = append(t.data, ' ')
	t.tokens[opened].end, t.tokens[opened].next = uint32(len(t.data)), uint32(len(t.tokens))
}

// share makes text a view of data, which nobody changes as long as the tape is read.
func (t *tape) share() { t.text = unsafe.String(unsafe.SliceData(t.data), len(t.data)) }

// place is the offset of the first byte of a value, its quotes among them.
func (t *tape) place(at uint32) int {
	tok := &t.tokens[at]
	if tok.kind == stringToken || tok.kind == nameToken {
		return int(tok.start - t.quote)
	}
	return int(tok.start)
}

// closing is the offset of the byte that closes an object or array, and the place of any other value.
func (t *tape) closing(at uint32) int {
	if tok := &t.tokens[at]; tok.kind >= arrayToken {
		return int(tok.end - 1)
	}
	return t.place(at)
}

// raw is the text of a token as it stands in data.
func (t *tape) raw(at uint32) string {
	tok := &t.tokens[at]
	return t.text[tok.start:tok.end]
}

// chars are the characters of a string or a name.
func (t *tape) chars(at uint32) string {
	tok := &t.tokens[at]
	s := t.text[tok.start:tok.end]
	if tok.flags&escaped == 0 {
		return s
	}
	return string(unescape(make([]byte, 0, len(s)), t.data[tok.start:tok.end]))
}

// faults returns what the marks say, in the order of the document.
func (t *tape) faults(marks []mark) []Fault {
	w := walker{tape: t, left: marks, faults: make([]Fault, 0, len(marks))}
	w.value(0)
	return w.faults
}

// walker turns marks, which are in the order of the document, into faults.
type walker struct {
	*tape
	left    []mark
	faults  []Fault
	pointer []byte
	name    string
}

func (w *walker) take(at int) {
	for len(w.left) > 0 && w.left[0].at <= at {
		// a name is a view of data, which is not the fault's to keep
		w.faults = append(w.faults, w.left[0].fault(string(w.pointer), strings.Clone(w.name)))
		w.left = w.left[1:]
	}
}

func (w *walker) value(at uint32) {
	w.take(w.place(at))
	tok := w.tokens[at]
	if len(w.left) == 0 || w.left[0].at >= int(tok.end) || tok.kind < arrayToken {
		return
	}
	outer, length := w.name, len(w.pointer)
	for i, n := at+1, 0; i < tok.next; n++ {
		if tok.kind == objectToken {
			w.name = w.chars(i)
			w.pointer = appendToken(w.pointer[:length], []byte(w.name))
			i++
		} else {
			w.pointer = strconv.AppendInt(append(w.pointer[:length], '/'), int64(n), 10)
		}
		w.value(i)
		i = w.tokens[i].next
	}
	w.name, w.pointer = outer, w.pointer[:length]
	w.take(int(tok.end - 1))
}
