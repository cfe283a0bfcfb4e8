package validate

import "context"

// Check judges the value that the reader stands before by a schema that [Compile] has prepared, and moves behind it. It
// notes the faults, and reports whether there are none.
func (r *Reader) Check(s *Schema) bool {
	if r.bad != 0 {
		return false
	}
	judge := begin(context.Background())
	defer judge.end()
	end, ok := judge.scan(r.data, r.pos, maxDepth-r.depth)
	if !ok {
		r.Skip()
		return false
	}
	r.pos = end
	if judge.check(s, 0, nil) {
		return true
	}
	if judge.deep > 0 {
		r.malformed(judge.deep - 1)
		return false
	}
	judge.order()
	for _, m := range judge.marks {
		r.note(m)
	}
	return false
}

// Beyond judges a number that the Go type does not hold: it notes the faults by the schema, or else that the format is
// wrong.
func (r *Reader) Beyond(at int, literal []byte, s *Schema) {
	judge := begin(context.Background())
	defer judge.end()
	if _, ok := judge.scan(literal, 0, 1); ok && judge.check(s, 0, nil) {
		r.Fault(at, "format", "", &s.Expected)
	}
	for _, m := range judge.marks {
		m.at = at
		r.note(m)
	}
}
