//go:build long

package main

import (
	"strings"
	"testing"
)

// sampleOf picks one in 72 mutants, and one in four of those that are listed as equivalent, most of which need no compiler.
// Generating and compiling all takes minutes; make test-long does that.
func sampleOf(proofs map[string]*equivalent) func(i int, m mutant) bool {
	return func(i int, m mutant) bool { return i%72 == 0 || i%4 == 0 && proofs[m.String()] != nil }
}

// TestMutants runs a sample of the mutants as generated code.
func TestMutants(t *testing.T) {
	t.Parallel()
	testMutants(t, "", true, sampleOf(equivalentOf(equivalents)))
}

// TestMutantsOfForeignDocuments does so for the foreign documents.
func TestMutantsOfForeignDocuments(t *testing.T) {
	t.Parallel()
	for _, name := range foreign {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testMutants(t, name, true, sampleOf(equivalentOf(foreignEquivalents[name])))
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
