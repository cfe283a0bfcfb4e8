package validate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// read reads data as a value of any type.
func read(data []byte) *Faults {
	r := Open(data)
	r.Skip()
	return r.Close()
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, data string
		offset     int
	}{
		{"empty", "", 0},
		{"white space only", " \t\r\n", 4},
		{"byte order mark", "\xef\xbb\xbf{}", 0},
		{"trailing value", "{} {}", 3},
		{"trailing comma", `{"a":1,}`, 7},
		{"trailing comma in array", `[1,]`, 3},
		{"leading comma", `[,1]`, 1},
		{"missing comma", `[1 2]`, 3},
		{"missing colon", `{"a" 1}`, 5},
		{"missing value", `{"a":}`, 5},
		{"name without quotes", `{a:1}`, 1},
		{"number as name", `{1:1}`, 1},
		{"comment", `{/**/}`, 1},
		{"line comment", "1 // one", 2},
		{"NaN", "NaN", 0},
		{"Infinity", "-Infinity", 0},
		{"leading zero", "01", 0},
		{"leading plus", "+1", 0},
		{"bare point", "1.", 0},
		{"no integer part", ".5", 0},
		{"bare exponent", "1e", 0},
		{"hexadecimal", "0x1", 1},
		{"word in capitals", "True", 0},
		{"incomplete word", "tru", 0},
		{"characters after a word", "nulll", 4},
		{"single quotes", "'a'", 0},
		{"open string", `"a`, 2},
		{"open object", `{"a":1`, 6},
		{"open array", `[1`, 2},
		{"wrong bracket", `[1}`, 2},
		{"control character", "\"a\nb\"", 2},
		{"NUL", "\"\x00\"", 1},
		{"invalid escape", `"\x"`, 1},
		{"short escape", `"\u12"`, 1},
		{"lone high surrogate", `"\ud800"`, 1},
		{"lone low surrogate", `"a\udc00"`, 2},
		{"two high surrogates", `"\ud800\ud800"`, 1},
		{"high surrogate before another escape", `"\ud800\n"`, 1},
		{"overlong", "\"\xc0\xaf\"", 1},
		{"surrogate in UTF-8", "\"\xed\xa0\x80\"", 1},
		{"beyond U+10FFFF", "\"\xf4\x90\x80\x80\"", 1},
		{"incomplete character", "\"\xe2\x82\"", 1},
		{"lone continuation byte", "\"\x80\"", 1},
		{"form feed as space", "\f1", 0},
		{"duplicate", `{"a":1,"a":2}`, 11},
		{"duplicate after unescaping", `{"a":1,"\u0061":2}`, 16},
		{"nested duplicate", `[{"b":{"a":1,"a":1}}]`, 17},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := read([]byte(tt.data))
			if f == nil || !f.Malformed || f.Offset != tt.offset || f.List != nil {
				t.Errorf("%q: got %+v, want malformed at %d", tt.data, f, tt.offset)
			}
			if f != nil && f.Empty != (strings.TrimSpace(tt.data) == "") {
				t.Errorf("%q: got Empty %v", tt.data, f.Empty)
			}
		})
	}
}

func TestWellFormed(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		"0", "-0", "-0.0e-0", "1E+2", "123456789012345678901234567890", "true", "false", "null", `""`, " [ ] ", "\t{\r\n}\n",
		`"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"`, `"é😀"`, "\"\u2028\x7f\"", `{"":{"":{}}}`, `{"a":1,"A":1}`,
		strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth),
	} {
		if f := read([]byte(data)); f != nil {
			t.Errorf("%q: got %+v, want no fault", data, f)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"[", `{"a":`} {
		if f := read([]byte(strings.Repeat(open, maxDepth+1))); f == nil || !f.Malformed || f.Offset != maxDepth*len(open) {
			t.Errorf("%s: got %+v, want malformed at level %d", open, f, maxDepth+1)
		}
	}
}

// TestManyMembers checks that the set of names finds duplicates with and without a table.
func TestManyMembers(t *testing.T) {
	t.Parallel()
	for n := range 3 * fewNames {
		for twin := range n {
			var b bytes.Buffer
			b.WriteByte('{')
			for i := range n {
				b.WriteString(`"` + strconv.Itoa(i) + `":0,`)
			}
			good := b.String() + `"x":0}`
			if f := read([]byte(good)); f != nil {
				t.Fatalf("%s: got %+v, want no fault", good, f)
			}
			bad := b.String() + `"` + strconv.Itoa(twin) + `":0}`
			if f := read([]byte(bad)); f == nil || !f.Malformed {
				t.Fatalf("%s: got %+v, want malformed", bad, f)
			}
		}
	}
}

func TestUnescape(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`"\"\\\/\b\f\n\r\t"`, `"\u00e9\u20ac x"`, `"\uD83D\uDE00\uFFFF"`, `"plain"`, `"é\n€"`, `""`} {
		var want string
		if err := json.Unmarshal([]byte(data), &want); err != nil {
			t.Fatal(err)
		}
		r := Open([]byte(data))
		if got, ok := r.String(&Expected{}); !ok || got != want || r.Close() != nil {
			t.Errorf("%s: got %q, want %q", data, got, want)
		}
	}
}

// seeds adds the inputs with which every target starts.
func seeds(f *testing.F) {
	f.Helper()
	for _, s := range []string{
		`{"a":1,"a":2}`, "\"\xff\"", `"\ud800"`, `{"a":[true,false,null,-1.5e+3,"x\u0000"]}`, "[[[]]]", "\xef\xbb\xbf1", "01", `{"a":1}x`, "",
		`{"\u0061":1,"a":1}`, "\"0123456\x1f\"", "\"01234567\\\"\"", "1e999", " \n[1 , 2 ]", "\"\xed\xa0\x80\"", `"\uD83D\uDE00"`,
	} {
		f.Add([]byte(s))
	}
}

// FuzzStrict compares the reader with an independent strict one.
func FuzzStrict(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		got := read(data)
		want := jsontext.Value(data).IsValid()
		if got == nil && !json.Valid(data) {
			t.Fatalf("%q: accepted, but encoding/json rejects it", data)
		}
		if got == nil && !want || got != nil && want && depthOf(data) <= maxDepth {
			t.Fatalf("%q: got %+v, jsontext returns %v", data, got, want)
		}
		if got != nil && (!got.Malformed || got.Offset < 0 || got.Offset > len(data)) {
			t.Fatalf("%q: got %+v", data, got)
		}
	})
}

func depthOf(data []byte) int {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	deepest := 0
	for {
		if _, err := d.ReadToken(); err != nil {
			if !errors.Is(err, io.EOF) {
				return -1
			}
			return deepest
		}
		deepest = max(deepest, d.StackDepth())
	}
}

// FuzzString compares decoded strings with encoding/json's, and encodes them again.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", "é€😀", `a\nb`, `\u0041\ud83d\ude00`, "0123456789\x7f", `\\\"`, "a\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, inside string) {
		data := []byte(`"` + inside + `"`)
		r := Open(data)
		got, ok := r.String(&Expected{})
		if r.Close() != nil || !ok {
			if jsontext.Value(data).IsValid() {
				t.Fatalf("%q: rejected", data)
			}
			return
		}
		var want string
		if err := json.Unmarshal(data, &want); err != nil || got != want {
			t.Fatalf("%q: got %q, want %q (%v)", data, got, want, err)
		}
		r = Open(AppendString(nil, got))
		if again, ok := r.String(&Expected{}); !ok || again != got || r.Close() != nil {
			t.Fatalf("%q: encoded and decoded: got %q", got, again)
		}
	})
}
