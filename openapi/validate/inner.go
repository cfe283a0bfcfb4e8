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
