package validate

import "context"

// Steps returns how many times a schema is asked about a value of an I-JSON text, how many values and names the text has,
// and how many schemas there are.
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
	for _, next := range append(s.applied(), s.children()...) {
		reach(next, seen)
	}
	return seen
}

// Quiet is the verdict on an I-JSON text without reasons.
func (s *Schema) Quiet(data []byte) bool {
	r := begin(context.Background())
	defer r.end()
	if _, ok := r.scan(data, skipSpace(data, 0), maxDepth); !ok {
		return false
	}
	return r.holds(s, 0, nil) && r.deep == 0
}

// Plain reports whether neither s nor what it leads to needs memory of its own to judge a value: there are no schemas for
// the same value, which may be asked more than once, and no items to compare with each other.
func (s *Schema) Plain() bool {
	for next := range reach(s, map[*Schema]bool{}) {
		if next.inPlace || next.UniqueItems {
			return false
		}
	}
	return true
}
