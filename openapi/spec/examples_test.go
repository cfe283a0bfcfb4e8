package spec_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
	"go.yaml.in/yaml/v3"
)

// TestExamples compares verdicts on JSON bodies of the documents in testdata with the oracle's: on their examples and on
// random bodies. It leaves out bodies that the oracle cannot handle: cycles of inheritance, and anchors in a schema that it
// sees more than once.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) < 10 {
		t.Fatalf("want ten documents: %v, %v", files, err)
	}
	var c counts
	examples := 0
	for _, file := range files {
		for _, m := range mediaTypes(t, file) {
			both, err := judgesOf(t, m.document)
			if err != nil {
				c.leftOut++
				t.Logf("%s: %v", m.place, err)
				continue
			}
			c.documents++
			examples += len(m.examples)
			source := spectest.Seed(uint64(c.documents))
			for n := range 30 + len(m.examples) {
				body := spectest.NewBody(source, m.document)
				if n < len(m.examples) {
					body = m.examples[n]
				}
				ours, right := both[m.direction].verdicts(body)
				if ours != right {
					t.Errorf("%s: our verdict is %t for %s", m.place, ours, body)
				}
				c.count(ours)
			}
		}
	}
	t.Logf("%d media types, %d left out; %d examples; %d accepted, %d rejected", c.documents, c.leftOut, examples, c.taken, c.refused)
	if examples < 20 || c.taken < 100 || c.refused < 100 || c.leftOut > c.documents/2 {
		t.Error("the documents cover too little")
	}
}

// mediaType is a JSON body as a document of its own.
type mediaType struct {
	place     string
	document  *spectest.Document
	direction spec.Direction
	examples  [][]byte
}

func mediaTypes(t *testing.T, file string) []mediaType {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var root any
	if err := yaml.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var document object
	if err := d.Decode(&document); err != nil {
		t.Fatal(err)
	}
	components, _ := document["components"].(object)
	schemas, _ := components["schemas"].(object)
	tidy(document)
	w := &mediaWalk{file: file, v31: strings.HasPrefix(document["openapi"].(string), "3.1"), schemas: schemas}
	w.walk(document["paths"], spec.Request, file)
	for _, kind := range []string{"requestBodies", "responses"} {
		w.walk(components[kind], map[string]spec.Direction{"responses": spec.Response}[kind], file+" "+kind)
	}
	return w.found
}

// tidy removes duplicate required names, which the oracle's meta-schema rejects.
func tidy(v any) {
	switch v := v.(type) {
	case object:
		if list, ok := v["required"].([]any); ok {
			var names []any
			for _, name := range list {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
			v["required"] = names
		}
		for _, child := range v {
			tidy(child)
		}
	case []any:
		for _, child := range v {
			tidy(child)
		}
	}
}

type mediaWalk struct {
	file    string
	v31     bool
	schemas object
	found   []mediaType
}

// walk finds the content that is JSON.
func (w *mediaWalk) walk(v any, direction spec.Direction, place string) {
	o, ok := v.(object)
	if !ok {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		child, _ := o[name].(object)
		at := place + " " + name
		switch name {
		case "content":
			for _, mediaType := range slices.Sorted(maps.Keys(child)) {
				if media, ok := child[mediaType].(object); ok && strings.HasSuffix(mediaType, "json") {
					w.media(media, direction, at+" "+mediaType)
				}
			}
		case "responses":
			w.walk(child, spec.Response, at)
		case "callbacks", "parameters", "headers":
		default:
			w.walk(child, direction, at)
		}
	}
}

// reached returns the components that a schema uses.
func (w *mediaWalk) reached(schema any) object {
	all := object{}
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case string:
			name := v[strings.LastIndexByte(v, '/')+1:]
			if s, ok := w.schemas[name]; ok && all[name] == nil {
				all[name] = s
				visit(s)
			}
		case object:
			for _, child := range v {
				visit(child)
			}
		case []any:
			for _, child := range v {
				visit(child)
			}
		}
	}
	visit(schema)
	return all
}

func (w *mediaWalk) media(media object, direction spec.Direction, place string) {
	schema, ok := media["schema"]
	if !ok {
		return
	}
	m := mediaType{place: place, direction: direction, document: &spectest.Document{V31: w.v31, Components: w.reached(schema), Schema: schema}}
	add := func(v any) {
		text, err := json.Marshal(v)
		if err == nil {
			m.examples = append(m.examples, text)
		}
	}
	if example, ok := media["example"]; ok {
		add(example)
	}
	examples, _ := media["examples"].(object)
	for _, name := range slices.Sorted(maps.Keys(examples)) {
		add(examples[name].(object)["value"])
	}
	w.found = append(w.found, m)
}
