package validate

import (
	"bytes"
	"slices"
	"strconv"
)

// Faults are the reasons for which a body or the parameters of a request are invalid.
type Faults struct {
	// Malformed reports that the bytes are not I-JSON or nest too deep, or that multipart content is ambiguous. Then List is
	// empty.
	Malformed bool
	// Empty reports that the content is empty or only white space. Then Malformed is set, too.
	Empty bool
	// Offset is the index of the first byte that makes the body malformed.
	Offset int
	// Interrupted reports that the context was done before the check ended. Then List is empty.
	Interrupted bool
	// Undecodable reports that the value is valid but does not fit into its Go type: an integer beyond int, or a number
	// where the model of a schema without a type is a struct. List has the places.
	Undecodable bool
	// List has the faults in document order, at most 32. A fault of a whole object or array, such as a missing member, has
	// the position of its end.
	List []Fault
}

// oneFault returns Faults with room for one fault, which most invalid bodies have. It takes a single allocation.
func oneFault() *Faults {
	f := &struct {
		Faults
		room [1]Fault
	}{}
	f.List = f.room[:0]
	return &f.Faults
}

// Fault is a violation of one rule of the contract. It never contains a value of the client, only names of members.
type Fault struct {
	// In is the place: "" for a body, else "path", "query" or "header".
	In string
	// Pointer is the JSON Pointer (RFC 6901) of the member; "" for the whole body. For a parameter it is relative to its
	// value, and for a cookie it starts with the cookie's name.
	Pointer string
	// Name is the name of the member or parameter. An item of an array has the name of the member that contains the array.
	Name string
	// Keyword is the violated keyword of the schema, such as "type", "format", "required", or "additionalProperties" for an
	// undeclared name. For parameters and forms there are also "encoding" (malformed percent-encoding or a false charset),
	// "repeated", "malformed" (invalid JSON where JSON is required) and "contentType".
	Keyword string
	// Expected is what the contract requires.
	Expected Expected
}

// Expected is what the contract requires: the type and format of the member, and the keyword's value as JSON unless type and
// format express it.
type Expected struct {
	Type, Format, Value string
}

// maxFaults limits the number of faults that are reported.
const maxFaults = 32

// mark is a fault during reading. Only afterwards is its offset converted to a JSON Pointer, so that valid bodies do not pay
// for tracking the place.
type mark struct {
	at      int    // offset of the value's first byte, or of the byte that closes the object or array
	member  string // the missing member or the unknown option
	in      string
	keyword string
	value   string
	want    *Expected
}

// Fault records that the value at offset at violates a keyword.
func (r *Reader) Fault(at int, keyword, value string, want *Expected) {
	r.note(mark{at: at, keyword: keyword, value: value, want: want})
}

// Closed returns the offset of the byte that closed the last object or array.
func (r *Reader) Closed() int { return r.pos - 1 }

// Undecodable records that the valid value at offset at does not fit into its Go type.
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

// Verdict returns f, or nil if the contract accepts the value: a value that cannot be decoded may still be valid.
func (f *Faults) Verdict() *Faults {
	if f != nil && f.Undecodable {
		return nil
	}
	return f
}

// noted inserts a mark in document order. Of more than maxFaults it keeps the first ones, so that the list does not depend on
// the order of the checks. It drops violations of a pattern by a string that also violates its format: often the pattern
// only repeats the format.
func noted(marks []mark, m mark) []mark {
	if m.keyword == "format" {
		marks = slices.DeleteFunc(marks, func(other mark) bool { return other.at == m.at && other.keyword == "pattern" })
	}
	i := len(marks)
	for i > 0 && marks[i-1].at > m.at {
		i--
	}
	if i == maxFaults {
		return marks
	}
	return slices.Insert(marks[:min(len(marks), maxFaults-1)], i, m)
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

// level is an object or array that contains the current value.
type level struct {
	name []byte // the name of the current member, with its escapes; nil in an array
	n    int    // the index of the current item
}

// resolve appends the faults of marks, which are in the order of the bytes. It scans the valid JSON again, so that only a body
// with faults pays for pointers.
func resolve(faults []Fault, data []byte, marks []mark) []Fault {
	var room [8]level // enough for most bodies
	path := room[:0]
	naming := false // the next string is a name
	for i := 0; i < len(data) && len(faults) < len(marks); i++ {
		at, c, top := i, data[i], len(path)-1
		switch c {
		case '"':
			i = closingQuote(data, at+1)
			if naming {
				path[top].name, naming = data[at+1:i], false
				continue
			}
		case ',':
			path[top].n++
			naming = path[top].name != nil
			continue
		case '}', ']':
			path, naming = path[:top], false
		}
		for len(faults) < len(marks) && marks[len(faults)].at <= at {
			pointer, name := pointerOf(path)
			faults = append(faults, marks[len(faults)].fault(pointer, name))
		}
		if c == '{' || c == '[' {
			path, naming = append(path, level{}), c == '{'
		}
	}
	return faults
}

// pointerOf returns the JSON Pointer of the current value, and the name of the member that contains it.
func pointerOf(path []level) (pointer, name string) {
	var room [64]byte // enough for most pointers
	p, last := room[:0], []byte(nil)
	for i := range path {
		if l := &path[i]; l.name == nil {
			p = strconv.AppendInt(append(p, '/'), int64(l.n), 10)
		} else {
			last = characters(l.name)
			p = appendToken(p, last)
		}
	}
	pointer = string(p)
	return pointer, lastOf(pointer, last)
}

// closingQuote returns the offset of the quote that ends the string whose characters start at offset i.
func closingQuote(data []byte, i int) int {
	for {
		end := i + bytes.IndexByte(data[i:], '"')
		first := end
		for data[first-1] == '\\' {
			first--
		}
		if (end-first)%2 == 0 {
			return end
		}
		i = end + 1
	}
}

// characters returns the characters of a string with escapes.
func characters(s []byte) []byte {
	if bytes.IndexByte(s, '\\') < 0 {
		return s
	}
	return unescape(nil, s)
}

// lastOf returns the name. If the pointer ends with the same text, it shares the pointer's memory.
func lastOf(pointer string, name []byte) string {
	if end := len(pointer) - len(name); end > 0 && pointer[end:] == string(name) {
		return pointer[end:]
	}
	return string(name)
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
