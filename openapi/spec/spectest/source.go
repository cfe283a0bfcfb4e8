package spectest

import (
	"math/rand/v2"
	"os"
	"strconv"
)

// Source decides what is drawn. It either has bytes, as a fuzzer gives them, and draws the simplest thing when they are used
// up; or a seed, and never ends.
type Source struct {
	bytes  []byte
	random *rand.Rand
}

// Bytes is a source of bytes.
func Bytes(bytes []byte) *Source { return &Source{bytes: bytes} }

// Seed is a source that a number stands for.
func Seed(seed uint64) *Source { return &Source{random: rand.New(rand.NewPCG(seed, 0x5eed))} }

// IntN returns a number from 0 to n-1, where n is at most 256; 0 is the simplest.
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

// Chance is true once in n times, and false when the bytes are used up.
func (s *Source) Chance(n int) bool { return s.IntN(n) == n-1 }

func pick[T any](s *Source, list []T) T { return list[s.IntN(len(list))] }

// Setting returns the number in an environment variable that says how much a test draws, or otherwise.
func Setting(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return otherwise
}
