package validate

import "testing"

// TestUndecodable has readers with values that the contract accepts and the Go type cannot hold.
func TestUndecodable(t *testing.T) {
	t.Parallel()
	free, text := &Schema{Types: AnyType}, &Schema{Types: String}
	compile(t, free)
	compile(t, text)
	want := &Expected{Type: "object"}
	judged := func(s *Schema) func(r *Reader) {
		return func(r *Reader) {
			if at := r.Offset(); r.Check(s) {
				r.Rewind(at)
				r.Enter('{', want)
			}
		}
	}
	tests := map[string]struct {
		data        string
		read        func(r *Reader)
		said        string
		undecodable bool
	}{
		"accepted":             {`5`, judged(free), "type", true},
		"rejected":             {`5`, judged(text), "type", false},
		"accepted and decoded": {`{}`, func(r *Reader) { judged(free)(r); r.More(0, '}') }, "", false},
		"any value accepted":   {`"a"`, func(r *Reader) { r.Admit(); r.Boolean(want) }, "type", true},
		"not checked":          {`5`, func(r *Reader) { r.Enter('{', want) }, "type", false},
		"a number too large":   {`5`, func(r *Reader) { lit, _ := r.Number(want); r.Beyond(0, lit, free) }, "format", true},
		"an invalid number":    {`5`, func(r *Reader) { lit, _ := r.Number(want); r.Beyond(0, lit, text) }, "type", false},
		"an undecodable text":  {`"a"`, func(r *Reader) { r.Undecodable(r.Offset(), want); r.AnyString(want) }, "format", true},
		"malformed after it":   {`5]`, judged(free), "malformed", false},
		"a fault after it": {`[5,6]`, func(r *Reader) {
			r.Enter('[', want)
			r.More(0, ']')
			judged(free)(r)
			r.More(1, ']')
			r.Enter('{', want)
			r.More(2, ']')
		}, "type /1", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Open([]byte(tt.data))
			tt.read(&r)
			f := r.Close()
			if got := said(f); got != tt.said {
				t.Errorf("got faults %q, want %q", got, tt.said)
			}
			if f != nil && f.Undecodable != tt.undecodable {
				t.Errorf("got Undecodable %t", f.Undecodable)
			}
			if accepted := f.Verdict() == nil; accepted != (f == nil || tt.undecodable) {
				t.Errorf("got %t for the verdict", accepted)
			}
		})
	}
}

func TestUndecodableParameters(t *testing.T) {
	t.Parallel()
	list := []Place{{"query", "a", &Expected{}}, {"query", "b", &Expected{}}}
	p := ParametersOf(list)
	p.Undecodable(1, list[1].Expected)
	if f := p.Close(); said(f) != "query format b" || !f.Undecodable {
		t.Errorf("got %+v", f)
	}
	p.Fault(0, "type", "", list[0].Expected)
	if f := p.Close(); f.Undecodable {
		t.Errorf("next to a fault: got %+v", f)
	}
}
