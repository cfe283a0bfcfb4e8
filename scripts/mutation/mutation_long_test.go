//go:build long

package main

import (
	"strings"
	"testing"
)

// sample is how many mutants stand for one that the test runs: all of them take minutes to compile where nothing is
// cached, and are what the command is for.
const sample = 12

// TestMutants runs a sample of the mutants, and every one that is listed as equivalent.
func TestMutants(t *testing.T) {
	t.Parallel()
	proofs := equivalentOf()
	r, err := measure(t.Context(), func(i int, m mutant) bool { return i%sample == 0 || proofs[m.String()] != nil })
	if err != nil {
		t.Fatal(err)
	}
	var report strings.Builder
	r.print(&report)
	t.Log(report.String())
	if len(r.survivors()) > 0 || len(r.untrue()) > 0 {
		t.Error("mutants survived, or equivalents did not")
	}
	if r.by(aCase) == 0 || r.by(generator) == 0 {
		t.Error("neither the cases nor the generator kill anything")
	}
}
