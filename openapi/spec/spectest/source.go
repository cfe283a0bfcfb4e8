package spectest

import (
	"math/rand/v2"
	"os"
	"strconv"
)

// Source makes the random choices. With bytes, as from a fuzzer, it makes the simplest choices once they are used up; with a
// seed it is unbounded.
type Source struct {
	bytes  []byte
	random *rand.Rand
}

// Bytes returns a source of bytes.
func Bytes(bytes []byte) *Source { return &Source{bytes: bytes} }

// Seed returns a source with a seed.
func Seed(seed uint64) *Source { return &Source{random: rand.New(rand.NewPCG(seed, 0x5eed))} }

// IntN returns a number from 0 to n-1, where n is at most 256. 0 should be the simplest choice.
func (s *Source) IntN(n int) int {
	switch {
	case s.random != nil:
		return s.random.IntN(n)
	case len(s.bytes) == 0:
		return 0
	}
	b := s.bytes[0]
	s.bytes = s.bytes[1:]
	return int(b) % n
}

// Chance is true once in n times, and false once the bytes are used up.
func (s *Source) Chance(n int) bool { return s.IntN(n) == n-1 }

func pick[T any](s *Source, list []T) T { return list[s.IntN(len(list))] }

// Setting returns the number in an environment variable, or otherwise if it is not set.
func Setting(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return otherwise
}
