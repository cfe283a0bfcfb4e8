package validate

import "context"

// check judges the value that the reader stands before, and moves behind it. It notes the faults, and reports whether
// there are none.
func (l *lexer) check(s *Schema) bool {
	if l.bad != 0 {
		return false
	}
	r := begin(context.Background())
	defer r.end()
	end, ok := r.scan(l.data, l.pos, maxDepth-l.depth)
	if !ok {
		l.skipAny()
		return false
	}
	l.pos = end
	if r.check(s, 0, nil) {
		return true
	}
	if r.deep > 0 {
		l.malformed(r.deep - 1)
		return false
	}
	r.order()
	l.marks = append(l.marks, r.marks[:min(len(r.marks), maxFaults-len(l.marks))]...)
	return false
}
