package validate

// Member is the name of a member that objects of one schema may have. Required is what a fault reports as expected if the
// member is missing; nil if objects need not have it.
type Member struct {
	Name     string
	Required *Expected
}

// Members are the members that objects of one schema may have.
type Members struct {
	list     []Member
	written  []string // each name as most clients write it: with quotes and the colon
	required numberSet
}

// MembersOf prepares members, for generated code. Bodies that have them in this order are read the fastest.
func MembersOf(list []Member) *Members {
	m := &Members{list: list}
	for i, member := range list {
		m.written = append(m.written, string(append(AppendString(nil, member.Name), ':')))
		if member.Required != nil {
			m.required.add(i)
		}
	}
	return m
}

// find returns the index of a name; -1 if there is none. It starts at the likely index next, because a body that omits
// members usually has the rest in order.
func (m *Members) find(name []byte, next int) int {
	for n := range m.list {
		i := next + n
		if i >= len(m.list) {
			i -= len(m.list)
		}
		if string(name) == m.list[i].Name {
			return i
		}
	}
	return -1
}

// ObjectReader is the state of reading one object. Members may be nil.
type ObjectReader struct {
	Members *Members
	// Index is the index of the current member in Members; -1 for another name, which [Reader.Name] returns.
	Index   int
	n       int // how many members were read
	ignored int // how many of them do not count
	next    int // the likely index of the next member
	seen    numberSet
	others  nameSet
}

// Count returns the number of members, without those that the contract ignores.
func (o *ObjectReader) Count() int { return o.n - o.ignored }

// Next moves to the value of the next member. It reports false at the end of the object, where it records which required
// members are missing, and after a syntax error, such as a duplicate (RFC 7493 §2.3).
func (r *Reader) Next(o *ObjectReader) bool {
	data, i := r.data, r.pos
	if o.n > 0 {
		if i >= len(data) || data[i] != ',' {
			return r.otherMember(o)
		}
		i++
	}
	if i < len(data) && data[i] <= ' ' {
		i = skipSpace(data, i)
	}
	if o.Members == nil || o.next >= len(o.Members.written) {
		return r.otherMember(o)
	}
	name := o.Members.written[o.next]
	end := i + len(name)
	if end >= len(data) || string(data[i:end]) != name || !o.seen.add(o.next) {
		return r.otherMember(o)
	}
	if data[end] <= ' ' {
		end = skipSpace(data, end)
	}
	r.pos, o.Index = end, o.next
	o.next++
	o.n++
	return true
}

// otherMember is Next for any member, and for the end of the object.
func (r *Reader) otherMember(o *ObjectReader) bool {
	if !r.More(o.n, '}') {
		r.missing(o)
		return false
	}
	if r.key = r.name(); r.bad != 0 {
		return false
	}
	o.n++
	o.Index = -1
	if o.Members == nil {
		return true
	}
	if o.Index = o.Members.find(r.key, o.next); o.Index < 0 {
		return true
	}
	o.next = o.Index + 1
	if !o.seen.add(o.Index) {
		r.Duplicate()
		return false
	}
	return true
}

// missing records the required members that an object lacks.
func (r *Reader) missing(o *ObjectReader) {
	if o.Members == nil || o.seen.covers(&o.Members.required) {
		return
	}
	for i, m := range o.Members.list {
		if m.Required != nil && !o.seen.has(i) {
			r.note(mark{at: r.Closed(), member: m.Name, keyword: "required", want: m.Required})
		}
	}
}

// name reads a name and the colon after it.
func (r *Reader) name() []byte {
	start := r.pos
	if r.Peek() != '"' {
		r.malformed(start)
		return nil
	}
	end, escaped := r.endOfString(start + 1)
	if end < 0 {
		return nil
	}
	name := r.data[start+1 : end]
	if escaped {
		name = unescape(nil, name)
	}
	r.pos = end + 1
	r.colon()
	return name
}

// numberSet is a set of small numbers.
type numberSet struct {
	word uint64 // the first 64
	more []uint64
}

// add reports false if the set already has n.
func (s *numberSet) add(n int) bool {
	if n >= 64 {
		return s.addMore(n)
	}
	before := s.word
	s.word |= 1 << (n & 63)
	return s.word != before
}

func (s *numberSet) addMore(n int) bool {
	for n/64 > len(s.more) {
		s.more = append(s.more, 0)
	}
	word, bit := &s.more[n/64-1], uint64(1)<<(n%64)
	fresh := *word&bit == 0
	*word |= bit
	return fresh
}

func (s *numberSet) has(n int) bool {
	if n < 64 {
		return s.word&(1<<n) != 0
	}
	return n/64 <= len(s.more) && s.more[n/64-1]&(1<<(n%64)) != 0
}

// join adds the numbers of another set.
func (s *numberSet) join(other *numberSet) {
	s.word |= other.word
	for i, w := range other.more {
		if i == len(s.more) {
			s.more = append(s.more, 0)
		}
		s.more[i] |= w
	}
}

// covers reports whether the set has all numbers of another set.
func (s *numberSet) covers(other *numberSet) bool {
	for i, w := range other.more {
		if i >= len(s.more) && w != 0 || i < len(s.more) && w&^s.more[i] != 0 {
			return false
		}
	}
	return other.word&^s.word == 0
}
