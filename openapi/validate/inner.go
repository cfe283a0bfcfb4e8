package validate

import "context"

// Check checks the next value, moves after it and records its faults. It reports whether there are none. The schema must
// have been prepared by [Compile].
func (r *Reader) Check(s *Schema) bool {
	if r.bad != 0 {
		return false
	}
	inner := begin(context.Background())
	defer inner.end()
	at := r.pos
	end, ok := inner.scan(r.data, at, maxDepth-r.depth)
	if !ok {
		r.Skip()
		return false
	}
	r.pos = end
	if inner.check(s, 0, nil) {
		r.accept(at, end)
		return true
	}
	if inner.deep > 0 {
		r.malformed(inner.deep - 1)
		return false
	}
	for _, m := range inner.marks {
		r.marks = noted(r.marks, m)
	}
	return false
}

// accept records that the contract accepts the value from offset at to end.
func (r *Reader) accept(at, end int) {
	if end > r.judged {
		r.start, r.judged = at+1, end
	}
}

// Admit records that the contract accepts any value here. A value that does not fit into its Go type is then
// [Reader.Undecodable] instead of a fault. The reader does not move.
func (r *Reader) Admit() {
	at := r.pos
	r.Skip()
	r.accept(at, r.pos)
	r.Rewind(at)
}

// Beyond checks a number that does not fit into its Go type. It records the schema's faults, or, if there are none, that the
// number is not decoded.
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
