package validate

import (
	"bytes"
	"context"
	"errors"
	"io"
	mimemultipart "mime/multipart"
	"net/url"
	"strings"
	"testing"
)

// taken returns the members that were read from a body, in order, and reports whether it is valid.
func taken(b *Body, contentType, data string) ([][2]string, bool) {
	m, _ := ParseMediaType(contentType)
	t := beginTexts(context.Background())
	defer t.end()
	t.checkContent(b, m, data)
	if t.result() != nil {
		return nil, false
	}
	var list [][2]string
	for c := t.nodes[0].first; c != 0; c = t.nodes[c].next {
		n := &t.nodes[c]
		if n.kind != listNode {
			list = append(list, [2]string{n.name, n.text})
		}
		for item := n.first; item != 0; item = t.nodes[item].next {
			list = append(list, [2]string{n.name, t.nodes[item].text})
		}
	}
	return list, true
}

// lists returns the schema of a form whose members are lists of texts or bytes.
func lists(format string) *Schema {
	return of(Object, func(s *Schema) {
		s.AdditionalProperties = of(Array, func(s *Schema) {
			s.Items = of(String, func(s *Schema) { s.Expected.Format = format })
		})
	})
}

// FuzzForm: a valid form has the same values for net/url. It rejects semicolons, which some older readers use as
// separators.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{"", "a=1&b=2&a=3", "a%3D=%26&+=%2B", "&&=&a", "a=%zz", "a=\xff", "a[b]=c"} {
		f.Add(seed)
	}
	s := lists("")
	if err := Compile(s); err != nil {
		f.Fatal(err)
	}
	b := &Body{Type: "application/x-www-form-urlencoded", Schema: s}
	f.Fuzz(func(t *testing.T, data string) {
		got, ok := taken(b, b.Type, data)
		if !ok || strings.Contains(data, ";") {
			return
		}
		want, err := url.ParseQuery(data)
		if err != nil {
			t.Fatalf("%q is valid, but net/url returns %v", data, err)
		}
		if n := 0; true {
			for _, list := range want {
				n += len(list)
			}
			if n != len(got) {
				t.Fatalf("%q: got %q, net/url returns %v", data, got, want)
			}
		}
		for _, m := range got {
			if list := want[m[0]]; len(list) == 0 || list[0] != m[1] {
				t.Fatalf("%q: got %q, net/url returns %v", data, got, want)
			}
			want[m[0]] = want[m[0]][1:]
		}
	})
}

// FuzzParts: valid content has the same parts for mime/multipart.
func FuzzParts(f *testing.F) {
	for _, seed := range []string{
		multipart(`name="a"|1`, `name=b; filename="x"|2`), multipart(), multipart("name=a\r\nContent-Type: text/plain|x\r\n--C"),
		"--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx\n--B--", "--B--", "--B\r\n\r\n--B--",
	} {
		f.Add(seed)
	}
	s := lists("binary")
	if err := Compile(s); err != nil {
		f.Fatal(err)
	}
	b := &Body{Type: "multipart/form-data", Schema: s}
	f.Fuzz(func(t *testing.T, data string) {
		got, ok := taken(b, "multipart/form-data; boundary=B", data)
		if !ok {
			return
		}
		want, err := readParts(data)
		if err != nil {
			t.Fatalf("%q is valid, but mime/multipart returns %v", data, err)
		}
		if len(got) != len(want) {
			t.Fatalf("%q: got %q, want %q", data, got, want)
		}
		left := map[[2]string]int{}
		for i := range want {
			left[want[i]]++
			left[got[i]]--
		}
		for m, n := range left {
			if n != 0 {
				t.Fatalf("%q: got %q, want %q: %q", data, got, want, m)
			}
		}
	})
}

func readParts(data string) ([][2]string, error) {
	var list [][2]string
	r := mimemultipart.NewReader(strings.NewReader(data), "B")
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return nil, err
		}
		list = append(list, [2]string{p.FormName(), string(bytes.Clone(content))})
	}
}

// FuzzParameters: any input has a verdict, and a second check returns the same.
func FuzzParameters(f *testing.F) {
	for _, seed := range []string{"a=1", "f[x][0][y]=1&f[x][0][z]=2", "l=1&l=2", "R,1,G,2", "R=1;G=2", ";v=1;v=2", ".1.2", "{\"a\":1}", "v=1; w =2", "%zz", "x=%2C,+|"} {
		f.Add(seed)
	}
	number := of(AnyType, func(s *Schema) {
		s.AnyOf = []*Schema{of(Integer), of(String, func(s *Schema) { s.MaxLength = count(2) })}
	})
	object := of(Object, func(s *Schema) { s.AdditionalProperties = number })
	object.Properties = []Property{{Name: "x", Schema: of(Array, func(s *Schema) { s.Items = object })}}
	either := of(AnyType, func(s *Schema) { s.AnyOf = []*Schema{number, object, of(Array, func(s *Schema) { s.Items = number })} })
	var operations []*Operation
	for in, styles := range map[string][]string{"path": {"simple", "label", "matrix"}, "query": {"form", "spaceDelimited", "pipeDelimited", "deepObject"}, "header": {"simple"}, "cookie": {"form"}} {
		for _, style := range styles {
			for _, schema := range []*Schema{number, object, either} {
				for _, explode := range []bool{true, false} {
					operations = append(operations, &Operation{Path: "/{v}", Parameters: []*Parameter{{In: in, Name: "v", Style: style, Explode: explode, Schema: schema}}})
				}
			}
		}
		operations = append(operations, &Operation{Path: "/{v}", Parameters: []*Parameter{{In: in, Name: "v", Style: styles[0], Content: "application/json", Schema: either}}})
	}
	if err := Compile(either); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data string) {
		for _, o := range operations {
			check := func() string {
				faults := o.CheckParameters(t.Context(), []string{data}, data, map[string][]string{"V": {data}, "Cookie": {data}})
				if faults != nil && (faults.Malformed || len(faults.List) == 0 || len(faults.List) > maxFaults) {
					t.Fatalf("%+v %q: %+v", o.Parameters[0], data, faults)
				}
				return said(faults)
			}
			if one, two := check(), check(); one != two {
				t.Fatalf("%+v %q: %q, then %q", o.Parameters[0], data, one, two)
			}
		}
	})
}
