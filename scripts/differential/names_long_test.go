//go:build long

package differential

import (
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
	"github.com/pfxrecryption/pfxrecryption/scripts/workshop"
)

// theWorkshop is shared by the whole process: a fuzz target has no other place to build the generators.
var theWorkshop = sync.OnceValues(func() (*workshop.Workshop, error) {
	w, err := workshop.New(context.Background(), io.Discard)
	if w != nil {
		// These options prevent duplicate names in oapi-codegen's code.
		w.Config = `{"skip-prune": true, "nullable-type": true, "resolve-type-name-collisions": true}`
	}
	return w, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if w, err := theWorkshop(); err == nil {
		_ = w.Close() // the system removes leftovers
	}
	os.Exit(code)
}

// vetting guards the workshop, which handles one document at a time.
var vetting sync.Mutex

// vetHostile checks a random document with a random package name for its models.
func vetHostile(t *testing.T, source *spectest.Source) (leftOut string) {
	t.Helper()
	document := HostileDocument(source)
	names := []string{"models", "models", "validate", "schemas", "strings", "json", "ecma", "valid", "v", "operations"}
	return vet(t, names[source.IntN(len(names))], document)
}

func vet(t *testing.T, name string, document []byte) (leftOut string) {
	t.Helper()
	vetting.Lock()
	defer vetting.Unlock()
	w, err := theWorkshop()
	if err != nil {
		t.Fatal(err)
	}
	leftOut, err = w.Vet(t.Context(), name, document)
	if err != nil && t.Context().Err() == nil {
		t.Fatalf("%v\n%s", err, document)
	}
	return leftOut
}

// FuzzNames: generated code of documents with hostile names compiles.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"", "\x03Tokens and strings of 1abc", "\x04the quick brown fox jumps over a lazy dog, twice a day", "\x02\xff\xfe\xfd\x80\x70\x60\x50\x40"} {
		f.Add([]byte(strings.Repeat(seed, 4)))
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		if leftOut := vetHostile(t, spectest.Bytes(choices)); leftOut != "" {
			t.Skipf("left out: %s", leftOut)
		}
	})
}

// TestHostileNames does so for PFXR_TEST_DOCUMENTS documents, starting with PFXR_TEST_SEED.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	documents, seed := spectest.Setting("PFXR_TEST_DOCUMENTS", 10), spectest.Setting("PFXR_TEST_SEED", 0)
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
		t.Error("the documents cover too little")
	}
}
