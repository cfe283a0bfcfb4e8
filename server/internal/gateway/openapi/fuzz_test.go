package openapi

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

// FuzzCheck: no document and no input ends in a panic, JSON that the strict scan refuses is never taken, faults are bounded
// and have no names that nobody sent or declared, and kin-openapi takes what we take.
func FuzzCheck(f *testing.F) {
	for _, name := range contracts {
		text, err := os.ReadFile("testdata/" + strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".json") + ".txt")
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if call, _, ok := cutLast(line, " => "); ok {
				_, rest, _ := strings.Cut(call, " ")
				_, data, _ := strings.Cut(rest, " ")
				f.Add(data)
			}
		}
	}
	for _, s := range []string{strings.Repeat(`{"not":`, 70), `{"and":[{},{}],"and":1}`, `-0`, `1E400`, "\x00", `{"":{"":[]}}`, `[[1],[1.0]]`} {
		f.Add(s)
	}
	var all []*gateway.Contract
	for _, name := range contracts {
		all = append(all, load(f, name))
	}
	kin := newOracle(f)
	f.Fuzz(func(t *testing.T, data string) {
		for _, c := range all {
			for _, o := range c.Operations {
				types, _ := o.RequestBody()
				for _, mediaType := range append(types, "application/json", "text/plain") {
					fuzzBody(t, mediaType, data, func(r gateway.Report) { o.CheckRequestBody(mediaType, []byte(data), r) })
				}
				for _, status := range []int{200, 202, 404, 500} {
					for _, mediaType := range []string{"application/json", "application/problem+json", "text/plain"} {
						fuzzBody(t, mediaType, data, func(r gateway.Report) { o.CheckResponseBody(status, mediaType, []byte(data), r) })
					}
				}
				header := map[string][]string{}
				for _, field := range o.Headers() {
					header[field] = []string{data}
				}
				o.CheckParameters([]string{data, data, data}, data, header, refusePanics(t, data))
				o.CheckParameters(nil, "", header, refusePanics(t, data))
			}
		}
		kin.compare(t, data)
	})
}

func fuzzBody(t *testing.T, mediaType, data string, check func(gateway.Report)) {
	t.Helper()
	n, undescribed := 0, false
	check(func(_, _, _, keyword, _, _, _ string) { n++; undescribed = undescribed || keyword == "internal" })
	if n > maxFaults {
		t.Fatalf("%q: %d faults", data, n)
	}
	if isJSON(mediaType) && n == 0 && validate.CheckJSON([]byte(data), maxDepth) != nil {
		t.Fatalf("%s %q is taken, the strict scan refuses it", mediaType, data)
	}
	if undescribed && n != 1 {
		t.Fatalf("%s %q: an internal fault among others", mediaType, data)
	}
}

func refusePanics(t *testing.T, data string) gateway.Report {
	return func(_, _, name, keyword, _, _, _ string) {
		if keyword == "internal" {
			t.Fatalf("%q: parameter %q: internal fault", data, name)
		}
	}
}

// oracle has schemas of the 3.0 documents with kin-openapi's and our judgement.
type oracle struct {
	schemas []judged
}

type judged struct {
	name  string
	kin   *openapi3.Schema
	as    openapi3.SchemaValidationOption
	ours  *schema
	loose func(fault) bool // what kin-openapi does not see
}

