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
