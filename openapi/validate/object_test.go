package validate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestNext has objects with members in any order and notation. Of each it tells the indexes and the other names.
func TestNext(t *testing.T) {
	t.Parallel()
	want := &Expected{}
	members := MembersOf([]Member{{"a", want}, {Name: "b"}, {`c"\`, want}, {Name: "é"}})
	tests := []struct{ data, read, said string }{
		{`{"a":1,"b":2,"c\"\\":3,"é":4}`, "0 1 2 3", ""},
		{" { \"a\" : 1 ,\n\"b\":\t2,  \"c\\\"\\\\\":3, \"\\u00e9\" :4 } ", "0 1 2 3", ""},
		{`{"é":1,"c\u0022\\":2,"a":3}`, "3 2 0", ""},
		{`{"x":1,"a":2,"y":3,"c\"\\":4}`, "x 0 y 2", ""},
		{`{"b":1}`, "1", `required a/a; required c"\/c"\`},
		{`{}`, "", `required a/a; required c"\/c"\`},
		{`{"a":1,"a":2}`, "0", "malformed"},
		{`{"b":1,"a":2,"b":3}`, "1 0", "malformed"},
		{`{"x":1,"x":2}`, "x x", "malformed"},
		{`{"a":1,"c"\":2}`, "0", "malformed"},
		{`{"a":1"b":2}`, "0", "malformed"},
		{`{,"a":1}`, "", "malformed"},
		{`{"a":1,,"b":2}`, "0", "malformed"},
		{`{"a":1,}`, "0", "malformed"},
		{`{"a" 1}`, "", "malformed"},
		{`{"a":1,"b":`, "0 1", "malformed"},
		{`{"a"`, "", "malformed"},
		{`{`, "", "malformed"},
	}
	for _, tt := range tests {
		r := Open([]byte(tt.data))
		o := ObjectReader{Members: members}
		var read []string
		for r.Enter('{', want); r.Next(&o); {
			if o.Index >= 0 {
				read = append(read, fmt.Sprint(o.Index))
				r.Skip()
				continue
			}
			read = append(read, string(r.Name()))
			r.Free(&o)
		}
		if got := strings.Join(read, " "); got != tt.read {
			t.Errorf("%s: read %q, want %q", tt.data, got, tt.read)
		}
		if got := said(r.Close()); got != tt.said {
			t.Errorf("%s: got faults %q, want %q", tt.data, got, tt.said)
		}
	}
}

// TestNextOfMany has objects with more members than a word has bits.
func TestNextOfMany(t *testing.T) {
	t.Parallel()
	var list []Member
	var written []string
	for i := range 200 {
		m := Member{Name: fmt.Sprint("m", i)}
		if i%3 == 0 {
			m.Required = &Expected{}
		}
		list = append(list, m)
		written = append(written, fmt.Sprintf("%q:%d", m.Name, i))
	}
	members := MembersOf(list)
	read := func(parts []string) *Faults {
		r := Open([]byte("{" + strings.Join(parts, ",") + "}"))
		o := ObjectReader{Members: members}
		for r.Enter('{', &Expected{}); r.Next(&o); {
			r.Skip()
		}
		return r.Close()
	}
	if f := read(written); f != nil {
		t.Errorf("all members: got %s", said(f))
	}
	for i := range list {
		others := slices.Delete(slices.Clone(written), i, i+1)
		want := ""
		if i%3 == 0 {
			want = "required " + list[i].Name + "/" + list[i].Name
		}
		if got := said(read(others)); got != want {
			t.Errorf("without member %d: got %q, want %q", i, got, want)
		}
		if f := read(append(written, written[i])); f == nil || !f.Malformed {
			t.Errorf("member %d twice: got %s", i, said(f))
		}
	}
}
