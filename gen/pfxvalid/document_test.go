package pfxvalid_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// interpreted returns the operations from package spec, by ID.
func interpreted(t testing.TB) map[string]*validate.Operation {
	t.Helper()
	d, err := spec.Load(context.Background(), openapi.Document, spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Spots) > 0 {
		t.Fatalf("parts of our own document cannot be checked: %v", d.Spots)
	}
	operations := map[string]*validate.Operation{}
	for _, o := range d.Operations {
		operations[o.ID] = o
	}
	return operations
}

// TestDocumentIsTheGeneratedContract compares checks by the document in process with generated code. Both return the
// same faults in the same order for randomly changed bodies and parameters. PFXR_TEST_INPUTS is the number of inputs.
func TestDocumentIsTheGeneratedContract(t *testing.T) {
	t.Parallel()
	inputs := 2000
	if n, err := strconv.Atoi(os.Getenv("PFXR_TEST_INPUTS")); err == nil {
		inputs = n
	}
	operations := interpreted(t)
	bodies := wireBodies(t)
	r := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for i := range inputs {
		body := mutated(r, bodies[r.IntN(len(bodies))])
		query := string(mutated(r, []byte(queries[r.IntN(len(queries))])))
		header := map[string][]string{}
		for _, name := range []string{"If-Match", "If-None-Match", "Prefer", "Client-Request-Id"} {
			if r.IntN(2) == 0 {
				// net/http trims white space around values (RFC 9110 §5.5)
				header[name] = []string{strings.Trim(string(mutated(r, []byte(fields[r.IntN(len(fields))]))), " \t")}
			}
		}
		key := []string{string(mutated(r, []byte(keys[r.IntN(len(keys))])))}
		for _, generated := range pfxvalid.Operations {
			o := operations[generated.ID]
			path := key[:len(validate.TemplateParameters(generated.Path))]
			want := generated.CheckParameters(t.Context(), path, query, header)
			if diff := difference(want, o.CheckParameters(t.Context(), path, query, header)); diff != "" {
				t.Fatalf("input %d, %s: %q?%q %q (-generated +document):\n%s", i, o.ID, path, query, header, diff)
			}
			if want != nil {
				refused++
			}
			for n, b := range generated.Request {
				want := b.CheckContent(t.Context(), b.Type, body)
				if diff := difference(want, o.Request[n].CheckContent(t.Context(), b.Type, body)); diff != "" {
					t.Fatalf("input %d, %s: %q (-generated +document):\n%s", i, o.ID, body, diff)
				}
			}
			for _, response := range generated.Responses {
				for n, b := range response.Bodies {
					want := b.CheckContent(t.Context(), b.Type, body)
					other := o.Response(statusOf(response.Status)).Bodies[n]
					if diff := difference(want, other.CheckContent(t.Context(), b.Type, body)); diff != "" {
						t.Fatalf("input %d, %s, %s: %q (-generated +document):\n%s", i, o.ID, response.Status, body, diff)
					}
				}
			}
		}
	}
	if refused == 0 {
		t.Error("no input was rejected: the inputs test nothing")
	}
}

// difference returns how faults differ, "" if they are the same. To compare them first takes a fraction of cmp's time.
func difference(want, got *validate.Faults) string {
	if want == got {
		return ""
	}
	if want == nil || got == nil {
		return cmp.Diff(want, got)
	}
	a, b := *want, *got
	a.List, b.List = nil, nil
	if reflect.DeepEqual(a, b) && slices.Equal(want.List, got.List) {
		return ""
	}
	return cmp.Diff(want, got)
}

func statusOf(status string) int {
	n, err := strconv.Atoi(status)
	if err != nil {
		return 599
	}
	return n
}

// wireBodies are the bodies of the golden wire cases.
func wireBodies(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("../../server/pfxtest/testdata/wire/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no wire cases: %v", err)
	}
	bodies := [][]byte{openapi.UpdateRequestExample, openapi.UpdateResponseExample}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range archive.Files {
			for i := range part.Data {
				if part.Data[i] == '{' {
					bodies = append(bodies, part.Data[i:])
					break
				}
			}
		}
	}
	return bodies
}

var (
	queries = []string{"", "$top=5", "top=1000&$skiptoken=abc", "$filter=status%20eq%206&$select=id,status", "$count=true", "$top=0", "$select=*", "%24TOP=7", "x=1"}
	fields  = []string{"*", `"abc"`, `W/"abc", "d"`, "return=minimal", "return=representation; x=y, wait=1", "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9", ""}
	keys    = []string{"sample", "a.b_c~d-e", "0", ".x", "a%2Fb", "%41"}
	pieces  = []string{`"`, `\`, "{", "}", "[", "]", ",", ":", "null", "true", "-0", "1.0", "1e2", "2147483648", `\u0000`, `\ud800`, "é", "\xff", " ", `"id":"x",`, `"status":7,`, `"@odata.x":{"a":[1]},`, "%", "&", "=", "2026-02-30T00:00Z"}
)

// mutated changes up to three places of a text, and leaves one text in eight unchanged.
func mutated(r *rand.Rand, text []byte) []byte {
	text = append([]byte(nil), text...)
	if r.IntN(8) == 0 {
		return text
	}
	for range 1 + r.IntN(3) {
		at := r.IntN(len(text) + 1)
		piece := pieces[r.IntN(len(pieces))]
		end := at
		if r.IntN(2) == 0 {
			end = min(len(text), at+1+r.IntN(6))
		}
		text = append(append(append([]byte(nil), text[:at]...), piece...), text[end:]...)
	}
	return text
}
