//go:build long

package differential

import (
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
)

// TestHostileNames has PFXR_TEST_DOCUMENTS documents whose names are hostile, from PFXR_TEST_SEED on.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	documents, seed := number("PFXR_TEST_DOCUMENTS", 20), number("PFXR_TEST_SEED", 0)
	reasons := map[string]int{}
	for i := range documents {
		if leftOut := vetHostile(t, spectest.Seed(uint64(seed+i))); leftOut != "" {
			first, rest, _ := strings.Cut(leftOut, "\n")
			reasons[first]++
			t.Logf("document %d is left out: %s %s", seed+i, first, rest)
			documents--
		}
	}
	t.Logf("%d documents compile; left out: %v", documents, reasons)
	if documents < 5 {
		t.Error("the documents show too little")
	}
}
