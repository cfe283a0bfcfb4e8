//go:build long

package main

import (
	"strings"
	"testing"
)

// sample is the interval of tested mutants. Compiling all takes minutes without a cache; make mutation
// does that.
const sample = 36

// TestMutants runs a sample of the mutants, and all that are listed as equivalent.
func TestMutants(t *testing.T) {
	t.Parallel()
	proofs := equivalentOf(equivalents)
	testMutants(t, "", true, func(i int, m mutant) bool { return i%sample == 0 || proofs[m.String()] != nil })
}

// TestMutantsOfForeignDocuments does so as generated code.
func TestMutantsOfForeignDocuments(t *testing.T) {
	t.Parallel()
	for _, name := range foreign {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proofs := equivalentOf(foreignEquivalents[name])
			testMutants(t, name, true, func(i int, m mutant) bool { return i%sample == 0 || proofs[m.String()] != nil })
		})
	}
}

// TestMutantsInProcess runs every mutant of every contract in process.
func TestMutantsInProcess(t *testing.T) {
	t.Parallel()
	for _, name := range append([]string{""}, foreign...) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testMutants(t, name, false, func(int, mutant) bool { return true })
		})
	}
}

func testMutants(t *testing.T, name string, generated bool, pick func(i int, m mutant) bool) {
	t.Helper()
	r, err := measure(t.Context(), name, generated, pick)
	if err != nil {
		t.Fatal(err)
	}
	var report strings.Builder
	r.print(&report)
	t.Log(report.String())
	if len(r.survivors()) > 0 || len(r.untrue()) > 0 {
		t.Error("a mutant survived, or an equivalent one was killed")
	}
	if r.by(aCase) == 0 {
		t.Error("the cases kill no mutant")
	}
}
