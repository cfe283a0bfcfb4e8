package graph

import (
	"regexp"
	"testing"
)

func TestNewGUID(t *testing.T) {
	t.Parallel()
	v4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := NewGUID().String()
		if !v4.MatchString(id) || seen[id] {
			t.Fatalf("%s is not a GUID of version 4, or a duplicate", id)
		}
		seen[id] = true
	}
}

// TestPanicIsAnswered: the caller learns that something failed, the log what and where.
