package validate

// maxDepth is how deep objects and arrays may nest in all. It limits recursive schemas and values of any type.
const maxDepth = 64

// Reader reads one JSON text from the first byte to the last, for generated code.
//
// After a syntax error it is at the end of the data, where every method finds nothing to read, so that callers need no
// checks.
type Reader struct {
	data  []byte
	pos   int
	depth int
	bad   int    // 1 + the offset of the first byte in error; 0 means none
	text  string // a copy of data from offset first on, which all strings without escapes share; made for the first one
	first int
	key   []byte // the name of the current member, if it is not an expected name
	marks []mark
	// judged is the offset up to which the contract accepts the data. Faults of values before it only mean that they do not
	// fit into their Go types; unheld has their marks.
	judged int
	start  int // 1 + the offset of the value that ends at judged; 0 means none
	unheld []mark
}

// Open returns a reader at the start of data. Faults keep no reference to data, but strings and names that the reader
// returns may share a copy of it.
func Open(data []byte) Reader {
	r := Reader{data: data}
	r.space()
	return r
}

// Offset returns the index of the next byte.
func (r *Reader) Offset() int { return r.pos }

// Name returns the name of the current member, if [ObjectReader.Index] is -1. It is valid until the next member.
func (r *Reader) Name() []byte { return r.key }

// Close ends the reading and returns the faults; nil if there are none.
func (r *Reader) Close() *Faults {
	if r.bad == 0 && r.pos == len(r.data) && r.marks == nil && r.unheld == nil {
		return nil
	}
	return r.refuse()
}

func (r *Reader) refuse() *Faults {
	r.space()
	if r.pos < len(r.data) {
		r.malformed(r.pos)
	}
	if r.bad == 0 {
		marks, undecodable := r.marks, r.marks == nil
		if undecodable {
			marks = r.unheld
		}
		if marks == nil {
			return nil // only white space follows
		}
		f := oneFault()
		f.Undecodable, f.List = undecodable, resolve(f.List, r.data, marks)
		return f
	}
	blank := Reader{data: r.data}
	blank.space()
	return &Faults{Malformed: true, Empty: blank.pos == len(r.data), Offset: r.bad - 1}
}

// malformed records a syntax error at offset at. Only the first one counts.
func (r *Reader) malformed(at int) {
	if r.bad == 0 {
		r.bad = at + 1
	}
	r.pos = len(r.data)
}

// space skips white space (RFC 8259 §2).
func (r *Reader) space() {
	i := r.pos
	for i < len(r.data) && r.data[i] <= ' ' && uint64(1)<<r.data[i]&(1<<' '|1<<'\t'|1<<'\r'|1<<'\n') != 0 {
		i++
	}
	r.pos = i
}

// Peek returns the next byte, or 0 at the end. No JSON value starts with 0.
func (r *Reader) Peek() byte {
	if r.pos < len(r.data) {
		return r.data[r.pos]
	}
	return 0
}

// Enter reads the brace or bracket that opens an object or array. It reports false after a fault.
func (r *Reader) Enter(opening byte, want *Expected) bool {
	if r.Peek() != opening {
		r.wrongType(want)
		return false
	}
	if r.depth++; r.depth > maxDepth {
		r.malformed(r.pos)
		return false
	}
	r.pos++
	return true
}

// More moves to member or item n of an object or array. If there is none, it moves past the closing byte and reports false.
func (r *Reader) More(n int, closing byte) bool {
	r.space()
	c := r.Peek()
	if c == closing {
		r.pos++
		r.depth--
		return false
	}
	if n > 0 {
		if c != ',' {
			r.malformed(r.pos)
			return false
		}
		r.pos++
		r.space()
	}
	if r.pos == len(r.data) {
		r.malformed(r.pos)
		return false
	}
	return true
}

// colon reads the colon after a name, and the white space around it.
func (r *Reader) colon() {
	if r.Peek() != ':' {
		r.space()
		if r.Peek() != ':' {
			r.malformed(r.pos)
			return
		}
	}
	r.pos++
	if r.Peek() <= ' ' {
		r.space()
	}
}

// Duplicate records that the current member is a duplicate (RFC 7493 §2.3).
func (r *Reader) Duplicate() { r.malformed(r.pos) }

// wrongType records that the value does not have the type wanted, and skips it.
func (r *Reader) wrongType(want *Expected) {
	if r.bad == 0 {
		r.Fault(r.pos, "type", "", want)
		r.Skip()
	}
}

// Null reads null if it is the next value.
func (r *Reader) Null() bool {
	if r.Peek() != 'n' {
		return false
	}
	r.word("null")
	return true
}

// Boolean reads true or false.
func (r *Reader) Boolean(want *Expected) bool {
	switch r.Peek() {
	case 't':
		r.word("true")
		return true
	case 'f':
		r.word("false")
	default:
		r.wrongType(want)
	}
	return false
}

// word reads null, true or false. The caller has checked the first byte.
func (r *Reader) word(w string) {
	end := r.pos + len(w)
	if end > len(r.data) || string(r.data[r.pos:end]) != w {
		r.malformed(r.pos)
		return
	}
	r.pos = end
}
