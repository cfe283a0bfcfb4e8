package validate

import "context"

// Steps returns the number of checks of a value by a schema for an I-JSON text, the number of values and names in the
// text, and the number of schemas.
func (s *Schema) Steps(data []byte) (steps, tokens, schemas int) {
	r := begin(context.Background())
	defer r.end()
	if _, ok := r.scan(data, skipSpace(data, 0), maxDepth); !ok {
		return 0, 1, 1
	}
	r.check(s, 0, nil)
	return r.steps, len(r.tokens), len(reach(s, map[*Schema]bool{}))
}

func reach(s *Schema, seen map[*Schema]bool) map[*Schema]bool {
	if seen[s] {
		return seen
	}
	seen[s] = true
	for _, next := range s.Subschemas() {
		reach(next, seen)
	}
	return seen
}

// Quiet returns the verdict on an I-JSON text without recording faults.
func (s *Schema) Quiet(data []byte) bool {
	r := begin(context.Background())
	defer r.end()
	if _, ok := r.scan(data, skipSpace(data, 0), maxDepth); !ok {
		return false
	}
	return r.holds(s, 0, nil) && r.deep == 0
}

// Plain reports whether checks by s need no memory. Then no schema that it refers to applies others to the same value
// or compares items.
func (s *Schema) Plain() bool {
	for next := range reach(s, map[*Schema]bool{}) {
		if next.inPlace || next.UniqueItems {
			return false
		}
	}
	return true
}
