//go:build !race

package validate_test

import (
	"regexp"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
)

// unusual matches escapes and exponents.
var unusual = regexp.MustCompile(`\\|\d[eE]`)

// TestAllocationsOfRandomBodies: accepting a body without unusual spellings takes at most two allocations.
func TestAllocationsOfRandomBodies(t *testing.T) {
	ctx := t.Context()
	checked := 0
	for seed := range uint64(200) {
		d := draw(t, seed)
		if !d.Plain() {
			continue
		}
		for range 20 {
			body := spectest.NewBody(d.source, d.document)
			if unusual.Match(body) || d.Check(ctx, body) != nil {
				continue
			}
			checked++
			if n := testing.AllocsPerRun(10, func() { d.Check(ctx, body) }); n > 2 {
				t.Errorf("seed %d: %v allocations for %s\nby %s", seed, n, body, d.document.JSON())
			}
		}
	}
	if checked < 50 {
		t.Errorf("%d bodies are too few", checked)
	}
}
