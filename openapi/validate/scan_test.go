package validate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// order is a typical body of a shop.
var order = func() []byte {
	var b strings.Builder
	b.WriteString(`{"id":"0f2be0a6-6f3b-4f0e-9f2e-4d5a6f1d7a52","customer":{"name":"Ada Lovelace","email":"ada@example.com","address":{"street":"12 St James's Square","city":"London","country":"GB"}},"created":"2026-01-02T03:04:05Z","lines":[`)
	for i := range 20 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"sku":"A-%04d","quantity":%d,"price":%d.99,"currency":"EUR","gift":false,"note":"Leave it at the door, please; floor %d","tags":["new","sale"]}`, i, i+1, i*3, i)
	}
	b.WriteString(`],"total":1234.5,"status":"paid"}`)
	return []byte(b.String())
}()

// scans reports whether data is one I-JSON text.
func scans(data []byte) bool {
	var t tape
	end, ok := t.scan(data, skipSpace(data, 0), maxDepth)
	return ok && skipSpace(data, end) == len(data)
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{
		"", " ", "{}", "[]", "null", `"a"`, `{"a":1}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[1,2.5,-0,1e5,01]`, `{"a":{"b":[{},[],""]}}`, "[1,]", `{"a":1,}`,
		`{"a" : true , "b":false}`, `[[[[`, `{"a":}`, `"\ud800"`, "\"\xff\"", `{"é":1,"e\u0301":2}`, string(order), `[{},{}]x`, `{,}`, `{"a":1 "b":2}`, `[1 2]`, `-`, `tru`,
	} {
		f.Add([]byte(s))
	}
	many := `{`
	for i := range 100 {
		many += fmt.Sprintf(`"n%d":%d,`, i, i)
	}
	f.Add([]byte(many + `"n100":1}`))
	f.Add([]byte(many + `"n7":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := Open(data)
		r.Skip()
		if want := r.Close() == nil; scans(data) != want {
			t.Fatalf("the tape returns %t, the reader %t: %q", !want, want, data)
		}
		if scans(data) != strict(data) && !deep(data) {
			t.Fatalf("the tape and jsontext differ: %q", data)
		}
	})
}

// strict returns jsontext's verdict, which allows more levels.
func strict(data []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	if _, err := d.ReadValue(); err != nil {
		return false
	}
	_, err := d.ReadToken()
	return errors.Is(err, io.EOF)
}

func deep(data []byte) bool {
	depth := 0
	for _, c := range data {
		if c == '[' || c == '{' {
			depth++
		}
	}
	return depth > maxDepth
}

func BenchmarkScan(b *testing.B) {
	b.Run("tape", func(b *testing.B) {
		var t tape
		b.SetBytes(int64(len(order)))
		for b.Loop() {
			t.scan(order, 0, maxDepth)
		}
	})
	b.Run("reader", func(b *testing.B) {
		b.SetBytes(int64(len(order)))
		for b.Loop() {
			r := Open(order)
			r.Skip()
		}
	})
	b.Run("jsontext", func(b *testing.B) {
		b.SetBytes(int64(len(order)))
		for b.Loop() {
			_ = jsontext.Value(order).IsValid()
		}
	})
	b.Run("encoding/json valid", func(b *testing.B) {
		b.SetBytes(int64(len(order)))
		for b.Loop() {
			_ = json.Valid(order)
		}
	})
}
