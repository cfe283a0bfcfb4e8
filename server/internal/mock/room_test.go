package mock

import (
	"fmt"
	"testing"
)

// TestBytes: the total size of all objects is bounded, through changes and deletions.
func TestBytes(t *testing.T) {
	t.Parallel()
	s, large := newState(0), make([]byte, 1<<20)
	fill := func() int {
		n := 0
		for ; ; n++ {
			if _, err := s.put("/a", fmt.Sprint("k", n), large); err != nil {
				return n
			}
		}
	}
	const room = maxBytes/(1<<20) - 1 // the keys take space, too
	if n := fill(); n != room {
		t.Errorf("%d objects of 1 MiB, want %d", n, room)
	}
	if _, err := s.put("/a", "k0", nil); err != nil {
		t.Errorf("a smaller object was refused: %v", err)
	}
	if _, err := s.put("/a/k0/b", "x", large); err != nil {
		t.Errorf("the room of a smaller object was not freed: %v", err)
	}
	for n := range room {
		key := fmt.Sprint("k", n)
		s.remove("/a", key, "/a/"+key)
	}
	if s.objects != 0 || s.bytes != 0 {
		t.Errorf("%d objects of %d bytes are left", s.objects, s.bytes)
	}
}
