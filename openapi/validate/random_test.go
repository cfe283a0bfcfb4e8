package validate_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// drawn is the schema of a random document, with the source of its bodies.
type drawn struct {
	*validate.Schema
	document *spectest.Document
	source   *spectest.Source
}

func draw(t *testing.T, seed uint64) drawn {
	t.Helper()
	source := spectest.Seed(seed)
	return load(t, spectest.NewDocument(source, spectest.Options{}), source)
}

func load(t *testing.T, document *spectest.Document, source *spectest.Source) drawn {
	t.Helper()
	loaded, err := spec.Load(t.Context(), document.JSON(), spec.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, document.JSON())
	}
	return drawn{loaded.Operations[0].Request[0].Schema, document, source}
}

// TestStepsOfRandomSchemas: the steps for a body are at most proportional to its size times that of the contract, for
// any references between schemas.
func TestStepsOfRandomSchemas(t *testing.T) {
	t.Parallel()
	worst := 0.0
	for seed := range uint64(100) {
		source := spectest.Seed(seed)
		d := load(t, spectest.NewRecursive(source), source)
		for range 10 {
			body := spectest.DeepBody(d.source, 60)
			steps, tokens, schemas := d.Steps(body)
			worst = max(worst, float64(steps)/float64(tokens*schemas))
			if steps > (16+4*schemas)*tokens {
				t.Errorf("seed %d: %d steps for %d tokens and %d schemas", seed, steps, tokens, schemas)
			}
		}
	}
	t.Logf("at most %.2f steps for each token and schema", worst)
}

// TestFaultsOfRandomBodies: faults agree with the verdict without faults, are bounded, point to existing places, and
// are in document order.
func TestFaultsOfRandomBodies(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		d := draw(t, seed)
		for range 40 {
			body := spectest.NewBody(d.source, d.document)
			if err := consistent(d.Schema, body, d.Check(t.Context(), body)); err != nil {
				t.Fatalf("seed %d: %v\nfor %s\nby %s", seed, err, body, d.document.JSON())
			}
		}
	}
}

func consistent(s *validate.Schema, body []byte, f *validate.Faults) error {
	switch {
	case s.Quiet(body) != (f == nil):
		return fmt.Errorf("the verdict without faults is %t, but the faults are %+v", s.Quiet(body), f)
	case f == nil:
		return nil
	case f.Malformed || f.Interrupted || len(f.List) == 0 || len(f.List) > 32:
		return fmt.Errorf("malformed %t, interrupted %t, %d faults", f.Malformed, f.Interrupted, len(f.List))
	}
	places := places(body)
	last := 0
	for _, fault := range f.List {
		at, ok := places[fault.Pointer]
		if fault.Keyword == "required" || fault.Keyword == "dependentRequired" {
			at, ok = places[fault.Pointer[:strings.LastIndexByte(fault.Pointer, '/')]]
			at.first = at.last
		}
		switch {
		case !ok:
			return fmt.Errorf("%s at %s, which does not exist", fault.Keyword, fault.Pointer)
		case at.last < last:
			return fmt.Errorf("%s at %s is out of order: %+v", fault.Keyword, fault.Pointer, f.List)
		case at.first >= last:
			last = at.first
		}
	}
	return nil
}

// place has the offsets of a value's first and last byte.
type place struct{ first, last int }

// places returns the places of a text's values, by JSON Pointer.
func places(text []byte) map[string]place {
	all := map[string]place{}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var visit func(pointer string)
	visit = func(pointer string) {
		token, err := d.Token()
		if err != nil {
			panic(err)
		}
		at := place{first: int(d.InputOffset()) - 1}
		for i := 0; token == json.Delim('{') && d.More() || token == json.Delim('[') && d.More(); i++ {
			name := strconv.Itoa(i)
			if token == json.Delim('{') {
				name, _ = must(d.Token()).(string)
			}
			visit(pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
		}
		if _, ok := token.(json.Delim); ok {
			must(d.Token())
		}
		at.last = int(d.InputOffset()) - 1
		all[pointer] = at
	}
	visit("")
	return all
}

func must(token json.Token, err error) json.Token {
	if err != nil {
		panic(err)
	}
	return token
}

// TestCheckOfAnything: for any bytes, Check returns and accepts only JSON.
func TestCheckOfAnything(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		d := draw(t, seed)
		for range 40 {
			checkBytes(t, d, spectest.Malform(d.source, spectest.NewBody(d.source, d.document)))
		}
	}
}

func checkBytes(t *testing.T, d drawn, body []byte) {
	t.Helper()
	f := d.Check(t.Context(), body)
	if f == nil && !json.Valid(body) {
		t.Fatalf("%q is accepted", body)
	}
	if f != nil && f.Malformed && (len(f.List) > 0 || f.Offset > len(body)) {
		t.Fatalf("%q: %+v", body, f)
	}
}

func FuzzCheckOfAnything(f *testing.F) {
	f.Add([]byte{}, []byte(`{"a":[1.5,"\u00e4"],"b":null}`))
	f.Fuzz(func(t *testing.T, document, body []byte) {
		drawn := spectest.NewDocument(spectest.Bytes(document), spectest.Options{})
		d := load(t, drawn, nil)
		checkBytes(t, d, body)
		if faults := d.Check(t.Context(), body); faults == nil || !faults.Malformed {
			if err := consistent(d.Schema, body, faults); err != nil {
				t.Fatalf("%v\nfor %s\nby %s", err, body, drawn.JSON())
			}
		}
	})
}
