package spec_test

import (
	"fmt"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// TestRandomDocuments compares verdicts on random bodies of random documents with those of a JSON Schema validator.
// PFXR_TEST_DOCUMENTS is the number of documents, and PFXR_TEST_SEED the first seed.
func TestRandomDocuments(t *testing.T) {
	t.Parallel()
	documents, first := spectest.Setting("PFXR_TEST_DOCUMENTS", 25), spectest.Setting("PFXR_TEST_SEED", 0)
	var c counts
	for seed := first; seed < first+documents; seed++ {
		source := spectest.Seed(uint64(seed))
		d := spectest.NewDocument(source, spectest.Options{})
		if !c.document(t, d, source, 40) {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d documents, %d bodies: %d accepted, %d rejected; %d left out", c.documents, c.taken+c.refused, c.taken, c.refused, c.leftOut)
	if 8*c.taken < c.refused || 8*c.refused < c.taken || 20*c.leftOut > c.documents {
		t.Error("the documents and bodies cover too little")
	}
}

// FuzzDocuments does the same with the input of a fuzzer.
func FuzzDocuments(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, document, body []byte) {
		var c counts
		c.document(t, spectest.NewDocument(spectest.Bytes(document), spectest.Options{}), spectest.Bytes(body), 8)
	})
}

type counts struct{ documents, leftOut, taken, refused int }

// document compares the verdicts on bodies of a document in both directions. If they differ it reports false and the
// difference.
func (c *counts) document(t *testing.T, d *spectest.Document, source *spectest.Source, bodies int) bool {
	t.Helper()
	c.documents++
	both, err := judgesOf(t, d)
	if err != nil {
		c.leftOut++
		t.Logf("%v\n%s", err, d.JSON())
		return true
	}
	for range bodies {
		body := spectest.NewBody(source, d)
		for i, j := range both {
			ours, right := j.verdicts(body)
			if ours == right {
				c.count(ours)
				continue
			}
			explain(t, d, body, i)
			return false
		}
	}
	return true
}

func (c *counts) count(taken bool) {
	if taken {
		c.taken++
	} else {
		c.refused++
	}
}

// explain fails the test with a minimized document and body on which the verdicts still differ.
func explain(t *testing.T, d *spectest.Document, body []byte, direction int) {
	t.Helper()
	want, _ := mustJudges(t, d)[direction].verdicts(body)
	d, body = spectest.Minimize(d, body, func(d *spectest.Document, body []byte) bool {
		both, err := judgesOf(t, d)
		if err != nil {
			return false
		}
		ours, right := both[direction].verdicts(body)
		return ours == want && right != want
	})
	t.Errorf("in direction %d our verdict is %t for %s\nby %s", direction, want, body, d.JSON())
}

func mustJudges(t *testing.T, d *spectest.Document) [2]judge {
	both, err := judgesOf(t, d)
	if err != nil {
		t.Fatal(err)
	}
	return both
}

// judge has our schema and the oracle's for one direction.
type judge struct {
	ours   *validate.Schema
	oracle *jsonschema.Schema
	t      *testing.T
}

func (j judge) verdicts(body []byte) (ours, right bool) {
	return j.ours.Check(j.t.Context(), body) == nil, j.oracle.Validate(tree(body)) == nil
}

// judgesOf returns the judges of requests and of responses.
func judgesOf(t *testing.T, d *spectest.Document) (both [2]judge, err error) {
	t.Helper()
	oracles, err := newOracles(d)
	if err != nil {
		return both, err
	}
	loaded, err := spec.Load(t.Context(), d.JSON(), spec.Options{})
	switch {
	case err != nil:
		return both, err
	case len(loaded.Spots) > 0:
		return both, fmt.Errorf("not judged: %v", loaded.Spots)
	}
	o := loaded.Operations[0]
	both[0] = judge{o.Request[0].Schema, oracles[0], t}
	both[1] = judge{o.Responses[0].Bodies[0].Schema, oracles[1], t}
	return both, nil
}
