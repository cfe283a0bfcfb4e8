package main

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi"
)

// bodies are the columns: the page's request, one with two members, and the page's with a status that is not a number.
var bodies = []struct {
	name string
	text []byte
}{
	{"full", openapi.UpdateRequestExample},
	{"small", []byte(`{"status":7,"isDeleted":false}`)},
	{"invalid", bytes.Replace(openapi.UpdateRequestExample, []byte(`"status": 6`), []byte(`"status": "x"`), 1)},
}

// each runs a row for the first n bodies.
func (r reader) each(b *testing.B, n int) {
	b.Run(r.name, func(b *testing.B) {
		for _, body := range bodies[:n] {
			b.Run(body.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_ = r.read(body.text)
				}
			})
		}
	})
}

func BenchmarkBody(b *testing.B) {
	for _, r := range mustReaders(b) {
		r.each(b, len(bodies))
	}
}

func BenchmarkSchemas(b *testing.B) { benchmarkRows(b, schemaRows(), len(schemaBodies), false) }

func BenchmarkDecoded(b *testing.B) { benchmarkRows(b, decodedRows(), 3, false) }

// BenchmarkFault reads the bodies of BenchmarkDecoded with one fault each.
func BenchmarkFault(b *testing.B) { benchmarkRows(b, decodedRows(), 3, true) }

func benchmarkRows(b *testing.B, rows []schemaRow, columns int, fault bool) {
	for _, row := range rows {
		b.Run(row.name, func(b *testing.B) {
			for _, body := range schemaBodies[:columns] {
				judge, err := row.judge(body.name)
				if err != nil {
					b.Fatal(err)
				}
				text := []byte(body.text)
				if fault {
					text = []byte(withFault(body.name, body.text))
				}
				b.Run(body.name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := judge(text); (err != nil) != fault {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

func BenchmarkTokens(b *testing.B) {
	for _, r := range lexers() {
		r.each(b, 2) // a lexer cannot find the fault of the third
	}
}

func BenchmarkParameters(b *testing.B) {
	header := http.Header{
		"Client-Request-Id": {"f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"}, "If-Match": {`"8f2c01d6a94be370"`}, "Prefer": {"return=minimal"},
	}
	b.Run("ours", func(b *testing.B) {
		var path pfxvalid.UpdatePfxRecryptionRequestPath
		var params pfxapi.UpdatePfxRecryptionRequestParams
		b.ReportAllocs()
		for b.Loop() {
			if faults := pfxvalid.DecodeUpdatePfxRecryptionRequestParams("sample", "", header, &path, &params); faults != nil {
				b.Fatal(errFaults)
			}
		}
	})
}

// TestReaders: each row accepts valid bodies and rejects the invalid one.
func TestReaders(t *testing.T) {
	for _, r := range mustReaders(t) {
		for _, body := range bodies {
			if err := r.read(body.text); (err != nil) != (body.name == "invalid") {
				t.Errorf("%s, %s: got %v", r.name, body.name, err)
			}
		}
	}
}

// TestStrictness lists what each row wrongly accepts: its figures mean little without that.
func TestStrictness(t *testing.T) {
	const usual = "duplicates, invalid UTF-8, lone surrogates"
	lets := map[string]string{
		"ours":                              "",
		"ogen":                              usual,
		"ogen, not validated":               usual,
		"kin-openapi, not decoded":          usual + ", trailing data, 6.0",
		"libopenapi-validator, not decoded": usual + ", 6.0",
		"santhosh-tekuri/jsonschema, not decoded": usual + ", 6.0",
		"encoding/json, our types, not validated": usual + ", Status",
		"encoding/json, pointers, not validated":  usual + ", Status, February 30",
	}
	for _, r := range mustReaders(t) {
		if got := r.lax(len(hostile)); got != lets[r.name] {
			t.Errorf("%s accepts %q, want %q", r.name, got, lets[r.name])
		}
	}
	lets = map[string]string{
		"go-faster/jx":                      usual,
		"go-faster/jx + UTF-8 + duplicates": "lone surrogates",
	}
	for _, r := range lexers() {
		if got := r.lax(lexical); got != lets[r.name] {
			t.Errorf("%s accepts %q, want %q", r.name, got, lets[r.name])
		}
	}
}

func mustReaders(tb testing.TB) []reader {
	tb.Helper()
	rows, err := readers()
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}
