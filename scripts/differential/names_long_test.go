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

// theWorkshop is one for the whole process, since a fuzz target has no other place to build the generators.
var theWorkshop = sync.OnceValues(func() (*workshop.Workshop, error) {
	w, err := workshop.New(context.Background(), io.Discard)
	if w != nil {
		// What these say is the cure for names that oapi-codegen would give twice.
		w.Config = `{"skip-prune": true, "nullable-type": true, "resolve-type-name-collisions": true}`
	}
	return w, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if w, err := theWorkshop(); err == nil {
		_ = w.Close() // what is left of it is the system's to clean
	}
	os.Exit(code)
}

// vetting has the workshop for one document at a time.
var vetting sync.Mutex

// vetHostile draws a document and the name of the package of its models.
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

// FuzzNames generates code of documents whose names are hostile: what validategen writes compiles.
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

// TestHostileNames has PFXR_TEST_DOCUMENTS documents whose names are hostile, from PFXR_TEST_SEED on.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	documents, seed := spectest.Setting("PFXR_TEST_DOCUMENTS", 20), spectest.Setting("PFXR_TEST_SEED", 0)
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
