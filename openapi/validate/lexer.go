package validate

// maxDepth is how deep objects and arrays may nest in all. Recursive schemas and members of any type need a bound.
const maxDepth = 64

// lexer reads one JSON text from the first byte to the last.
//
// After bad syntax it stands at the end of the data, where every method finds nothing more to read: the callers need no
// check of their own.
type lexer struct {
	data  []byte
	pos   int
	depth int
	bad   int    // 1 + the offset of the first bad byte; 0 is none
	text  string // the one copy of data, which all strings without escapes are parts of; made when the first is read
	key   []byte // the name of the member that is being read, if it is not one of the expected names
	marks []mark
}

// open moves to the value that the data has.
func open(data []byte) lexer {
	l := lexer{data: data}
	l.space()
	return l
}

// close ends the reading and returns its faults, nil if there are none.
func (l *lexer) close() *Faults {
	if l.bad == 0 && l.pos == len(l.data) && l.marks == nil {
		return nil
	}
	return l.refuse()
}

func (l *lexer) refuse() *Faults {
	l.space()
	if l.pos < len(l.data) {
		l.malformed(l.pos)
	}
	if l.bad == 0 {
		if l.marks == nil { // only white space followed
			return nil
		}
		return &Faults{List: resolve(l.data, l.marks)}
	}
	blank := lexer{data: l.data}
	blank.space()
	return &Faults{Malformed: true, Empty: blank.pos == len(l.data), Offset: l.bad - 1}
}

// malformed notes that the byte at offset at cannot stand there. The first such byte counts.
func (l *lexer) malformed(at int) {
	if l.bad == 0 {
		l.bad = at + 1
	}
	l.pos = len(l.data)
}

// space skips white space (RFC 8259 §2).
func (l *lexer) space() {
	i := l.pos
	for i < len(l.data) && l.data[i] <= ' ' && uint64(1)<<l.data[i]&(1<<' '|1<<'\t'|1<<'\r'|1<<'\n') != 0 {
		i++
	}
	l.pos = i
}

// peek returns the next byte, 0 at the end. No JSON value starts with 0.
func (l *lexer) peek() byte {
	if l.pos < len(l.data) {
		return l.data[l.pos]
	}
	return 0
}

// enter reads the brace or bracket that opens an object or array. It reports false after a fault.
func (l *lexer) enter(opening byte, want *Expected) bool {
	if l.peek() != opening {
		l.wrongType(want)
		return false
	}
	if l.depth++; l.depth > maxDepth {
		l.malformed(l.pos)
		return false
	}
	l.pos++
	return true
}

// more moves to the member or item number n of an object or array, or past the byte that closes it if there is none.
func (l *lexer) more(n int, closing byte) bool {
	l.space()
	c := l.peek()
	if c == closing {
		l.pos++
		l.depth--
		return false
	}
	if n > 0 {
		if c != ',' {
			l.malformed(l.pos)
			return false
		}
		l.pos++
		l.space()
	}
	if l.pos == len(l.data) {
		l.malformed(l.pos)
		return false
	}
	return true
}

// member reads a member's name, moves to its value and returns the index of the name in names; next is the likely one.
// It returns -1 for a name that is not in names, which is then in l.key.
func (l *lexer) member(names []string, next int) int {
	if next < len(names) {
		name := names[next]
		start := l.pos + 1
		end := start + len(name)
		if end < len(l.data) && l.data[end] == '"' && l.data[l.pos] == '"' && string(l.data[start:end]) == name {
			l.pos = end + 1
			l.colon()
			return next
		}
	}
	return l.otherMember(names, next)
}

func (l *lexer) otherMember(names []string, next int) int {
	start := l.pos
	if l.peek() != '"' {
		l.malformed(start)
		return -1
	}
	end, escaped := l.endOfString(start + 1)
	if end < 0 {
		return -1
	}
	l.key = l.data[start+1 : end]
	if escaped {
		l.key = unescape(nil, l.key)
	}
	l.pos = end + 1
	l.colon()
	// A body that leaves members out names the rest in order, more often than not.
	for i := next; i < len(names); i++ {
		if string(l.key) == names[i] {
			return i
		}
	}
	for i := 0; i < next && i < len(names); i++ {
		if string(l.key) == names[i] {
			return i
		}
	}
	return -1
}

// colon reads the colon between a name and its value, and the white space around it.
func (l *lexer) colon() {
	if l.peek() != ':' {
		l.space()
		if l.peek() != ':' {
			l.malformed(l.pos)
			return
		}
	}
	l.pos++
	if l.peek() <= ' ' {
		l.space()
	}
}

// twice notes that the member that is being read has been read before (RFC 7493 §2.3).
func (l *lexer) twice() { l.malformed(l.pos) }

// wrongType notes that the value is not of the type wanted, and reads on behind it.
func (l *lexer) wrongType(want *Expected) {
	if l.bad == 0 {
		l.fault(l.pos, "type", "", want)
		l.skipAny()
	}
}

// null reads null if that is the value.
func (l *lexer) null() bool {
	if l.peek() != 'n' {
		return false
	}
	l.word("null")
	return true
}

// boolean reads true or false.
func (l *lexer) boolean(want *Expected) bool {
	switch l.peek() {
	case 't':
		l.word("true")
		return true
	case 'f':
		l.word("false")
	default:
		l.wrongType(want)
	}
	return false
}

// word reads one of the three words of JSON; its first byte is known to be there.
func (l *lexer) word(w string) {
	end := l.pos + len(w)
	if end > len(l.data) || string(l.data[l.pos:end]) != w {
		l.malformed(l.pos)
		return
	}
	l.pos = end
}
