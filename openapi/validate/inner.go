package validate

import "context"

// Check judges the value that the reader stands before, and moves behind it. It notes the faults, and reports whether there
// are none. [Compile] has prepared the schema.
func (r *Reader) Check(s *Schema) bool {
	if r.bad != 0 {
		return false
	}
	inner := begin(context.Background())
	defer inner.end()
	end, ok := inner.scan(r.data, r.pos, maxDepth-r.depth)
	if !ok {
		r.Skip()
		return false
	}
	r.pos = end
	if inner.check(s, 0, nil) {
		r.judged = max(r.judged, end)
		return true
	}
	if inner.deep > 0 {
		r.malformed(inner.deep - 1)
		return false
	}
	inner.order()
	r.marks = append(r.marks, inner.marks[:min(len(inner.marks), maxFaults-len(r.marks))]...)
	return false
}

// Admit notes that the contract accepts any value here. What the Go type does not hold is then [Reader.Undecodable], and no
// fault. The reader stays before the value.
func (r *Reader) Admit() {
	at := r.pos
	r.Skip()
	r.judged = max(r.judged, r.pos)
	r.Rewind(at)
}

// Beyond judges a number that the Go type does not hold: it notes the faults by the schema, or else that the number is not
// decoded.
func (r *Reader) Beyond(at int, literal []byte, s *Schema) {
	judge := begin(context.Background())
	defer judge.end()
	if _, ok := judge.scan(literal, 0, 1); ok && judge.check(s, 0, nil) {
		r.Undecodable(at, &s.Expected)
	}
	for _, m := range judge.marks {
		m.at = at
		r.note(m)
	}
}
