package validate

import (
	"strconv"
	"strings"
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
	t.tokens = append(t.tokens, token{start: start, end: start + uint32(len(s)), next: uint32(len(t.tokens) + 1), kind: kind})
}

// open starts an array or an object and returns the argument for close.
func (t *tape) open(kind tokenKind) int {
	t.tokens = append(t.tokens, token{start: uint32(len(t.data)), kind: kind, flags: nested})
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

// faults converts marks to faults in document order.
func (t *tape) faults(marks []mark) []Fault {
	w := walker{tape: t, left: marks, faults: make([]Fault, 0, len(marks))}
	w.value(0)
	return w.faults
}

// walker converts marks, which are in document order, to faults.
type walker struct {
	*tape
	left    []mark
	faults  []Fault
	pointer []byte
	name    string
}

func (w *walker) take(at int) {
	for len(w.left) > 0 && w.left[0].at <= at {
		// a name is a view of data, which the fault must not keep
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
