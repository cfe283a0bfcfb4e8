package validate

import (
	"slices"
	"strconv"
)

// Faults says why a body or a set of parameters was refused.
type Faults struct {
	// Malformed reports that the bytes are not I-JSON, or nest too deep, or that readers differ in how they take multipart
	// apart. Then List is empty, whatever else is wrong.
	Malformed bool
	// Empty reports that there was no content, or only white space. It is Malformed too.
	Empty bool
	// Offset is the index of the first byte that a malformed body cannot have.
	Offset int
	// Interrupted reports that the context was done before there was a verdict. Then List is empty.
	Interrupted bool
	// Undecodable reports that the contract accepts the value, and that a Go type does not hold it, such as an integer
	// beyond int, or a number where the model of a schema without a type is a struct. List says where.
	Undecodable bool
	// List has the faults in document order, at most 32. A fault of an object or an array as a whole, such as a missing
	// member, stands where the object or the array ends.
	List []Fault
}

// Fault is one rule of the contract that was broken. It never holds the caller's value, only the name of a member.
type Fault struct {
	// In is where the fault is: "" for a body, else "path", "query" or "header".
	In string
	// Pointer is the JSON Pointer (RFC 6901) of the member, "" for the whole body. For parameters it is that of a member or
	// an item within the value, and for a cookie it begins with the name of the cookie.
	Pointer string
	// Name is the name of the member or of the parameter; an item of an array has the name of the member it is in.
	Name string
	// Keyword is the rule: a keyword of the schema, such as "type", "format", "required" or "additionalProperties", which
	// is a name that is not declared. For parameters and forms it is also "encoding", which is malformed percent-encoding or
	// a charset that does not hold, "repeated", "malformed", which is a text that is not the JSON that it has to be, and
	// "contentType".
	Keyword string
	// Expected is what the contract asks for.
	Expected Expected
}

// Expected is what the contract asks for: the type and the format of the member, and the value of the keyword as JSON
// where the type and the format do not tell it.
type Expected struct {
	Type, Format, Value string
}

// maxFaults bounds what one body can make us write.
const maxFaults = 32

// mark is a fault as it is noted while reading. Where it is becomes a JSON Pointer only when the reading is over: the
// happy path keeps no track of where it is.
type mark struct {
	at      int    // offset of the value's first byte, or of the byte that closes the object or array
	member  string // the member that is missing, or the unknown option
	in      string
	keyword string
	value   string
	want    *Expected
}

// Fault notes that the value at offset at breaks a keyword.
func (r *Reader) Fault(at int, keyword, value string, want *Expected) {
	r.note(mark{at: at, keyword: keyword, value: value, want: want})
}

// Missing notes that the object that was just closed lacks a member.
func (r *Reader) Missing(member string, want *Expected) {
	r.note(mark{at: r.pos - 1, member: member, keyword: "required", want: want})
}

// Closed is the offset of the byte that closed the object or array that was just read.
func (r *Reader) Closed() int { return r.pos - 1 }

// Undecodable notes that the Go type does not hold the value at offset at, which the contract accepts.
func (r *Reader) Undecodable(at int, want *Expected) {
	r.unheld = noted(r.unheld, mark{at: at, keyword: "format", want: want})
}

func (r *Reader) note(m mark) {
	if m.at < r.judged {
		r.unheld = noted(r.unheld, m)
		return
	}
	r.marks = noted(r.marks, m)
}

// Verdict is f, or nil if the contract accepts the value: what cannot be decoded may be valid.
func (f *Faults) Verdict() *Faults {
	if f != nil && f.Undecodable {
		return nil
	}
	return f
}

// noted appends a mark if there is room. What is not of its format is not held against patterns: many only say again what
// the format says.
func noted(marks []mark, m mark) []mark {
	if m.keyword == "format" {
		marks = slices.DeleteFunc(marks, func(other mark) bool { return other.at == m.at && other.keyword == "pattern" })
	}
	if len(marks) < maxFaults {
		marks = append(marks, m)
	}
	return marks
}

func (m *mark) fault(pointer, name string) Fault {
	f := Fault{In: m.in, Pointer: pointer, Name: name, Keyword: m.keyword, Expected: *m.want}
	f.Expected.Value = m.value
	if m.member != "" {
		f.Name = m.member
		f.Pointer = string(appendToken([]byte(pointer), []byte(m.member)))
	}
	return f
}

// resolver turns marks into faults by reading the bytes once more. They are known to be JSON by then.
type resolver struct {
	Reader
	left    []mark
	faults  []Fault
	pointer []byte
	name    []byte
}

// resolve returns the faults of marks, which stand in the order of the bytes.
func resolve(data []byte, marks []mark) []Fault {
	var room [64]byte // for most pointers
	r := resolver{Reader: Reader{data: data}, left: marks, faults: make([]Fault, 0, len(marks)), pointer: room[:0]}
	r.space()
	r.value()
	return r.faults
}

// take resolves the marks at offset at.
func (r *resolver) take(at int) {
	for len(r.left) > 0 && r.left[0].at == at {
		pointer := string(r.pointer)
		r.faults = append(r.faults, r.left[0].fault(pointer, lastOf(pointer, r.name)))
		r.left = r.left[1:]
	}
}

// lastOf returns the name as the end of the pointer, where it stands there as it is.
func lastOf(pointer string, name []byte) string {
	if end := len(pointer) - len(name); end > 0 && pointer[end:] == string(name) {
		return pointer[end:]
	}
	return string(name)
}

func (r *resolver) value() {
	r.take(r.pos)
	if len(r.left) == 0 {
		return
	}
	outer, length := r.name, len(r.pointer)
	switch r.data[r.pos] {
	case '{':
		r.pos++
		for n := 0; len(r.left) > 0 && r.More(n, '}'); n++ {
			r.Member(nil, 0)
			r.name, r.pointer = r.key, appendToken(r.pointer[:length], r.key)
			r.value()
		}
	case '[':
		r.pos++
		for n := 0; len(r.left) > 0 && r.More(n, ']'); n++ {
			r.pointer = strconv.AppendInt(append(r.pointer[:length], '/'), int64(n), 10)
			r.value()
		}
	default:
		r.skip(0)
		return
	}
	r.name, r.pointer = outer, r.pointer[:length]
	r.take(r.Closed())
}

// appendToken appends a name to a JSON Pointer (RFC 6901 §3).
func appendToken(pointer, name []byte) []byte {
	pointer = append(pointer, '/')
	for _, c := range name {
		switch c {
		case '~':
			pointer = append(pointer, "~0"...)
		case '/':
			pointer = append(pointer, "~1"...)
		default:
			pointer = append(pointer, c)
		}
	}
	return pointer
}
