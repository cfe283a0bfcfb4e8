//go:build long

package differential

import (
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
)

// TestGeneratedCodeAgrees generates PFXR_TEST_DOCUMENTS documents, starting with PFXR_TEST_SEED, and PFXR_TEST_BODIES
// bodies for each.
func TestGeneratedCodeAgrees(t *testing.T) {
	t.Parallel()
	c := Comparison{Documents: spectest.Setting("PFXR_TEST_DOCUMENTS", 15), Bodies: spectest.Setting("PFXR_TEST_BODIES", 200), Seed: uint64(spectest.Setting("PFXR_TEST_SEED", 0))}
	if err := c.Run(t.Context(), t.Output()); err != nil {
		t.Fatal(err)
	}
	for _, reason := range c.Reasons {
		t.Log(reason)
	}
	for _, difference := range c.Differences {
		t.Error(difference)
	}
	t.Logf("%d documents: %d not checked, %d not generated, %d without a model; %d bodies accepted (%d not decoded), %d rejected; %d documents differ",
		c.Documents, c.Unjudged, c.Dropped, c.Plain, c.Accepted, c.Undecoded, c.Refused, len(c.Differences))
	if 4*(c.Documents-c.Dropped-c.Unjudged) < c.Documents || 8*c.Accepted < c.Refused || 8*c.Refused < c.Accepted {
		t.Error("the documents and bodies cover too little")
	}
}
