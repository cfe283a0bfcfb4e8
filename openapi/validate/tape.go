package validate

// tape is a JSON text, or what a parameter or a form stands for, as a list of tokens. It is not a tree of values: each
// token says where its value is, and which token is behind it.
type tape struct {
	data   []byte
	tokens []token
}

// token is a value or the name of a member. The tokens of an object's members, names and values in turn, and those of an
// array's items follow it.
type token struct {
	start, end uint32 // of the bytes in data: inside of the quotes for strings and names, else with all delimiters
	next       uint32 // the token behind the value; of a name a hash
	kind       tokenKind
	escaped    bool // the string has escapes of JSON
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

// The methods below write a tape without a JSON text: for parameters and forms, whose texts have been decoded.

// reset empties the tape.
func (t *tape) reset() {
	t.data, t.tokens = t.data[:0], t.tokens[:0]
}

// literal appends null, true, false or a number as JSON writes it.
func (t *tape) literal(kind tokenKind, text string) { t.leaf(kind, text) }

// text appends a string: the characters themselves, not as JSON writes them.
func (t *tape) text(s string) { t.leaf(stringToken, s) }

// name appends the name of a member, whose value follows. The caller sees to it that no name is there twice.
func (t *tape) name(s string) { t.leaf(nameToken, s) }

func (t *tape) leaf(kind tokenKind, s string) {
	start := uint32(len(t.data))
	t.data = append(t.data, s...)
	t.tokens = append(t.tokens, token{start: start, end: uint32(len(t.data)), next: uint32(len(t.tokens) + 1), kind: kind})
}

// open begins an array or an object, and returns what close needs.
func (t *tape) open(kind tokenKind) int {
	t.tokens = append(t.tokens, token{start: uint32(len(t.data)), kind: kind})
	t.data = append(t.data, ' ') // so that each value has a place of its own
	return len(t.tokens) - 1
}

func (t *tape) close(opened int) {
	t.data = append(t.data, ' ')
	t.tokens[opened].end, t.tokens[opened].next = uint32(len(t.data)), uint32(len(t.tokens))
}
