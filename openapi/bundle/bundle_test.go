package bundle_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/bundle"
)

// TestOneFile: the bundle includes the external examples and keeps the order of members.
func TestOneFile(t *testing.T) {
	t.Parallel()
	const text = "openapi: 3.0.3\nresponses: {200: &ok {z: 1, a: 1.50}, 201: *ok}\nexamples:\n" +
		"  near: {externalValue: a/b.json}\n  far: {externalValue: 'https://x.example/b.json'}\n"
	document, err := bundle.Read([]byte(text), fstest.MapFS{"a/b.json": {Data: []byte(`{"z":"<&>","a":null}`)}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := bundle.JSON(document)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"openapi":"3.0.3","responses":{"200":{"z":1,"a":1.5},"201":{"z":1,"a":1.5}},"examples":{` +
		`"near":{"value":{"z":"\u003c\u0026\u003e","a":null}},"far":{"externalValue":"https://x.example/b.json"}}}`
	if compact := strings.Join(strings.Fields(string(got)), ""); compact != want {
		t.Errorf("got  %s\nwant %s", compact, want)
	}
	yaml, err := bundle.YAML(document)
	if err != nil || !strings.Contains(string(yaml), `"z": "<&>"`) || strings.Contains(string(yaml), "a/b.json") {
		t.Errorf("%v\n%s", err, yaml)
	}
}

// TestSecondReading: reading the bundled contract again does not change it.
func TestSecondReading(t *testing.T) {
	t.Parallel()
	once := toJSON(t, openapi.Document)
	if !json.Valid(once) || strings.Contains(string(once), "externalValue") {
		t.Errorf("the contract is not one JSON file")
	}
	if twice := toJSON(t, once); string(twice) != string(once) {
		t.Errorf("a second reading changed the document")
	}
}

func toJSON(t *testing.T, text []byte) []byte {
	t.Helper()
	document, err := bundle.Read(text, openapi.Examples)
	if err != nil {
		t.Fatal(err)
	}
	got, err := bundle.JSON(document)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestUnreadable: errors name the file.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                              "the document: it is empty",
		"a: [":                          "the document: yaml",
		"e: {externalValue: none.json}": "the example none.json",
		"e: {externalValue: bad.json}":  "the example bad.json",
	} {
		_, err := bundle.Read([]byte(text), fstest.MapFS{"bad.json": {Data: []byte("{")}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
