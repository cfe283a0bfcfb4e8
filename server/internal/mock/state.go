package mock

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

const (
	defaultMaxObjects = 10_000
	// maxBytes bounds the bytes of all objects.
	maxBytes = 64 << 20
)

// state has the objects of all collections. Its user holds the lock.
type state struct {
	sync.Mutex
	collections map[string]*collection // by path
	maxObjects  int
	objects     int
	bytes       int
	revision    uint64 // of the last change
}

// collection has objects in the order of their creation.
type collection struct {
	keys    []string
	objects map[string]*stored
	next    int // the next numeric key
}

// stored is a stored object.
type stored struct {
	value    []byte // JSON
	revision uint64
}

func newState(maxObjects int) *state {
	return &state{collections: map[string]*collection{}, maxObjects: cmp.Or(maxObjects, defaultMaxObjects)}
}

// at returns the collection of a path.
func (s *state) at(path string) *collection {
	if c := s.collections[path]; c != nil {
		return c
	}
	return &collection{objects: map[string]*stored{}}
}

// put stores an object, or returns an error if the limits are reached.
func (s *state) put(path, key string, value []byte) (*stored, error) {
	c := s.at(path)
	old, replaced := c.objects[key]
	more := len(value) + len(key)
	if replaced {
		more = len(value) - len(old.value)
	}
	if !replaced && s.objects >= s.maxObjects || more > 0 && s.bytes+more > maxBytes {
		return nil, full()
	}
	if !replaced {
		c.keys = append(c.keys, key)
		s.objects++
	}
	s.bytes += more
	s.revision++
	c.objects[key] = &stored{value, s.revision}
	s.collections[path] = c
	return c.objects[key], nil
}

// remove removes an object, and the collections below it.
func (s *state) remove(path, key, objectPath string) {
	c := s.at(path)
	s.objects--
	s.bytes -= len(c.objects[key].value) + len(key)
	delete(c.objects, key)
	c.keys = slices.DeleteFunc(c.keys, func(other string) bool { return other == key })
	for below, lost := range s.collections {
		if !strings.HasPrefix(below, objectPath+"/") {
			continue
		}
		for key, o := range lost.objects {
			s.objects--
			s.bytes -= len(o.value) + len(key)
		}
		delete(s.collections, below)
	}
}

// full is the problem of an object beyond the limits.
func full() *graph.Problem {
	return &graph.Problem{
		Status: http.StatusInsufficientStorage, Code: "InsufficientStorage",
		Message: "The mock keeps no more objects. Delete some, or start it again.",
	}
}

// unknownObject is the problem of a key that names no object.
func unknownObject() *graph.Problem {
	return &graph.Problem{Status: http.StatusNotFound, Code: graph.CodeNotFound, Message: "Resource not found: no object has this key."}
}

// tag returns the entity tag of an object (RFC 9110 §8.8.3).
func (o *stored) tag() string { return `"` + strconv.FormatUint(o.revision, 16) + `"` }

// matches reports whether a condition names the object's current tag. Weak and strong tags compare equal.
func (o *stored) matches(condition []string) bool {
	for _, line := range condition {
		for _, element := range message.SplitList(line) {
			if element == "*" || strings.TrimPrefix(element, "W/") == o.tag() {
				return true
			}
		}
	}
	return false
}