func newOracle(t testing.TB) *oracle {
	t.Helper()
	o := &oracle{}
	for _, name := range []string{"shop.yaml", "files.yaml"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := openapi3.NewLoader().LoadFromData(data)
		if err != nil {
			t.Fatal(err)
		}
		root, err := parse(data)
		if err != nil {
			t.Fatal(err)
		}
		ours := &document{root: root}
		for _, hides := range []direction{request, response} {
			b := newBundle(ours, hides)
			as := openapi3.VisitAsRequest()
			if hides == response {
				as = openapi3.VisitAsResponse()
			}
			for _, schema := range sortedKeys(doc.Components.Schemas) {
				n := ours.node("components").get("schemas").get(schema)
				o.schemas = append(o.schemas, judged{schema + " " + string(hides), doc.Components.Schemas[schema].Value, as, b.add(n), unseen})
			}
			if err := b.compile(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return o
}

// unseen are the faults that kin-openapi does not have: exact numbers, formats beyond its four, null where a member has no
// place, and what is equal in an array whose numbers are written in two ways.
func unseen(f fault) bool {
	return slices.Contains([]string{"format", "readOnly", "writeOnly", "maximum", "minimum", "exclusiveMinimum", "exclusiveMaximum", "enum", "uniqueItems", "multipleOf"}, f.keyword)
}

// compare holds our verdict against kin-openapi's: what it refuses is refused but for null, where a schema without a type
// takes it, and what it takes is refused only for what it does not see.
func (o *oracle) compare(t *testing.T, data string) {
	t.Helper()
	if validate.CheckJSON([]byte(data), maxDepth) != nil {
		return
	}
	for _, s := range o.schemas {
		value, err := decodeJSON([]byte(data))
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		faults := s.ours.check(value)
		theirs := s.kin.VisitJSON(value, s.as, openapi3.MultiErrors())
		if faults == nil && theirs != nil && !strings.Contains(data, "null") && !onlyByFloat(theirs) {
			t.Fatalf("%s %q is taken, kin-openapi says %v", s.name, data, theirs)
		}
		if faults != nil && theirs == nil && !slices.ContainsFunc(faults, func(f fault) bool {
			return s.loose(f) || f.keyword == "oneOf" || f.keyword == "anyOf" || f.keyword == "not"
		}) {
			t.Fatalf("%s %q: %+v, kin-openapi has none", s.name, data, faults)
		}
	}
}

// onlyByFloat reports whether kin-openapi refuses a number for what it is as a float64.
func onlyByFloat(err error) bool {
	return strings.Contains(err.Error(), "number must be") || strings.Contains(err.Error(), "multiple of")
}

// TestOracle has kin-openapi judge the bodies of the tables.
func TestOracle(t *testing.T) {
	t.Parallel()
	kin, compared := newOracle(t), 0
	for _, name := range []string{"shop.txt", "files.txt", "flow.txt"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			call, _, _ := cutLast(line, " => ")
			if _, data, ok := strings.Cut(call, "json "); ok {
				kin.compare(t, data)
				compared++
			}
		}
	}
	if compared < 100 {
		t.Errorf("compared %d bodies, want 100", compared)
	}
}

// BenchmarkCheck has a small body of each document, which is checked by what was compiled once.
func BenchmarkCheck(b *testing.B) {
	none := func(_, pointer, _, keyword, _, _, _ string) { b.Fatal(keyword, pointer) }
	for _, bb := range []struct{ doc, operation, body string }{
		{"shop.yaml", "createPet", `{"kind":"cat","name":"Tom","lives":9,"born":"2026-01-02","weight":4,"chip":"6de0af45-af45-6de0-45af-e06d45afe06d","tags":[{"label":"a"},{"label":"b"}],"grid":[[1,2],[3]]}`},
		{"flow.json", "putFlow", `{"version":2,"note":"short","at":[1,2,"x"],"ratio":0.5,"count":3,"labels":{"a":"b"},"steps":[{"do":"Run","cmd":"ls","retries":2},{"do":"Group","steps":[{"do":"Run","cmd":"pwd"}]}]}`},
		{"files.yaml", "search", `{"and":[{"term":"x"},{"not":{"term":7}},{"limit":10,"score":0.5}],"a/b":true}`},
	} {
		o := operationOf(load(b, bb.doc), bb.operation)
		b.Run(bb.doc, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.body)))
			for b.Loop() {
				o.CheckRequestBody("application/json", []byte(bb.body), none)
			}
		})
	}
	b.Run("kin-openapi", func(b *testing.B) { // for comparison: what it takes for the first body
		b.ReportAllocs()
		kin := newOracle(b).schemas
		cat := kin[slices.IndexFunc(kin, func(s judged) bool { return s.name == "Pet readOnly" })]
		for b.Loop() {
			value, err := decodeJSON([]byte(`{"kind":"cat","name":"Tom","lives":9,"born":"2026-01-02","weight":4,"chip":"6de0af45-af45-6de0-45af-e06d45afe06d","tags":[{"label":"a"},{"label":"b"}],"grid":[[1,2],[3]]}`))
			if err == nil {
				err = cat.kin.VisitJSON(value, cat.as, openapi3.MultiErrors())
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	o := operationOf(load(b, "shop.yaml"), "listPets")
	header := map[string][]string{http.CanonicalHeaderKey("x-flags"): {"fast, dry"}}
	b.Run("parameters", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			o.CheckParameters(nil, "limit=20&tags=a&tags=b&ids=1,2&filter[status]=sold", header, none)
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	for _, name := range contracts {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Load(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
